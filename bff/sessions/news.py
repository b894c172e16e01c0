"""What is told when a session begins or ends: to the log, to the metrics, and to whoever listens.

Every way in and out of a session passes here, so that no listener misses one of this process.
Never a ticket or a token: the public id is the session's only name outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bff import events
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bff.metrics import BffMetrics
    from bff.sessions.model import SessionRecord, Ticket

_FINGERPRINT_DIGITS = 12

log = get_logger()


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just been stored. *claims* are personal data: not in the repr."""

    session_id: str
    provider: str
    iss: str
    sub: str
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that is gone; *sub* is None where the provider named only its own session."""

    session_id: str
    provider: str
    sub: str | None
    reason: str


class SessionNews:
    """Tells of sessions that begin and end."""

    def __init__(self, metrics: BffMetrics) -> None:
        self._metrics = metrics
        self._on_begun: list[Callable[[Begun], None]] = []
        self._on_ended: list[Callable[[Ended], None]] = []

    def listen(self, *, begun: Callable[[Begun], None], ended: Callable[[Ended], None]) -> None:
        """Call *begun* and *ended* from now on, in the thread where it happens.

        They must not raise: the session has begun or ended all the same.
        """
        self._on_begun.append(begun)
        self._on_ended.append(ended)

    def begun(self, ticket: Ticket, record: SessionRecord) -> None:
        """Tell that *ticket*'s session is stored."""
        log.info(events.LOGIN_COMPLETED, provider=record.provider, sid=ticket.fingerprint)
        news = Begun(ticket.public_id, record.provider, record.iss, record.sub, record.claims)
        for listener in self._on_begun:
            listener(news)

    def ended(self, session_id: str, *, provider: str, sub: str | None, reason: str) -> None:
        """Tell that the session with this public id is gone."""
        self._metrics.sessions_ended.labels(provider, reason).inc()
        log.info(
            events.SESSION_ENDED,
            sid=session_id[:_FINGERPRINT_DIGITS],
            provider=provider,
            reason=reason,
        )
        news = Ended(session_id, provider, sub, reason)
        for listener in self._on_ended:
            listener(news)
