"""Accounts: made, found, and told apart by one compared form of the name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from sso.accounts.links import forget_ways_in
from sso.accounts.notices import PASSWORD_CHANGED
from sso.storage.audit import record
from sso.storage.digests import new_id
from sso.storage.people import User

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.orm import Session

    from sso.accounts.notices import Notices
    from sso.accounts.passwords import Passwords
    from sso.clock import Clock
    from sso.storage.engine import Storage

USERNAME_TAKEN: Final = "taken"
INVALID: Final = "invalid"
MISSING: Final = "required"
_MAX_NAME: Final = 64
_MAX_EMAIL: Final = 254
_NAME = re.compile(r"\w[\w.\-]{0,63}")
_EMAIL = re.compile(r"[^\s@\"<>(),;:\\\[\]\x00-\x1f\x7f]{1,64}@[\w](?:[\w.\-]{0,187}[\w])?")


class NewUserInvalid(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The account cannot be made.

    Attributes:
        faults: field name to message code.
    """

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(", ".join(f"{field} {code}" for field, code in faults.items()))
        self.faults = faults


@dataclass(frozen=True)
class NewUser:
    """What a sign-up form or the command line gave, as it was typed."""

    username: str
    email: str
    password: str
    is_admin: bool = False
    email_verified: bool = False

    def __repr__(self) -> str:
        return "NewUser([masked])"


class Users:
    """Finds and makes accounts."""

    def __init__(
        self, storage: Storage, passwords: Passwords, notices: Notices, clock: Clock
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._notices = notices
        self._clock = clock

    def find(self, sub: str) -> User | None:
        """Return the account of *sub*, or None where it is gone or disabled."""
        with self._storage.reading() as session:
            user = session.get(User, sub)
        return user if user is not None and user.disabled_at is None else None

    def find_by_name(self, username: str) -> User | None:
        """Return the account of *username*, or None where there is none or it is disabled."""
        if not is_username(username):
            return None
        query = select(User).where(User.username_key == compared(username))
        with self._storage.reading() as session:
            user = session.scalar(query)
        return user if user is not None and user.disabled_at is None else None

    def hash_of(self, username: str) -> str | None:
        """Return the password hash of *username*, or None where there is none or it is disabled."""
        name = compared(username) if is_username(username) else ""
        query = select(User.password_hash).where(
            User.username_key == name, User.disabled_at.is_(None)
        )
        with self._storage.reading() as session:
            return session.scalar(query)

    def create(self, new: NewUser, *, also: Callable[[Session], None] | None = None) -> User:
        """Return the account made of *new*; *also* belongs to the same transaction.

        Raises:
            NewUserInvalid: with every fault that was found; nothing was written.
            Unavailable: the database did not answer, or too many passwords are being hashed.
        """
        username, email = new.username.strip(), new.email.strip()
        if faults := self._faults(username, email, new.password):
            raise NewUserInvalid(faults)
        now = self._clock()
        password_hash = self._passwords.hash(new.password)

        def work(session: Session) -> User:
            user = User(
                sub=new_id(),
                username=unicodedata.normalize("NFC", username),
                username_key=compared(username),
                email=email,
                email_key=compared(email),
                email_verified=new.email_verified,
                password_hash=password_hash,
                password_changed_at=now,
                is_admin=new.is_admin,
                created_at=now,
                updated_at=now,
            )
            session.add(user)
            session.flush()
            if also is not None:
                also(session)
            record(session, now, "user.created", f"user:{user.sub}", admin=new.is_admin)
            return user

        try:
            return self._storage.write(work)
        except IntegrityError as error:
            raise NewUserInvalid({"username": USERNAME_TAKEN}) from error

    def password_fault(self, password: str, *, about: Collection[str]) -> str | None:
        """Return the code of what is wrong with a new *password* of whom *about* names, or None."""
        return self._passwords.fault(password, about=about) if password else MISSING

    def change_password(
        self, user: User, password: str, *, also: Callable[[Session], None] | None = None
    ) -> None:
        """Give *user* another password; *also*, in the same transaction, ends what it must end."""
        password_hash = self._passwords.hash(password)
        now = self._clock()
        changing = (
            update(User)
            .where(User.sub == user.sub)
            .values(password_hash=password_hash, password_changed_at=now, updated_at=now)
        )

        def work(session: Session) -> None:
            session.execute(changing)
            record(session, now, "user.password_changed", f"user:{user.sub}")
            forget_ways_in(session, user.sub)
            self._notices.add(session, user.sub, PASSWORD_CHANGED)
            if also is not None:
                also(session)

        self._storage.write(work)

    def refresh_hash(self, user: User, password: str) -> None:
        """Hash *password* anew where today's parameters are others than the stored ones."""
        if not self._passwords.is_outdated(user.password_hash):
            return
        password_hash = self._passwords.hash(password)
        # Only over the hash that was verified: a password changed meanwhile stays changed.
        rehash = (
            update(User)
            .where(User.sub == user.sub, User.password_hash == user.password_hash)
            .values(password_hash=password_hash)
        )
        self._storage.write(lambda session: session.execute(rehash))

    def _faults(self, username: str, email: str, password: str) -> dict[str, str]:
        faults = {}
        if not is_username(username):
            faults["username"] = INVALID if username else MISSING
        elif self.find_by_name(username) is not None:
            faults["username"] = USERNAME_TAKEN
        if not is_email(email):
            faults["email"] = INVALID if email else MISSING
        if fault := self.password_fault(password, about=(username, email)):
            faults["password"] = fault
        return faults


def is_username(username: str) -> bool:
    """Return whether *username* can be one: letters and digits of any script, ``.``, ``-``, ``_``.

    Nothing invisible and no space: names that look alike must not be two accounts (S-111).
    """
    key = compared(username)
    return len(username) <= _MAX_NAME and bool(_NAME.fullmatch(key))


def is_email(email: str) -> bool:
    """Return whether *email* can be an address: one ``@``, a plausible host, nothing to inject.

    No ``=?``, which begins an encoded word (RFC 2047): what a mail program decodes is another
    address than the one that is compared and shown, and the letter would prove the wrong one.
    """
    if len(email) > _MAX_EMAIL or ".." in email or "=?" in email:
        return False
    return bool(_EMAIL.fullmatch(email))


def compared(name: str) -> str:
    """Return the one form under which *name* is compared, whatever way it was typed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
