"""One open stream: what waits to be sent, and how it looks on the wire.

Each event has two places in the order: first what it is to the reader's inbox, then what it is to
their feed. A position names the last of them that was sent, so that a reader who comes back is
told neither less nor twice.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from workbench.paging import PageRequest, cursor_of
from workbench.problems import BAD_REQUEST, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PING_S = 15.0
# A reader that is so far behind is let go; they come back and are told from where they were.
_WAITING_MAX = 500
_RETRY_MS = 2000
INBOX, FEED = 1, 2


class Position(NamedTuple):
    """A place in the order of everything that can be sent."""

    number: int
    part: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that was sent as *text*; an event's id alone means all of it.

        Raises:
            Refused: ``bad_request``.
        """
        cursor, dot, part = text.partition(".")
        if dot and part not in {str(INBOX), str(FEED)}:
            raise Refused(BAD_REQUEST, detail="Last-Event-ID: send what the stream told")
        return cls(PageRequest.parse({"after": cursor}).after, int(part) if dot else FEED)

    def __str__(self) -> str:
        """Return it as it is sent."""
        return f"{cursor_of(self.number)}.{self.part}"


@dataclass(frozen=True, slots=True)
class Message:
    """One event of the stream."""

    position: Position
    event: str
    data: dict[str, Any]

    def frame(self) -> bytes:
        """Return its lines."""
        told = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self.position}\nevent: {self.event}\ndata: {told}\n\n".encode()


class Stream:
    """What one reader is still to be sent. Filled by the hub, emptied by the reader's thread."""

    def __init__(
        self,
        user_pk: int,
        position: Position,
        *,
        with_inbox: bool,
        ends_at: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow everything behind *position* until *ends_at* (seconds since 1970)."""
        self.user_pk = user_pk
        self.with_inbox = with_inbox
        self.position = position
        self._ends_at = ends_at
        self._clock = clock
        self._waiting: deque[Message] = deque()
        self._changed = threading.Condition()
        self._ended = False

    def put(self, message: Message) -> None:
        """Send *message*, unless the reader is past it or has none of the inbox."""
        if message.position <= self.position or (message.event == "inbox" and not self.with_inbox):
            return
        with self._changed:
            if len(self._waiting) >= _WAITING_MAX:
                self._ended = True
            else:
                self._waiting.append(message)
                self.position = message.position
            self._changed.notify()

    def end(self) -> None:
        """Let the reader go once they have what waits for them."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def frames(self, opening: Message, missed: list[Message]) -> Iterator[bytes]:
        """Yield what is sent: *opening* at once, what was *missed*, then whatever comes."""
        yield f"retry: {_RETRY_MS}\n".encode() + opening.frame()
        for message in missed:
            yield message.frame()
        while True:
            left_s = self._ends_at - self._clock()
            if left_s <= 0:
                return  # the token has run out: whoever comes back shows a new one
            with self._changed:
                if not self._waiting and not self._ended:
                    self._changed.wait(min(PING_S, left_s))
                found = list(self._waiting)
                self._waiting.clear()
                ended = self._ended
            if found:
                yield b"".join(message.frame() for message in found)
            elif ended:
                return
            else:
                yield b": ping\n\n"  # a reader who is gone shows when written to
