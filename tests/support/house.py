"""The whole house as `make run` starts it, on free ports and a folder of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ports import free_port
from tests.support.programs import ROOT, Program, bare_environ
from tests.support.visitor import Visitor, new_person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PARTIES = ("bff", "sso", "workbench")


class House:
    """One instance of `python app.py`."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        """Prepare one below *folder*; *environ* is set on top."""
        folder.mkdir(parents=True, exist_ok=True)
        self.var = folder / "var"
        self.ports = {party: free_port() for party in _PARTIES}
        self.environ = {f"{party.upper()}_PORT": str(port) for party, port in self.ports.items()}
        self.environ |= {"CLOAKROOM_VAR": str(self.var), **(environ or {})}
        self.program = Program(
            "house",
            [sys.executable, str(ROOT / "app.py")],
            folder / "house.log",
            environ=self.environ,
        )

    @property
    def url(self) -> str:
        """Where people go."""
        return f"http://localhost:{self.ports['bff']}"

    def start(self) -> None:
        """Start it, or start it again, and wait until it says that it is ready."""
        already = self.starts()
        self.program.start()
        self.program.wait_until(lambda: self.starts() > already, within_s=240)

    def starts(self) -> int:
        """Return how often it has become ready."""
        return len(re.findall(r"^Ready after", self.program.log(), re.MULTILINE))

    def new_visitor(self) -> Visitor:
        """Return the browser of somebody who has no account yet."""
        return Visitor(self.url, new_person())

    def processes(self) -> dict[int, str]:
        """Return the command of every process, also a stray one, that works on this folder."""
        return dict(_processes_that_name(str(self.var)))

    def pid_of(self, what: str) -> int:
        """Return the oldest process whose command contains *what*."""
        return min(pid for pid, command in self.processes().items() if what in command)


def _processes_that_name(path: str) -> Iterator[tuple[int, str]]:
    wanted = path.encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            if command and (wanted in command or wanted in (entry / "environ").read_bytes()):
                yield int(entry.name), command.replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # it ended, or is somebody else's


def environ_of(house: House) -> dict[str, str]:
    """Return the environment of a command beside *house*."""
    return {**bare_environ(), **house.environ}
