"""A reader of the live stream, without a network: the application's own iterator, in a thread."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask.testing import FlaskClient

_WAIT_S = 20


@dataclass(frozen=True)
class Heard:
    """One event of the stream."""

    id: str
    event: str
    data: dict[str, Any]

    @property
    def what(self) -> str:
        """A feed's or an inbox's verb and title."""
        item = self.data.get("item") or {}
        shown = self.data if self.event == "feed" else item.get("event", {})
        return f"{shown['verb']} {shown['subject']['title']}" if shown else ""


class Reader:
    """Follows `/feed/live` until it is closed."""

    def __init__(self, client: FlaskClient, headers: dict[str, str], query: str = "") -> None:
        self.answer = client.application.test_client().get(f"/feed/live{query}", headers=headers)
        self._found: queue.Queue[Heard | None] = queue.Queue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        if self.answer.status_code == 200:
            self._thread.start()

    def next(self, event: str | None = None) -> Heard:
        """Return what comes next, or the next *event*."""
        while True:
            found = self._found.get(timeout=_WAIT_S)
            assert found is not None, "the stream has ended"
            if event in (None, found.event):
                return found

    def until(self, what: str) -> list[str]:
        """Return what is heard of the feed up to *what*."""
        heard = []
        while True:
            heard.append(self.next("feed").what)
            if heard[-1] == what:
                return heard

    def ended(self) -> bool:
        """Return True once the stream is over."""
        while self._found.get(timeout=_WAIT_S) is not None:
            pass
        return True

    def close(self) -> None:
        """Go away, as a page does that is closed."""
        self._closing.set()  # seen with the next piece, a ping at the latest
        if self._thread.ident is None:
            return
        self._thread.join(_WAIT_S)
        assert not self._thread.is_alive()

    def _follow(self) -> None:
        waiting = b""
        for piece in self.answer.response:
            if self._closing.is_set():
                break
            waiting += piece if isinstance(piece, bytes) else piece.encode()
            *frames, waiting = waiting.split(b"\n\n")
            for frame in frames:
                if heard := _heard(frame.decode()):
                    self._found.put(heard)
        self.answer.close()
        self._found.put(None)


def _heard(frame: str) -> Heard | None:
    fields = dict(line.split(": ", 1) for line in frame.splitlines() if line[:1] not in ":{")
    if "event" not in fields:
        return None
    return Heard(fields["id"], fields["event"], json.loads(fields["data"]))
