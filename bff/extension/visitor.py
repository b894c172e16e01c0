"""The signed-in visitor as a view sees them: typed, immutable, without a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bff.sessions.model import Session


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in.

    Attributes:
        session_id: the session's public id; names it in logs and lists, opens nothing.
        iss: who says so; *sub* is unique only together with it.
        sub: the provider's own id of the person.
        provider: the provider's name in the settings.
        claims: of the ID token and UserInfo; personal data, so not in the repr.
        scopes: what the access token was granted.
        acr: how they signed in, where the provider says (OIDC Core §2).
        authenticated_at: when they proved who they are; aware, UTC.
        created_at: when this session began; aware, UTC.
        expires_in_s: until the session ends if nothing more is asked of it.
    """

    session_id: str
    iss: str
    sub: str
    provider: str
    claims: Mapping[str, Any] = field(repr=False)
    scopes: frozenset[str]
    acr: str | None
    authenticated_at: datetime
    created_at: datetime
    expires_in_s: int

    def has_scope(self, *scopes: str) -> bool:
        """Return whether every one of *scopes* was granted."""
        return self.scopes.issuperset(scopes)

    @property
    def name(self) -> str:
        """What to call them: the provider's word for it, else *sub*."""
        return str(self.claims.get("name") or self.claims.get("preferred_username") or self.sub)


def visitor_of(session: Session, scopes: Iterable[str]) -> Visitor:
    """Return the visitor whose *session* it is."""
    record = session.record
    acr = record.claims.get("acr")
    return Visitor(
        session_id=session.ticket.public_id,
        iss=record.iss,
        sub=record.sub,
        provider=record.provider,
        claims=MappingProxyType(record.claims),
        scopes=frozenset(scopes),
        acr=acr if isinstance(acr, str) else None,
        authenticated_at=datetime.fromtimestamp(record.authenticated_at, UTC),
        created_at=datetime.fromtimestamp(record.created_at, UTC),
        expires_in_s=session.expires_in_s,
    )
