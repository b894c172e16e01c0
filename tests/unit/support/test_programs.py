"""What tests start ends with them, and what they leave out is said."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import ROOT, NotReadyError, Program

if TYPE_CHECKING:
    from pathlib import Path

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)"]
STARTER = """
import sys, time
from pathlib import Path
from tests.support.programs import Program
sleeper = Program("sleeper", sys.argv[2:], Path(sys.argv[1]) / "sleeper.log")
sleeper.start()
sleeper.wait_until(lambda: "awake" in sleeper.log())
print(sleeper.pid, flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    """Tell whether the process *pid* runs; one that ended and waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a line of the kernel's
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_stop_ends_a_program_and_its_children(tmp_path: Path) -> None:
    """A child that its parent forgot goes with it."""
    script = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    program = Program("parent", [sys.executable, "-c", script], tmp_path / "log")
    program.start()
    program.wait_until(lambda: program.log().strip().isdigit())
    child = int(program.log())
    assert lives(child)
    program.stop()
    assert not program.is_running()
    waiter = Program("waiter", SLEEPER, tmp_path / "waiter")
    waiter.start()
    waiter.wait_until(lambda: not lives(child), within_s=60)
    waiter.stop()


def test_a_killed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """The kernel ends what pytest started when pytest itself is killed."""
    command = [sys.executable, "-c", STARTER, str(tmp_path), *SLEEPER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        sleeper = int(starter.stdout.readline())
        assert lives(sleeper)
        starter.kill()
    waiter = Program("waiter", SLEEPER, tmp_path / "waiter")
    waiter.start()
    waiter.wait_until(lambda: not lives(sleeper), within_s=60)
    waiter.stop()


def test_a_program_that_ends_early_says_why(tmp_path: Path) -> None:
    """The end of its log stands in the error."""
    program = Program(
        "brief", [sys.executable, "-c", "raise SystemExit('no port')"], tmp_path / "l"
    )
    program.start()
    with pytest.raises(NotReadyError, match="no port"):
        program.wait_until(lambda: False)
    program.stop()


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_what_is_left_out_is_listed_and_fails_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    """No test is skipped in silence."""
    (tmp_path / "test_needy.py").write_text(
        "from tests.support import needs\n"
        "def test_needy():\n    needs.program('no-such-program', package='no-such-package')\n"
        "def test_content():\n    pass\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "could not run here" in done.stdout
    assert "test_needy: needs no-such-program: apt-get install no-such-package" in done.stdout
