"""What a person agreed to, remembered until they withdraw it.

Spec: A-51; ASVS 10.7; S-101.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from sso.parameters import space_separated
from sso.storage.people import Consent

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.engine import Storage


class Consents:
    """Remembers consent by person and client."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def granted_at(self, sub: str, client_id: str, scopes: Collection[str]) -> datetime | None:
        """Return when consent was last given, where it covers all of *scopes*; else None."""
        with self._storage.reading() as session:
            row = session.get(Consent, (sub, client_id))
        if row is None or not set(scopes) <= set(space_separated(row.scope)):
            return None
        return row.granted_at

    def remember(self, sub: str, client_id: str, scopes: Collection[str]) -> None:
        """Add *scopes* to what *sub* lets the client have."""

        def work(session: Session) -> None:
            row = session.get(Consent, (sub, client_id), with_for_update=True)
            if row is None:
                row = Consent(sub=sub, client_id=client_id, scope="")
                session.add(row)
            both = [*space_separated(row.scope), *scopes]
            row.scope = " ".join(dict.fromkeys(both))
            row.granted_at = self._clock()

        try:
            self._storage.write(work)
        except IntegrityError:
            # The same person agreed at the same moment, as by a second click: now the row is there.
            self._storage.write(work)
