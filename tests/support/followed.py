"""A page that follows server-sent events over a real connection."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WAIT_S = 30


@dataclass(frozen=True)
class Told:
    """One event."""

    id: str
    event: str
    data: dict[str, Any]


@dataclass
class Follower:
    """An open stream; each read waits for what comes next."""

    answer: http.client.HTTPResponse
    told: list[Told] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The answer's status."""
        return self.answer.status

    def next(self) -> Told | None:
        """Return the next event, or None where the stream ended as it should."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name and value:
                fields[name] = value
            elif not line.strip() and "event" in fields:
                data = json.loads(fields["data"])
                self.told.append(Told(fields.get("id", ""), fields["event"], data))
                return self.told[-1]
        return None

    def until(self, event: str, verb: str) -> Told:
        """Return the next *event* that tells of *verb*."""
        while told := self.next():
            item = told.data if event == "feed" else (told.data.get("item") or {}).get("event", {})
            if told.event == event and item.get("verb") == verb:
                return told
        raise AssertionError(f"the stream ended before {verb}: {self.told}")


@contextmanager
def following(url: str, headers: Mapping[str, str]) -> Iterator[Follower]:
    """Open *url* and hold it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_WAIT_S)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers=dict(headers))
        yield Follower(connection.getresponse())
    finally:
        connection.close()
