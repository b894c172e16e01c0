"""People as the other rooms know them: values, looked up many at a time.

This is the room's public side; nobody else reads its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from workbench.database import db
from workbench.problems import FORBIDDEN_DEED, Refused
from workbench.users.model import User, key_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from workbench.bearer import BearerGuard, Caller
    from workbench.users.directory import Directory


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory.

    Attributes:
        pk: for foreign keys and `IN` lists; never shown.
        id: the public id.
    """

    pk: int
    id: str
    name: str | None
    username: str | None
    avatar_url: str | None

    def embedded(self) -> dict[str, Any]:
        """Return the person as every document of the API embeds people."""
        return {
            "id": self.id,
            "name": self.name,
            "username": self.username,
            "avatar_url": self.avatar_url,
        }


class Callers:
    """Tells every room who calls, as a person of the directory."""

    def __init__(self, bearer: BearerGuard, directory: Directory) -> None:
        self._bearer = bearer
        self._directory = directory

    def require(self, scope: str) -> Person:
        """Return the person who calls and whose token holds *scope*; one query.

        Raises:
            Refused: 401 or 403, as `BearerGuard.require`.
            Unavailable: keys or database cannot be had.
        """
        return person_of(self.entry(scope))

    def entry(self, scope: str) -> User:
        """Return the caller's directory entry; for this room alone.

        Raises:
            Refused: as `require`; 403 where a service calls for itself: it is nobody.
            Unavailable: as `require`.
        """
        caller = self._bearer.require(scope)
        if _is_service(caller):
            raise Refused(FORBIDDEN_DEED, hint="a service calls where a person must")
        return self._directory.entry_of(caller)

    def admit(self, scope: str) -> Person | None:
        """Return the person who calls; None for a service that calls for itself.

        Raises:
            Refused: as `require`.
            Unavailable: as `require`.
        """
        caller = self._bearer.require(scope)
        return None if _is_service(caller) else person_of(self._directory.entry_of(caller))

    def require_service(self, scope: str) -> None:
        """Pass when another service calls for itself: client credentials, no person behind it.

        Raises:
            Refused: 401 or 403; also 403 for a person, whatever their token holds.
            Unavailable: the issuer's keys cannot be had.
        """
        if not _is_service(self._bearer.require(scope)):
            raise Refused(FORBIDDEN_DEED, hint="a person calls where a service must")


def _is_service(caller: Caller) -> bool:
    """Return whether there is no person behind *caller* (RFC 9068 §2.2: `sub` is the client)."""
    return caller.subject == caller.client_id


def people_of(pks: Iterable[int | None]) -> dict[int, Person]:
    """Return the people with *pks*, by pk; one query however many there are, none for none."""
    wanted = {pk for pk in pks if pk is not None}
    if not wanted:
        return {}
    found = db.session.scalars(select(User).where(User.pk.in_(wanted)))
    return {user.pk: person_of(user) for user in found}


def find_person(public_id: str) -> Person | None:
    """Return the person with *public_id*, or None."""
    user = db.session.scalars(select(User).where(User.id == public_id)).one_or_none()
    return person_of(user) if user else None


def people_called(usernames: Collection[str]) -> list[Person]:
    """Return the people with any of *usernames*, whatever their case; one query, none for none."""
    if not usernames:
        return []
    keys = {key_of(name) for name in usernames}
    found = db.session.scalars(select(User).where(User.username_key.in_(keys)))
    return [person_of(user) for user in found]


def email_of(pk: int) -> str | None:
    """Return the address that letters to the person *pk* go to, or None where none was told.

    It is the issuer's word. What somebody wrote into their own profile proves nothing: letters to
    it would be letters to whomever they like.
    """
    user = db.session.get(User, pk)
    return user.email if user else None


def person_of(user: User) -> Person:
    """Return the value of a row; for this room alone."""
    return Person(user.pk, user.id, user.shown_name, user.username, user.avatar_url)
