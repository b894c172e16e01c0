"""Applications: somebody without the team asks to join, its leaders decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from workbench.database import db, outages_named
from workbench.journal import Verb, record
from workbench.kit.answers import Answer, created, shown
from workbench.kit.bodies import Body, Prose
from workbench.kit.clock import told, utc_now
from workbench.kit.pages import cut
from workbench.problems import ALREADY_APPLIED, ALREADY_DECIDED, ALREADY_MEMBER, NOT_FOUND, Refused
from workbench.teams import roster
from workbench.teams.locking import find_member, hold_any, hold_pk, require_group
from workbench.teams.membership import groups_named, require_member, teams_named
from workbench.teams.model import (
    MESSAGE_LENGTH,
    Application,
    Group,
    Member,
    Role,
    State,
    Team,
)
from workbench.teams.permissions import IN_TEAM, Deed
from workbench.teams.telling import tell_applicant, tell_judges
from workbench.users.people import people_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.journal import Event
    from workbench.paging import PageRequest
    from workbench.users.people import Person


class ApplicationWanted(Body):
    """An application to be; `group` is the wanted one."""

    message: Annotated[str, Prose(MESSAGE_LENGTH)] = ""
    group: Annotated[str, Field(max_length=40)] | None = None


class Approval(Body):
    """How somebody is let in; without `group` into the one they asked for."""

    group: Annotated[str, Field(max_length=40)] | None = None


class Refusal(Body):
    """Why somebody is not let in; they read it."""

    reason: Annotated[str, Prose(MESSAGE_LENGTH)] = ""


def send(me: Person, team_id: str, wanted: ApplicationWanted) -> Answer:
    """Apply to a listed team."""
    team = hold_any(team_id)
    if find_member(team, me.pk) is not None:
        raise Refused(ALREADY_MEMBER)
    if not team.listed:
        raise Refused(NOT_FOUND)
    group = require_group(team, wanted.group)
    application = Application(
        team_pk=team.pk,
        user_pk=me.pk,
        group_pk=group.pk if group else None,
        message=wanted.message,
    )
    db.session.add(application)
    try:
        db.session.flush()
    except IntegrityError:
        raise Refused(ALREADY_APPLIED) from None
    event = _note(Verb.APPLICATION_SENT, me, team, application, me)
    tell_judges(event, _judges(team))
    return created(_described([application])[0], at=f"/applications/{application.id}")


def page_of_mine(me: Person, wanted: PageRequest) -> dict[str, Any]:
    """Return one page of the applications that *me* has sent, newest first.

    Raises:
        Unavailable: the database gave no answer.
    """
    with outages_named():
        query = select(Application).where(Application.user_pk == me.pk)
        rows, following = cut(query, Application.pk, wanted, newest_first=True)
        return {"items": _described([row[0] for row in rows]), "next": following}


def page_of_team(me: Person, team_id: str, state: State, wanted: PageRequest) -> dict[str, Any]:
    """Return one page of a team's applications in *state*, oldest first.

    Raises:
        Refused: 404 for strangers, 403 for members who do not decide.
        Unavailable: the database gave no answer.
    """
    with outages_named():
        standing = require_member(team_id, me.pk)
        IN_TEAM.require(Deed.JUDGE, standing.role)
        query = select(Application).where(
            Application.team_pk == standing.team, Application.state == state
        )
        rows, following = cut(query, Application.pk, wanted)
        return {"items": _described([row[0] for row in rows]), "next": following}


def approve(me: Person, application_id: str, wanted: Approval) -> Answer:
    """Let the applicant in. Approved already: nothing is done twice."""
    team, application = _held(me, application_id)
    if application.state == State.APPROVED:
        return shown(_described([application])[0])
    _require_open(application)
    group = require_group(team, wanted.group) if wanted.group else _wanted_group(application)
    _decide(application, State.APPROVED, me)
    applicant = people_of([application.user_pk])[application.user_pk]
    tell_applicant(_note(Verb.APPLICATION_APPROVED, me, team, application, applicant), applicant.pk)
    if find_member(team, applicant.pk) is None:
        roster.join(team, applicant, Role.MEMBER, group, actor=applicant.pk, way="application")
    return shown(_described([application])[0])


def refuse(me: Person, application_id: str, wanted: Refusal) -> Answer:
    """Do not let the applicant in. Refused already: nothing is done twice."""
    team, application = _held(me, application_id)
    if application.state == State.REFUSED:
        return shown(_described([application])[0])
    _require_open(application)
    _decide(application, State.REFUSED, me)
    application.reason = wanted.reason
    applicant = people_of([application.user_pk])[application.user_pk]
    tell_applicant(_note(Verb.APPLICATION_REFUSED, me, team, application, applicant), applicant.pk)
    return shown(_described([application])[0])


def withdraw(me: Person, application_id: str) -> Answer:
    """Take the caller's own application back. Withdrawn already: nothing is done twice."""
    found = _find(application_id)
    if found is None or found.user_pk != me.pk:
        raise Refused(NOT_FOUND)
    if found.state == State.WITHDRAWN:
        return shown(_described([found])[0])
    _require_open(found)
    team = hold_pk(found.team_pk)
    db.session.refresh(found)
    _require_open(found)
    _decide(found, State.WITHDRAWN, None)
    _note(Verb.APPLICATION_WITHDRAWN, me, team, found, me)
    return shown(_described([found])[0])


