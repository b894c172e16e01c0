"""Invitations: a link that lets people in, for a time and a number of uses.

The code is 256 random bits, shown once; the table has its digest. Accepting counts a use in the
transaction that adds the member: a link for one lets one in. A link is as good as whoever made it:
once they may not invite any more, nobody comes in by it, themselves least of all.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select

from workbench.database import db, outages_named
from workbench.journal import Verb, record
from workbench.kit.answers import Answer, created, gone, shown
from workbench.kit.bodies import Body
from workbench.kit.clock import told, utc_now
from workbench.kit.pages import cut
from workbench.problems import INVITATION_OVER, NOT_FOUND, Refused
from workbench.teams import roster
from workbench.teams.locking import find_member, hold, hold_pk, require_group
from workbench.teams.membership import groups_named, require_member
from workbench.teams.model import Group, Invitation, Member, Role, Team
from workbench.teams.permissions import IN_TEAM, Deed
from workbench.users.people import people_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.paging import PageRequest
    from workbench.users.people import Person

_CODE_BYTES = 32
_DAY_S = 86_400


class InvitationWanted(Body):
    """An invitation to be; by default for one person and a week."""

    expires_in_s: Annotated[int, Field(ge=60, le=90 * _DAY_S)] = 7 * _DAY_S
    uses: Annotated[int, Field(ge=1, le=1000)] = 1
    role: Literal["admin", "member"] = "member"
    group: Annotated[str, Field(max_length=40)] | None = None


class Code(Body):
    """The secret part of an invitation's link."""

    code: Annotated[str, Field(min_length=1, max_length=200)]


def invite(me: Person, team_id: str, wanted: InvitationWanted) -> Answer:
    """Make an invitation; its `code` is in this answer and nowhere else."""
    held = hold(team_id, me)
    role = Role(wanted.role)
    IN_TEAM.require(_deed_of(role), held.role)
    group = require_group(held.team, wanted.group)
    code = secrets.token_urlsafe(_CODE_BYTES)
    invitation = Invitation(
        team_pk=held.team.pk,
        digest=_digest(code),
        role=role,
        group_pk=group.pk if group else None,
        uses=wanted.uses,
        created_by=me.pk,
        expires_at=utc_now() + timedelta(seconds=wanted.expires_in_s),
    )
    db.session.add(invitation)
    db.session.flush()
    _note(Verb.INVITATION_CREATED, me, held.team, invitation)
    document = _described([invitation])[0] | {"code": code}
    return created(document, at=f"/teams/{team_id}/invitations/{invitation.id}")


def page_of_invitations(me: Person, team_id: str, wanted: PageRequest) -> dict[str, Any]:
    """Return one page of a team's invitations, newest first, those that are over included.

    Raises:
        Refused: 404 for strangers, 403 for members who do not invite.
        Unavailable: the database gave no answer.
    """
    with outages_named():
        standing = require_member(team_id, me.pk)
        IN_TEAM.require(Deed.INVITE, standing.role)
        query = select(Invitation).where(Invitation.team_pk == standing.team)
        rows, following = cut(query, Invitation.pk, wanted, newest_first=True)
        return {"items": _described([row[0] for row in rows]), "next": following}


def revoke(me: Person, team_id: str, invitation_id: str) -> Answer:
    """End an invitation. Ended already: nothing is done twice."""
    held = hold(team_id, me)
    invitation = db.session.scalars(
        select(Invitation).where(Invitation.team_pk == held.team.pk, Invitation.id == invitation_id)
    ).one_or_none()
    IN_TEAM.require(Deed.INVITE, held.role)
    if invitation is None:
        raise Refused(NOT_FOUND)
    if invitation.revoked_at is None:
        invitation.revoked_at = utc_now()
        _note(Verb.INVITATION_REVOKED, me, held.team, invitation)
    return gone()


