"""Children are kept alive, end in order, and never outlive the launcher."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from launcher.child import Child
from launcher.crew import Crew
from launcher.signals import Signals, StopAsked
from launcher.words import CannotStart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
_SLEEPER = "import time; time.sleep(600)"
_DEAF = """
import signal, time
signal.signal(15, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
_LAUNCHER = """
import os, sys, time
from pathlib import Path
from launcher.child import Child
sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
child = Child("a child", sleeper, Path(sys.argv[1]), os.environ)
child.start()
print(child.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Signals of this process, given back afterwards."""
    before = {number: signal.getsignal(number) for number in (2, 15, 1, signal.SIGCHLD)}
    with Signals() as signals:
        yield signals
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def crew(signals: Signals) -> Iterator[Crew]:
    """A crew that is ended whatever the test did."""
    crew = Crew(signals)
    yield crew
    crew.stop()


@pytest.fixture
def child(tmp_path: Path) -> Callable[[str], Child]:
    """A function that makes a child of Python source."""

    def make(source: str) -> Child:
        log = tmp_path / f"{len(list(tmp_path.iterdir()))}.log"
        log.touch()
        return Child("the child", [sys.executable, "-c", source], log, dict(os.environ))

    return make


def _pid(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def _lives(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _eventually(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def test_a_killed_child_is_started_again(
    crew: Crew, child: Callable[[str], Child], capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL a child: another takes its place, and the terminal says so."""
    sleeper = child(_SLEEPER)
    crew.start([sleeper], end_within_s=5)
    first = _pid(sleeper)

    def kill_then_stop() -> None:
        os.kill(first, signal.SIGKILL)
        _eventually(lambda: _pid(sleeper) != first and sleeper.is_running)
        os.kill(os.getpid(), signal.SIGTERM)

    stranger = threading.Thread(target=kill_then_stop)
    stranger.start()
    with pytest.raises(StopAsked):
        crew.watch()
    stranger.join()
    assert _pid(sleeper) != first
    assert "The child ended by signal SIGKILL; it is started again." in capsys.readouterr().err


def test_a_child_that_cannot_live_stops_everything(
    crew: Crew, child: Callable[[str], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some tries there is one sentence, with the child's own words beneath."""
    monkeypatch.setattr("launcher.crew._PAUSES_S", (0.0, 0.0))
    crew.start([child("print('no such port'); raise SystemExit(3)")], end_within_s=5)
    with pytest.raises(CannotStart, match=r"ended with status 3 again and again\.\n  no such port"):
        crew.watch()


def test_a_child_that_ends_during_the_start_stops_everything(
    crew: Crew, child: Callable[[str], Child]
) -> None:
    """Log lines are left out of its last words; sentences are shown."""
    source = (
        "print('{\"event\": \"x\"}'); print('bff.toml: prot: unknown key'); raise SystemExit(2)"
    )
    crew.start([child(source)], end_within_s=5)
    with pytest.raises(CannotStart) as reason:
        crew.wait_until(lambda: "it is not ready", 20)
    assert str(reason.value).endswith("at once.\n  bff.toml: prot: unknown key")


def test_waiting_has_an_end(crew: Crew, child: Callable[[str], Child]) -> None:
    """What never gets ready is named."""
    crew.start([child(_SLEEPER)], end_within_s=5)
    with pytest.raises(CannotStart, match="After 0 s the child sulks"):
        crew.wait_until(lambda: "the child sulks", 0.1)


def test_ranks_end_one_after_the_other(
    crew: Crew, child: Callable[[str], Child], tmp_path: Path
) -> None:
    """The last started ends first: its requests need the others."""
    order = tmp_path / "order"
    source = (
        "import signal, sys, time\n"
        "def end(*_):\n    open({order!r}, 'a').write({name!r}); sys.exit()\n"
        "signal.signal(15, end); open({order!r} + {name!r}, 'w'); time.sleep(600)"
    )
    for name in ("store", "gateway"):
        crew.start([child(source.format(order=str(order), name=name))], end_within_s=20)
    assert _eventually(lambda: len(list(tmp_path.glob("order?*"))) == 2)
    crew.stop()
    assert order.read_text() == "gatewaystore"


def test_who_does_not_listen_is_ended_by_force(crew: Crew, child: Callable[[str], Child]) -> None:
    """SIGTERM has its time, then SIGKILL."""
    deaf = child(_DEAF)
    crew.start([deaf], end_within_s=0.1)
    assert _eventually(lambda: deaf.last_words() == ["deaf"])
    crew.stop()
    assert deaf.exit_status() == -signal.SIGKILL


def test_a_second_wish_ends_everything_at_once(
    crew: Crew, signals: Signals, child: Callable[[str], Child]
) -> None:
    """Ctrl-C twice: nobody waits for requests under way."""
    deaf = child(_DEAF)
    crew.start([deaf], end_within_s=600)
    assert _eventually(lambda: deaf.last_words() == ["deaf"])
    signals.asked = 1
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    crew.stop()
    assert deaf.exit_status() == -signal.SIGKILL


def test_children_die_with_a_killed_launcher(tmp_path: Path) -> None:
    """SIGKILL runs no code of ours: the kernel takes the children along."""
    with subprocess.Popen(
        [sys.executable, "-c", _LAUNCHER, str(tmp_path / "log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as launcher:
        assert launcher.stdout is not None
        pid = int(launcher.stdout.readline())
        assert _lives(pid)
        launcher.kill()
    assert _eventually(lambda: not _lives(pid))
