"""Links in letters: 256 random bits that prove once, and for a while, who reads an address.

The table knows their digests alone. Opening one shows a page and changes nothing, because mail
programs open links by themselves; the page's button uses it up.

Spec: ASVS 6.4.3, 6.6.2; S-107.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from sso.storage.digests import digest, new_secret
from sso.storage.mail import MailLink
from sso.storage.people import User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.storage.engine import Storage

VERIFY: Final = "verify"
CHANGE: Final = "change"
RESET: Final = "reset"
ALL: Final = (VERIFY, CHANGE, RESET)


class LinkGone(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The link was used, replaced, is too old, or never was one."""


@dataclass(frozen=True)
class Opened:
    """What a link is for, of whom, and the address that it was sent to."""

    purpose: str
    email: str
    user: User


class Links:
    """Makes, looks at and uses up links."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def make(self, session: Session, purpose: str, sub: str, email: str, *, ttl_s: int) -> str:
        """Return a fresh secret in the caller's transaction; older ones of the purpose end."""
        forget_links(session, sub, purpose)
        secret, now = new_secret(), self._clock()
        row = MailLink(
            digest=digest(secret),
            purpose=purpose,
            sub=sub,
            email=email,
            created_at=now,
            expires_at=now + timedelta(seconds=ttl_s),
        )
        session.add(row)
        return secret

    def look(self, secret: str, *purposes: str) -> Opened:
        """Return what the link would do.

        Raises:
            LinkGone: nothing.
        """
        query = (
            select(MailLink, User)
            .join(User, User.sub == MailLink.sub)
            .where(
                MailLink.digest == digest(secret),
                MailLink.expires_at > self._clock(),
                User.disabled_at.is_(None),
            )
        )
        with self._storage.reading() as session:
            found = session.execute(query).one_or_none()
        if found is None or found[0].purpose not in purposes:
            raise LinkGone
        row, user = found
        return Opened(row.purpose, row.email, user)

    @staticmethod
    def use(session: Session, secret: str) -> bool:
        """Return whether this call, of many at once, used the link up."""
        using = delete(MailLink).where(MailLink.digest == digest(secret))
        return bool(session.execute(using).rowcount == 1)  # type: ignore[attr-defined]


def forget_links(session: Session, sub: str, *purposes: str) -> None:
    """End the links of *sub* for *purposes*."""
    session.execute(delete(MailLink).where(MailLink.sub == sub, MailLink.purpose.in_(purposes)))


def forget_ways_in(session: Session, sub: str) -> None:
    """End the links of *sub* that open the account, now or by another address later.

    Whoever is put out of an account by another password may have had a letter sent to an address
    of their own before; its link would carry the account away after all.
    """
    forget_links(session, sub, RESET, CHANGE)
