"""Signals as a place to wait at, so that no code of ours runs inside a handler."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_CHUNK = 64


class StopAsked(Exception):  # noqa: N818 - a wish, not an error
    """Somebody wants everything stopped."""


class Signals:
    """Collects the signals of this process while the context lasts.

    Attributes:
        asked: how often somebody asked to stop.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        """Listen."""
        signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        for number in (*_ENDING, signal.SIGCHLD):
            self._before[number] = signal.signal(number, _nothing)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ignore what still comes: everything is down, and the exit status is decided."""
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def wait(self, seconds: float) -> None:
        """Return after *seconds*, or sooner when a child ended or somebody asked to stop."""
        select.select([self._read_fd], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self.asked += sum(number in _ENDING for number in os.read(self._read_fd, _CHUNK))

    def pause(self, seconds: float) -> None:
        """Wait as `wait` does.

        Raises:
            StopAsked: somebody asked to stop.
        """
        self.wait(seconds)
        if self.asked:
            raise StopAsked


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Be a handler: the number itself arrives through the wake-up pipe."""
