"""Telling the pages of a session that a service wants another sign-in of it.

Whoever raises the challenge is answered in any case; its other pages and tabs hear of it through
the event streams that follow the session, on whichever node those are.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bff.problems import Unavailable
from bff.sessions.connect import store_errors
from bff.sessions.scripts import CHANGES

if TYPE_CHECKING:
    import redis

    from bff.sessions.model import Ticket

#: The change that is told; a blank and the address of the sign-in follow it.
STEP_UP: Final = "step_up"
_THREADS = 1


class StepUps:
    """Tells of step-ups; nothing is sent, and no thread is started, before the first."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="step-up")

    def tell(self, ticket: Ticket, login_url: str) -> None:
        """Tell every follower of *ticket*'s session, on all nodes, where that sign-in begins.

        Not waited for: an outage of Redis is no reason to answer later.
        """
        with suppress(RuntimeError):  # closed meanwhile: whoever listened is gone as well
            self._threads.submit(self._publish, f"{ticket.digest} {STEP_UP} {login_url}")

    def close(self) -> None:
        """Let what is under way finish and take nothing new."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _publish(self, said: str) -> None:
        with suppress(Unavailable), store_errors():
            self._client.publish(CHANGES, said)
