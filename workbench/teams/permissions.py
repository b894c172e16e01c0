"""Who may do what in a team, and to whom. This file is the rule; tests hold it to the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from workbench.kit.permissions import Permissions
from workbench.teams.model import Role


class Deed(StrEnum):
    """What can be done in a team."""

    SEE = "see"  # the team, its members and groups
    LEAVE = "leave"
    DESCRIBE = "describe"  # name, description, whether it is listed
    ARRANGE = "arrange"  # groups
    JUDGE = "judge"  # see, approve and refuse applications
    INVITE = "invite"  # see, make and revoke invitations of plain members
    INVITE_ADMIN = "invite_admin"
    HAND_OVER = "hand_over"
    DISSOLVE = "dissolve"


class DeedOn(StrEnum):
    """What can be done to another member."""

    MOVE = "move"  # to another group
    REMOVE = "remove"
    APPOINT = "appoint"  # to another role


_EVERYBODY = frozenset(Role)
_LEADERS = frozenset({Role.OWNER, Role.ADMIN})
_OWNERS = frozenset({Role.OWNER})

IN_TEAM: Final = Permissions[Deed, Role](
    {
        Deed.SEE: _EVERYBODY,
        Deed.LEAVE: _EVERYBODY,
        Deed.DESCRIBE: _LEADERS,
        Deed.ARRANGE: _LEADERS,
        Deed.JUDGE: _LEADERS,
        Deed.INVITE: _LEADERS,
        Deed.INVITE_ADMIN: _OWNERS,
        Deed.HAND_OVER: _OWNERS,
        Deed.DISSOLVE: _OWNERS,
    }
)

# (who does it, to whom)
ON_MEMBER: Final = Permissions[DeedOn, tuple[Role, Role]](
    {
        DeedOn.MOVE: frozenset({(who, whom) for who in _LEADERS for whom in Role}),
        DeedOn.REMOVE: frozenset(
            {(Role.OWNER, whom) for whom in Role} | {(Role.ADMIN, Role.MEMBER)}
        ),
        DeedOn.APPOINT: frozenset({(Role.OWNER, whom) for whom in Role}),
    }
)
