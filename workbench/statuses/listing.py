"""Lists of posts: by group, author and date; each page costs what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sqlalchemy import select

from workbench.database import db
from workbench.kit.days import days_after, parse_day, parse_zone, start_of
from workbench.kit.pages import cut
from workbench.problems import BAD_REQUEST, Refused
from workbench.statuses import search
from workbench.statuses.model import Status
from workbench.teams import membership
from workbench.users.people import find_person

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Select

    from workbench.kit.searching import Query
    from workbench.paging import PageRequest
    from workbench.teams.membership import Standing


@dataclass(frozen=True, slots=True)
class Filters:
    """Which posts of a team are wanted; public ids, instants as they are stored."""

    group: str | None
    author: str | None
    since: datetime | None
    until: datetime | None
    said: Query | None

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Self:
        """Return what a query asks for; both days are meant whole, in the query's zone.

        Raises:
            Refused: ``bad_request`` that names the parameter.
        """
        zone = parse_zone(arguments)
        first, last = parse_day(arguments, "from"), parse_day(arguments, "to")
        if first and last and last < first:
            raise Refused(BAD_REQUEST, detail="to: write a day that is not before from")
        return cls(
            arguments.get("group"),
            arguments.get("author"),
            start_of(first, zone) if first else None,
            start_of(days_after(last, 1), zone) if last else None,
            search.parse(arguments),
        )


def page(place: Standing, filters: Filters, wanted: PageRequest) -> tuple[list[Status], str | None]:
    """Return a page of the team's posts, newest first, and the next page's cursor."""
    query = _narrowed(place.team, filters)
    if query is None:
        return [], None
    rows, following = cut(query, Status.pk, wanted, newest_first=True)
    return [row[0] for row in rows], following


def _narrowed(team_pk: int, filters: Filters) -> Select[Status] | None:
    """Return the query of *filters*, or None where nothing can be found."""
    query = select(Status).where(Status.team_pk == team_pk)
    if filters.group is not None:
        group = membership.find_group(team_pk, filters.group)
        if group is None:
            return None
        query = query.where(Status.group_pk == group.pk)
    if filters.author is not None:
        author = find_person(filters.author)
        if author is None:
            return None
        query = query.where(Status.author_pk == author.pk)
    if filters.said is not None:
        query = query.where(search.found_by(filters.said, team_pk))
    return _within(query, team_pk, filters)


def _within(query: Select[Status], team_pk: int, filters: Filters) -> Select[Status] | None:
    """Return *query* between two instants.

    Rows lie in the order of their making, so the two ends are looked up once, as numbers: a page
    far back is not reached over all that is newer.
    """
    made = select(Status.pk).where(Status.team_pk == team_pk)
    if filters.since is not None:
        first = made.where(Status.created_at >= filters.since)
        low = db.session.scalars(first.order_by(Status.created_at, Status.pk).limit(1)).first()
        if low is None:
            return None
        query = query.where(Status.pk >= low, Status.created_at >= filters.since)
    if filters.until is not None:
        last = made.where(Status.created_at < filters.until)
        newest_first = last.order_by(Status.created_at.desc(), Status.pk.desc())
        high = db.session.scalars(newest_first.limit(1)).first()
        if high is None:
            return None
        query = query.where(Status.pk <= high, Status.created_at < filters.until)
    return query
