"""How many sessions one person may have: the oldest ends when a new one begins.

Spec: ASVS 7.1.2.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bff import events
from bff.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.sessions.news import Begun, SessionNews
    from bff.sessions.store import SessionStore


class SessionLimit:
    """Ends what is too much whenever a session begins."""

    def __init__(
        self, store: SessionStore, *, news: SessionNews, most_of: Mapping[str, int]
    ) -> None:
        """Join the parts.

        Args:
            store: finds and ends sessions.
            news: tells of sessions that begin; is told of those that end here.
            most_of: the most sessions of one person, by the provider's name; 0 for no limit.
        """
        self._store = store
        self._news = news
        self._most_of = most_of
        news.listen(begun=self.enforce, ended=lambda _ended: None)

    def enforce(self, begun: Begun) -> None:
        """End the oldest sessions of the person whose session has *begun*, beyond the limit.

        While the store is silent nothing ends; the next sign-in makes up for it.
        """
        most = self._most_of.get(begun.provider, 0)
        if not most:
            return
        with suppress(Unavailable):
            for listed in self._store.surplus_of_subject(begun.iss, begun.sub, most):
                # Two nodes may find the same surplus; one of them ends it and tells.
                if self._store.delete_by_digest(listed.digest):
                    self._news.ended(
                        listed.public_id,
                        provider=listed.device.provider,
                        sub=begun.sub,
                        reason=events.LIMIT_REACHED,
                    )
