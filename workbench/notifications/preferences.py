"""Whether a person wants the daily e-mail."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from workbench.database import db
from workbench.journal import reading
from workbench.notifications.model import MailDigest


def wants_mail(user_pk: int) -> bool:
    """Return whether the person asked for the daily e-mail; nobody gets it unasked."""
    query = select(MailDigest.wanted).where(MailDigest.user_pk == user_pk)
    return bool(db.session.scalars(query).one_or_none())


def want_mail(user_pk: int, *, wanted: bool) -> None:
    """Note the person's choice, in the transaction at hand.

    The first message tells of what comes from now on, not of what lies in the inbox.
    """
    query = select(MailDigest).where(MailDigest.user_pk == user_pk).with_for_update()
    row = db.session.scalars(query).one_or_none()
    if row is None:
        fresh = MailDigest(user_pk=user_pk, wanted=wanted, told_until=reading.head())
        try:
            with db.session.begin_nested():
                db.session.add(fresh)
        except IntegrityError:  # a second click at the same moment
            row = db.session.scalars(query).one()
            row.wanted = wanted
        return
    if wanted and not row.wanted:
        row.told_until = reading.head()
    row.wanted = wanted
