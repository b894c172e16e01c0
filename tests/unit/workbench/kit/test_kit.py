"""Versions, permissions and pages: the small parts that every room leans on."""

from __future__ import annotations

from enum import StrEnum

import pytest
from flask import Flask

from workbench.kit.ids import is_id, new_id
from workbench.kit.permissions import Permissions
from workbench.kit.versions import etag_of, require_match
from workbench.problems import Refused


class Role(StrEnum):
    """Two roles."""

    OWNER = "owner"
    GUEST = "guest"


TABLE = Permissions[str, Role]({"paint": frozenset({Role.OWNER})})


def status_of(header: str | None) -> int:
    """Return how a change of version 3 under this If-Match is answered; 200 where it may go on."""
    headers = {} if header is None else {"If-Match": header}
    with Flask(__name__).test_request_context(headers=headers):
        try:
            require_match(3)
        except Refused as refused:
            return refused.problem.status
        return 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"v3"', 200),
        ('"v1", "v3"', 200),
        ("*", 200),
        (None, 428),
        ('"v2"', 412),
        ('W/"v3"', 412),
        ("v3", 412),
        ("", 412),
    ],
)
def test_a_change_names_what_it_replaces(header: str | None, status: int) -> None:
    """Strong comparison (RFC 9110 §13.1.1)."""
    assert status_of(header) == status


def test_the_refusal_names_the_current_version() -> None:
    """A client may merge and try again."""
    request = Flask(__name__).test_request_context(headers={"If-Match": '"v2"'})
    with request, pytest.raises(Refused) as refused:
        require_match(3, members={"body": "theirs"})
    assert refused.value.headers["ETag"] == etag_of(3)
    assert refused.value.members == {"body": "theirs"}


@pytest.mark.parametrize(("role", "status"), [(Role.OWNER, 200), (Role.GUEST, 403), (None, 404)])
def test_a_stranger_learns_nothing(role: Role | None, status: int) -> None:
    """Who may not know of a thing meets the 404 of what is not there."""
    try:
        TABLE.require("paint", role)
        met = 200
    except Refused as refused:
        met = refused.problem.status
    assert met == status
    assert TABLE.allows("paint", role) is (status == 200)


def test_ids_tell_their_kind_and_nothing_else() -> None:
    """Random, of one form."""
    assert is_id(new_id("t"), "t")
    assert not is_id(new_id("t"), "g")
    assert not is_id("t_" + "A" * 24, "t")
    assert not is_id("t_" + "a" * 24 + "\n", "t")
    assert new_id("t") != new_id("t")
