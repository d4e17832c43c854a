#!/usr/bin/env bash
# Installs tfzoo with its test tools into .venv and runs the whole test suite, on two processes.
#
#     bash scripts/test.sh                        # everything
#     bash scripts/test.sh tests/callbacks -k png # what pytest makes of these arguments
#     bash scripts/test.sh --tensorflow 2.20      # in .venv-tensorflow-2.20; arguments may follow
#
# tests/parity needs PyTorch, tests/tpu the TPU's compiler and tests/browser a Chromium, too heavy
# for everyone: scripts/test_parity.sh, scripts/test_tpu.sh and scripts/test_browser.sh run them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup_environment.sh

if [ "${1:-}" = --tensorflow ]; then
    use_tensorflow "${2:-}"
    shift 2
fi
setup_environment test

say "Running the tests."
exec "$ENVIRONMENT_PYTHON" -m pytest -n 2 \
    --ignore=tests/parity --ignore=tests/tpu --ignore=tests/browser "$@"