def look(me: Person, wanted: Code) -> Answer:
    """Show which team a code leads into, without joining.

    Raises:
        Refused: 404 for a code that never was, 410 for one that is over.
        Unavailable: the database gave no answer.
    """
    with outages_named():
        invitation = _require(wanted)
        team = _team(invitation)
        group = db.session.get(Group, invitation.group_pk) if invitation.group_pk else None
        inviter = people_of([invitation.created_by])[invitation.created_by]
        member = db.session.scalars(
            select(Member.pk).where(Member.team_pk == team.pk, Member.user_pk == me.pk)
        ).one_or_none()
        if member is None:
            _require_good(invitation)
    return shown(
        {
            "team": {"id": team.id, "name": team.name},
            "invited_by": inviter.embedded(),
            "role": invitation.role,
            "group": {"id": group.id, "name": group.name} if group else None,
            "expires_at": told(invitation.expires_at),
            "member": member is not None,
        }
    )


def accept(me: Person, wanted: Code) -> Answer:
    """Join by a code. A member already: nothing is done, no use is counted.

    Raises:
        Refused: 404 for a code that never was, 410 for one that is over.
    """
    invitation = _require(wanted)
    team = hold_pk(invitation.team_pk)
    db.session.refresh(invitation)
    joined = find_member(team, me.pk) is None
    if joined:
        _require_good(invitation)
        invitation.used += 1
        group = db.session.get(Group, invitation.group_pk) if invitation.group_pk else None
        group = group if group and group.deleted_at is None else None
        role = Role(invitation.role)
        roster.join(team, me, role, group, actor=me.pk, way="invitation")
    return shown({"team": {"id": team.id, "name": team.name}, "joined": joined})


def _require(wanted: Code) -> Invitation:
    query = select(Invitation).where(Invitation.digest == _digest(wanted.code))
    invitation = db.session.scalars(query).one_or_none()
    if invitation is None:
        raise Refused(NOT_FOUND)
    return invitation


def _team(invitation: Invitation) -> Team:
    team = db.session.get(Team, invitation.team_pk)
    if team is None or team.archived_at is not None:
        raise Refused(INVITATION_OVER)
    return team


def _require_good(invitation: Invitation) -> None:
    if not _is_good(invitation, _roles_of([invitation])):
        raise Refused(INVITATION_OVER)


def _is_good(invitation: Invitation, roles: Mapping[int, Role]) -> bool:
    """Return whether somebody can join by it; *roles* are those of the people who invited."""
    return (
        IN_TEAM.allows(_deed_of(Role(invitation.role)), roles.get(invitation.created_by))
        and invitation.revoked_at is None
        and invitation.used < invitation.uses
        and invitation.expires_at > utc_now()
    )


def _deed_of(role: Role) -> Deed:
    """Return what it takes to invite somebody who then is of *role*."""
    return Deed.INVITE if role == Role.MEMBER else Deed.INVITE_ADMIN


def _roles_of(invitations: Sequence[Invitation]) -> dict[int, Role]:
    """Return what those who made *invitations*, all of one team, are in it now, by their pk."""
    if not invitations:
        return {}
    query = select(Member.user_pk, Member.role).where(
        Member.team_pk == invitations[0].team_pk,
        Member.user_pk.in_({each.created_by for each in invitations}),
    )
    return {user: Role(role) for user, role in db.session.execute(query)}


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _described(invitations: Sequence[Invitation]) -> list[dict[str, Any]]:
    """Return the documents of *invitations*, all of one team; three queries at most."""
    roles = _roles_of(invitations)
    people = people_of(each.created_by for each in invitations)
    groups = groups_named({each.group_pk for each in invitations if each.group_pk})
    return [
        {
            "id": each.id,
            "role": each.role,
            "group": groups[each.group_pk].embedded() if each.group_pk else None,
            "uses": each.uses,
            "used": each.used,
            "good": _is_good(each, roles),
            "created_by": people[each.created_by].embedded(),
            "created_at": told(each.created_at),
            "expires_at": told(each.expires_at),
            "revoked_at": told(each.revoked_at),
        }
        for each in invitations
    ]


def _note(verb: Verb, me: Person, team: Team, invitation: Invitation) -> None:
    record(
        verb,
        actor=me.pk,
        team=team.pk,
        group=invitation.group_pk,
        subject_kind="invitation",
        subject_id=invitation.id,
        title=team.name,
        detail=invitation.role,
        admins_only=True,
    )
