"""The room's part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    COUNT,
    FLAG,
    INSTANT,
    MAYBE_INSTANT,
    MAYBE_TEXT,
    TEXT,
    a,
    an_id,
    many,
    operation,
    or_null,
    page_of,
    query,
    record,
)
from workbench.teams.applications import ApplicationWanted, Approval, Refusal
from workbench.teams.founding import HandOver, TeamChange, TeamWanted
from workbench.teams.groups import GroupChange, GroupWanted
from workbench.teams.internal_views import INTERNAL, MembershipWanted
from workbench.teams.invitations import Code, InvitationWanted
from workbench.teams.model import Role, State
from workbench.teams.roster import NO_GROUP, MemberChange
from workbench.teams.views import READ, WRITE

_ROLE: dict[str, Any] = {"type": "string", "enum": list(Role)}
_STATE: dict[str, Any] = {"type": "string", "enum": list(State)}
_GROUP = or_null(a("Named"))
_INVITATION: dict[str, Any] = {
    "id": an_id("i"),
    "role": _ROLE,
    "group": _GROUP,
    "uses": COUNT,
    "used": COUNT,
    "good": FLAG,
    "created_by": a("Person"),
    "created_at": INSTANT,
    "expires_at": INSTANT,
    "revoked_at": MAYBE_INSTANT,
}

SCHEMAS: dict[str, Any] = {
    "Named": record(id=TEXT, name=TEXT),
    "Team": record(
        id=an_id("t"),
        name=TEXT,
        description=TEXT,
        listed=FLAG | {"description": "Whether strangers find it and may apply."},
        role=_ROLE | {"description": "The caller's."},
        members=COUNT,
        created_at=INSTANT,
    ),
    "TeamPage": page_of("Team"),
    "ListedTeam": record(id=an_id("t"), name=TEXT, description=TEXT, groups=many(a("Named"))),
    "ListedTeamPage": page_of("ListedTeam"),
    "Member": record(user=a("Person"), role=_ROLE, group=_GROUP, joined_at=INSTANT),
    "MemberPage": page_of("Member"),
    "Group": record(
        id=an_id("g"),
        name=TEXT,
        position=COUNT,
        members=COUNT,
        etag=TEXT | {"description": "For If-Match."},
    ),
    "GroupPage": page_of("Group"),
    "Application": record(
        id=an_id("a"),
        team=a("Named"),
        user=a("Person"),
        group=_GROUP,
        message=TEXT,
        state=_STATE,
        reason=MAYBE_TEXT,
        created_at=INSTANT,
        decided_at=MAYBE_INSTANT,
    ),
    "ApplicationPage": page_of("Application"),
    "Invitation": record(**_INVITATION),
    "InvitationPage": page_of("Invitation"),
    "NewInvitation": record(
        **_INVITATION, code=TEXT | {"description": "For the link; shown this once."}
    ),
    "InvitationLook": record(
        team=a("Named"),
        invited_by=a("Person"),
        role=_ROLE,
        group=_GROUP,
        expires_at=INSTANT,
        member=FLAG | {"description": "Whether the caller is in the team already."},
    ),
    "Accepted": record(team=a("Named"), joined=FLAG),
}

_TEAMS: dict[str, Any] = {
    "/teams": {
        "get": operation(
            "listMyTeams", "The caller's teams", scope=READ, answer="TeamPage", paged=True
        ),
        "post": operation(
            "foundTeam",
            "Found a team; the caller owns it",
            scope=WRITE,
            answer="Team",
            status=201,
            body=TeamWanted,
            versioned=True,
            once=True,
        ),
    },
    "/teams/directory": {
        "get": operation(
            "listDirectory",
            "Teams that one may apply to",
            scope=READ,
            answer="ListedTeamPage",
            queries=[query("q", TEXT | {"maxLength": 80}, "Part of the name.")],
            paged=True,
        )
    },
    "/teams/{team}": {
        "get": operation("getTeam", "A team", scope=READ, answer="Team", versioned=True),
        "patch": operation(
            "describeTeam",
            "Change name, description, or whether it is listed",
            scope=WRITE,
            answer="Team",
            body=TeamChange,
            versioned=True,
            if_match=True,
        ),
        "delete": operation(
            "dissolveTeam",
            "Dissolve a team; what was made in it is archived",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
    "/teams/{team}/hand-over": {
        "post": operation(
            "handTeamOver",
            "Make another member the owner",
            scope=WRITE,
            answer="Team",
            body=HandOver,
            versioned=True,
            once=True,
        )
    },
}

_MEMBERS: dict[str, Any] = {
    "/teams/{team}/members": {
        "get": operation(
            "listMembers",
            "The members of a team or of one of its groups",
            scope=READ,
            answer="MemberPage",
            queries=[query("group", TEXT, f"A group's id, or `{NO_GROUP}`.")],
            paged=True,
        )
    },
    "/teams/{team}/members/{user}": {
        "patch": operation(
            "changeMember",
            "Give a member another role or group",
            scope=WRITE,
            answer="Member",
            body=MemberChange,
        ),
        "delete": operation(
            "removeMember",
            "Remove a member; oneself: leave",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
    "/internal/teams/{team}/members/{user}": {
        "put": operation(
            "putMembership",
            "For services: make somebody a member, or change them",
            scope=INTERNAL,
            answer="Member",
            body=MembershipWanted,
        ),
        "delete": operation(
            "deleteMembership",
            "For services: take a member out",
            scope=INTERNAL,
            answer=None,
            status=204,
        ),
    },
    "/teams/{team}/groups": {
        "get": operation(
            "listGroups", "The groups of a team", scope=READ, answer="GroupPage", paged=True
        ),
        "post": operation(
            "addGroup",
            "Add a group",
            scope=WRITE,
            answer="Group",
            status=201,
            body=GroupWanted,
            versioned=True,
            once=True,
        ),
    },
    "/teams/{team}/groups/{group}": {
        "patch": operation(
            "changeGroup",
            "Rename a group or give it another place",
            scope=WRITE,
            answer="Group",
            body=GroupChange,
            versioned=True,
            if_match=True,
        ),
        "delete": operation(
            "deleteGroup",
            "Delete a group; its members stay in the team",
            scope=WRITE,
            answer=None,
            status=204,
        ),
    },
}

_APPLICATIONS: dict[str, Any] = {
    "/applications": {
        "get": operation(
            "listMyApplications",
            "The caller's own applications, newest first",
            scope=READ,
            answer="ApplicationPage",
            paged=True,
        )
    },
    "/teams/{team}/applications": {
        "get": operation(
            "listApplications",
            "Applications to a team, for those who decide",
            scope=READ,
            answer="ApplicationPage",
            queries=[query("state", _STATE | {"default": State.OPEN})],
            paged=True,
        ),
        "post": operation(
            "apply",
            "Apply to a listed team",
            scope=WRITE,
            answer="Application",
            status=201,
            body=ApplicationWanted,
            once=True,
        ),
    },
    **{
        f"/applications/{{application}}/{word}": {
            "post": operation(
                f"{word}Application", summary, scope=WRITE, answer="Application", body=body
            )
        }
        for word, summary, body in (
            ("approve", "Let the applicant in", Approval),
            ("refuse", "Do not let the applicant in", Refusal),
            ("withdraw", "Take one's own application back", None),
        )
    },
}

_INVITATIONS: dict[str, Any] = {
    "/teams/{team}/invitations": {
        "get": operation(
            "listInvitations",
            "A team's invitations, newest first",
            scope=READ,
            answer="InvitationPage",
            paged=True,
        ),
        "post": operation(
            "invite",
            "Make an invitation",
            scope=WRITE,
            answer="NewInvitation",
            status=201,
            body=InvitationWanted,
            once=True,
        ),
    },
    "/teams/{team}/invitations/{invitation}": {
        "delete": operation(
            "revokeInvitation", "End an invitation", scope=WRITE, answer=None, status=204
        )
    },
    "/invitations/look": {
        "post": operation(
            "lookAtInvitation",
            "Which team a code leads into, without joining",
            scope=READ,
            answer="InvitationLook",
            body=Code,
        )
    },
    "/invitations/accept": {
        "post": operation(
            "acceptInvitation", "Join by a code", scope=WRITE, answer="Accepted", body=Code
        )
    },
}

PATHS: dict[str, Any] = _TEAMS | _MEMBERS | _APPLICATIONS | _INVITATIONS