def _held(me: Person, application_id: str) -> tuple[Team, Application]:
    """Return an application to a team that *me* decides for, both as they are under the lock.

    Raises:
        Refused: 404, or 403 where *me* is a member who does not decide.
    """
    found = _find(application_id)
    if found is None:
        raise Refused(NOT_FOUND)
    team = hold_pk(found.team_pk)
    own = find_member(team, me.pk)
    if own is None:
        raise Refused(NOT_FOUND)
    IN_TEAM.require(Deed.JUDGE, Role(own.role))
    db.session.refresh(found)
    return team, found


def _find(application_id: str) -> Application | None:
    return db.session.scalars(
        select(Application).where(Application.id == application_id)
    ).one_or_none()


def _require_open(application: Application) -> None:
    if application.state != State.OPEN:
        raise Refused(ALREADY_DECIDED)


def _decide(application: Application, state: State, judge: Person | None) -> None:
    application.state, application.open_mark = state, None
    application.decided_at, application.decided_by = utc_now(), judge.pk if judge else None
    db.session.flush()


def _wanted_group(application: Application) -> Group | None:
    if application.group_pk is None:
        return None
    group = db.session.get(Group, application.group_pk)
    return group if group and group.deleted_at is None else None


def _judges(team: Team) -> list[int]:
    leaders = select(Member.user_pk).where(
        Member.team_pk == team.pk, Member.role.in_((Role.OWNER, Role.ADMIN))
    )
    return list(db.session.scalars(leaders))


def _described(applications: Sequence[Application]) -> list[dict[str, Any]]:
    """Return the documents of *applications*; three queries however many there are."""
    people = people_of(
        pk for each in applications for pk in (each.user_pk, each.decided_by) if pk is not None
    )
    teams = teams_named({each.team_pk for each in applications})
    groups = groups_named({each.group_pk for each in applications if each.group_pk})
    return [
        {
            "id": each.id,
            "team": teams[each.team_pk].embedded(),
            "user": people[each.user_pk].embedded(),
            "group": groups[each.group_pk].embedded() if each.group_pk else None,
            "message": each.message,
            "state": each.state,
            "reason": each.reason,
            "created_at": told(each.created_at),
            "decided_at": told(each.decided_at),
        }
        for each in applications
    ]


def _note(
    verb: Verb, actor: Person, team: Team, application: Application, applicant: Person
) -> Event:
    return record(
        verb,
        actor=actor.pk,
        team=team.pk,
        group=application.group_pk,
        subject_kind="application",
        subject_id=application.id,
        title=applicant.name or applicant.username or "",
        admins_only=True,
    )
