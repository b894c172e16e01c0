"""A body of 1 GiB down and up: how much memory does the proxy take for it?"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from bench import procfs
from bench.rows.client import head, status_of
from bench.upstream import HUGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.load import Target
    from bench.run import Contender, Run

    _Transfer = Callable[[socket.socket, Target], str]

_CHUNK = 262_144
_WITHIN_S = 20.0
_SAMPLE_EVERY_S = 0.1
_MIB = 1 << 20


class _Peak:
    """The largest memory of a process tree while it was watched, above where it began."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = procfs.memory_bytes(pid)
        self._most = self._before
        self._done = threading.Event()

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Sample ten times a second while the block runs."""
        thread = threading.Thread(target=self._sample)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _sample(self) -> None:
        while not self._done.wait(_SAMPLE_EVERY_S):
            self._most = max(self._most, procfs.memory_bytes(self._pid))

    @property
    def grown_mib(self) -> float:
        """How far memory rose."""
        return round((self._most - self._before) / _MIB, 1)


def measure(run: Run, contenders: Sequence[Contender]) -> dict[str, dict[str, float | str]]:
    """Return processor seconds and memory growth of each contender for 1 GiB either way."""
    rows = {}
    for contender in contenders:
        run.say(f"huge bodies: {contender.peer.title}")
        facts: dict[str, float | str] = {}
        for way, transfer in (("down", _download), ("up", _upload)):
            facts |= _one_way(contender.target, way, transfer)
        rows[f"1 GiB bodies: {contender.peer.title}"] = facts
    return rows


def _one_way(target: Target, way: str, transfer: _Transfer) -> dict[str, float | str]:
    peak = _Peak(target.pid)
    cpu_before = procfs.cpu_s(target.pid)
    started_at = time.monotonic()
    try:
        with peak.watch(), _connected(target) as connection:
            outcome = transfer(connection, target)
    except OSError as failure:
        outcome = f"failed: {failure}"
    return {
        f"{way}": outcome,
        f"{way}, seconds": round(time.monotonic() - started_at, 1),
        f"{way}, CPU s": round(procfs.cpu_s(target.pid) - cpu_before, 2),
        f"{way}, memory rose by MiB": peak.grown_mib,
    }


@contextlib.contextmanager
def _connected(target: Target) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", target.port), timeout=_WITHIN_S) as connection:
        yield connection


def _cookie(target: Target) -> str:
    return (target.cookies.read_text().splitlines() or [""])[0]


def _download(connection: socket.socket, target: Target) -> str:
    connection.sendall(head("GET", "/api/huge", target.port, _cookie(target)))
    give_up_at = time.monotonic() + _WITHIN_S
    first = connection.recv(_CHUNK)
    if status_of(first) != 200:
        return f"answered {status_of(first)}"
    received = len(first)
    buffer = bytearray(_CHUNK)
    while received < HUGE_BYTES and time.monotonic() < give_up_at:
        piece = connection.recv_into(buffer)
        if not piece:
            break
        received += piece
    return "whole" if received >= HUGE_BYTES else f"{received // _MIB} MiB in {_WITHIN_S:.0f} s"


def _upload(connection: socket.socket, target: Target) -> str:
    connection.sendall(head("PUT", "/api/sink", target.port, _cookie(target), length=HUGE_BYTES))
    give_up_at = time.monotonic() + _WITHIN_S
    zeros = bytes(_CHUNK)
    for _sent in range(0, HUGE_BYTES, _CHUNK):
        if time.monotonic() > give_up_at:
            return f"not within {_WITHIN_S:.0f} s"
        connection.sendall(zeros)
    answer = connection.recv(_CHUNK)
    while answer and str(HUGE_BYTES).encode() not in answer:
        piece = connection.recv(_CHUNK)
        if not piece:
            break
        answer += piece
    return "whole" if str(HUGE_BYTES).encode() in answer else f"answered {status_of(answer)}"
