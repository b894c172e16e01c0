"""Who is in the demo, as accounts of the SSO: the launcher makes them, the workbench is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class PeopleInvalid(ValueError):  # noqa: N818 - beside SettingsInvalid
    """The list of people cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in."""

    sub: str
    username: str
    email: str

    @classmethod
    def parse(cls, member: Mapping[str, Any]) -> Self:
        """Return the account that *member* describes.

        Raises:
            PeopleInvalid: something is missing.
        """
        try:
            return cls(*(str(member[name]) for name in ("sub", "username", "email")))
        except (KeyError, TypeError):
            raise PeopleInvalid("write sub, username and email of each person") from None


def parse_accounts(text: str, wanted: int) -> list[Account]:
    """Return the accounts in the JSON *text*: a list of at least *wanted*.

    Raises:
        PeopleInvalid: it is something else.
    """
    try:
        members = json.loads(text)
    except ValueError:
        raise PeopleInvalid("the list of people is not JSON") from None
    if not isinstance(members, list) or len(members) < wanted:
        raise PeopleInvalid(f"write a list of {wanted} people")
    return [Account.parse(member) for member in members]
