"""A person's own profile and picture."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator
from sqlalchemy import select

from workbench.database import db
from workbench.journal import Verb, record
from workbench.kit.answers import Answer, gone, shown
from workbench.kit.bodies import Body, OneLine, Prose, fault, wrong_field
from workbench.kit.names import index_name
from workbench.kit.versions import require_match
from workbench.users.documents import own_document
from workbench.users.metadata import without_metadata
from workbench.users.model import (
    BIO_LENGTH,
    EMAIL_LENGTH,
    LOCALE_LENGTH,
    NAME_LENGTH,
    PHONE_LENGTH,
    Avatar,
    User,
)
from workbench.users.pictures import NoPicture, judge

if TYPE_CHECKING:
    from workbench.users.people import Person

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{2,}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def _matching(pattern: re.Pattern[str], message: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise fault("malformed", message)
        return text

    return AfterValidator(check)


class ProfileChange(Body):
    """What is to change of the caller's profile; null takes a thing back.

    Name and address then are the issuer's again.
    """

    name: Annotated[str, OneLine(NAME_LENGTH)] | None = None
    email: (
        Annotated[str, OneLine(EMAIL_LENGTH), _matching(_ADDRESS, "Write an e-mail address.")]
        | None
    ) = None
    phone: (
        Annotated[
            str, OneLine(PHONE_LENGTH), _matching(_PHONE, "Write a telephone number in digits.")
        ]
        | None
    ) = None
    bio: Annotated[str, Prose(BIO_LENGTH)] | None = None
    locale: (
        Annotated[
            str, OneLine(LOCALE_LENGTH), _matching(_LANGUAGE, "Write a language tag: zh, en-GB.")
        ]
        | None
    ) = None


_COLUMN_OF = {"name": "chosen_name", "email": "chosen_email"}


def change(me: Person, wanted: ProfileChange) -> Answer:
    """Change what *wanted* names; wants `If-Match`."""
    user = _locked(me)
    require_match(user.version)
    for field in wanted.model_fields_set:
        setattr(user, _COLUMN_OF.get(field, field), getattr(wanted, field) or None)
    if "name" in wanted.model_fields_set:
        index_name("u", user.pk, user.shown_name, user.username)
    _changed(user)
    return shown(own_document(user), version=user.version)


def put_picture(me: Person, content: bytes) -> Answer:
    """Take *content* as the caller's picture, without what else it tells.

    Raises:
        Refused: ``invalid_fields``: it is none that we take.
    """
    try:
        content = without_metadata(content)
    except NoPicture as reason:
        raise wrong_field("avatar", "no_picture", str(reason)) from None
    user = _locked(me)
    avatar = db.session.get(Avatar, user.pk) or Avatar(user_pk=user.pk)
    avatar.media_type, avatar.content = judge(content).media_type, content
    db.session.add(avatar)
    user.avatar = hashlib.sha256(content).hexdigest()
    _changed(user)
    return shown(own_document(user), version=user.version)


def drop_picture(me: Person) -> Answer:
    """Take the caller's picture away."""
    user = _locked(me)
    if (avatar := db.session.get(Avatar, user.pk)) is not None:
        db.session.delete(avatar)
        user.avatar = None
        _changed(user)
    return gone()


def _locked(me: Person) -> User:
    return db.session.scalars(select(User).where(User.pk == me.pk).with_for_update()).one()


def _changed(user: User) -> None:
    user.version += 1
    record(
        Verb.PROFILE_CHANGED,
        actor=user.pk,
        team=None,
        subject_kind="user",
        subject_id=user.id,
        title=user.shown_name or "",
    )
