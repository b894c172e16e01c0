"""What outlives its request ends with its session.

Spec: RFC 10017 §6.1.3.2 (sessions end at the gateway).
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bff.sessions.watch import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bff.proxy.exchange import Exchange
    from bff.sessions.model import Ticket
    from bff.sessions.watch import Changes, SessionWatch


class SessionOver(Exception):  # noqa: N818 - an outcome: the stream's reader is signed out
    """The session that a stream belongs to has ended."""


async def until_ended(changes: Changes) -> None:
    """Return when *changes* tell the session's end."""
    while await changes.get() != ENDED:
        pass


@contextmanager
def ending_with(session: Ticket, watch: SessionWatch, exchange: Exchange) -> Iterator[None]:
    """Fail *exchange* with `SessionOver` when *session* ends meanwhile."""
    with watch.follow(session) as changes:
        following = asyncio.ensure_future(_cut(changes, exchange))
        try:
            yield
        finally:
            following.cancel()


async def _cut(changes: Changes, exchange: Exchange) -> None:
    await until_ended(changes)
    exchange.fail(SessionOver())
