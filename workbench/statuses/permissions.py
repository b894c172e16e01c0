"""Who may do what with whose post or comment. This file is the rule; tests hold it to the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from workbench.kit.permissions import Permissions
from workbench.teams.model import Role


class Deed(StrEnum):
    """What can be done in a team's statuses."""

    SEE = "see"
    POST = "post"
    EDIT = "edit"
    DELETE = "delete"
    COMMENT = "comment"
    LIKE = "like"
    EDIT_COMMENT = "edit_comment"
    DELETE_COMMENT = "delete_comment"


class Standing(NamedTuple):
    """What somebody is to a post or comment: their role in its team, and whether it is theirs."""

    role: Role
    own: bool


_ANYBODYS = frozenset(Standing(role, own) for role in Role for own in (True, False))
_OWN = frozenset(Standing(role, own=True) for role in Role)
_LEADERS = frozenset(
    Standing(role, own) for role in (Role.OWNER, Role.ADMIN) for own in (True, False)
)

ALLOWED: Final = Permissions[Deed, Standing](
    {
        Deed.SEE: _ANYBODYS,
        Deed.POST: _ANYBODYS,
        Deed.EDIT: _OWN,  # nobody writes in another's name, whatever their role
        Deed.DELETE: _OWN | _LEADERS,
        Deed.COMMENT: _ANYBODYS,
        Deed.LIKE: _ANYBODYS,
        Deed.EDIT_COMMENT: _OWN,
        Deed.DELETE_COMMENT: _OWN | _LEADERS,
    }
)
