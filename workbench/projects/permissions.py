"""Who may do what in a project. This file is the rule; tests hold it to the wire.

Owners and admins of the team see every project of it and may do in it what its lead may, so that a
project whose people have left is never nobody's. Everybody else of the team sees the projects that
they are in, and of the others not even that they exist.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from workbench.kit.permissions import Permissions


class Role(StrEnum):
    """What a member is in one project."""

    LEAD = "lead"
    MEMBER = "member"
    READER = "reader"


class Standing(StrEnum):
    """What a person is to a project: a role of theirs, or an owner or admin of its team."""

    TEAM_ADMIN = "team_admin"
    LEAD = "lead"
    MEMBER = "member"
    READER = "reader"


class Deed(StrEnum):
    """What can be done in a project."""

    SEE = "see"  # everything in it: tree, texts, files, comments, trash, people
    LEAVE = "leave"  # as long as they were made a member
    COMMENT = "comment"
    WRITE = "write"  # make, save, upload, rename, move, put into the trash, take out of it
    ERASE = "erase"  # delete from the trash for good
    DESCRIBE = "describe"  # name and description
    APPOINT = "appoint"  # its people and their roles
    DELETE = "delete"  # the project
    REVIVE = "revive"  # the project, while it is not erased
    ERASE_PROJECT = "erase_project"  # for good, once it is deleted


class DeedOn(StrEnum):
    """What can be done to a comment."""

    EDIT = "edit"
    DELETE = "delete"


_EVERYBODY = frozenset(Standing)
_LEADERS = frozenset({Standing.TEAM_ADMIN, Standing.LEAD})
_WRITERS = _LEADERS | {Standing.MEMBER}

IN_PROJECT: Final = Permissions[Deed, Standing](
    {
        Deed.SEE: _EVERYBODY,
        Deed.LEAVE: _EVERYBODY,
        Deed.COMMENT: _WRITERS,
        Deed.WRITE: _WRITERS,
        Deed.ERASE: _LEADERS,
        Deed.DESCRIBE: _LEADERS,
        Deed.APPOINT: _LEADERS,
        Deed.DELETE: _LEADERS,
        Deed.REVIVE: _LEADERS,
        Deed.ERASE_PROJECT: _LEADERS,
    }
)

# (who does it, whether the comment is their own)
ON_COMMENT: Final = Permissions[DeedOn, tuple[Standing, bool]](
    {
        DeedOn.EDIT: frozenset({(who, True) for who in _WRITERS}),
        DeedOn.DELETE: frozenset(
            {(who, True) for who in _WRITERS} | {(who, False) for who in _LEADERS}
        ),
    }
)
