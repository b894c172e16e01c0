"""The week's digest: per person what was done, what is in the way, what comes next.

It shows the posts of one week, oldest first, under their authors; a post without the three fields
is there with its title. At most `POSTS_MAX` posts: a longer week says that it is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from workbench.database import db
from workbench.kit.clock import told
from workbench.kit.days import days_after, start_of
from workbench.statuses.model import Status
from workbench.teams import membership
from workbench.users.people import people_of

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from workbench.teams.membership import Standing

POSTS_MAX = 500
_WEEK_DAYS = 7


def of_week(place: Standing, week: str, monday: date, zone: ZoneInfo) -> dict[str, Any]:
    """Return the digest of *week*, which begins on *monday* in *zone*; four queries.

    Members who posted nothing are listed last, by name alone: a report shows who is silent.
    """
    sunday = days_after(monday, _WEEK_DAYS - 1)
    posts = _posts(place.team, monday, zone)
    members = membership.members(place.team)
    people = people_of({*members, *(post.author_pk for post in posts)})
    groups = membership.groups_named({pk for post in posts if (pk := post.group_pk)})
    by_author: dict[int, list[Status]] = {}
    for post in posts[:POSTS_MAX]:
        by_author.setdefault(post.author_pk, []).append(post)
    reports = [
        {
            "person": people[author].embedded(),
            "posts": [
                {
                    "id": post.id,
                    "title": post.title,
                    "group": groups[post.group_pk].embedded() if post.group_pk in groups else None,
                    "done": post.done,
                    "problems": post.problems,
                    "next": post.next,
                    "created_at": told(post.created_at),
                }
                for post in own
            ],
        }
        for author, own in by_author.items()
    ]
    silent = sorted(
        (people[pk] for pk in members if pk not in by_author and pk in people),
        key=lambda person: (person.name or "", person.pk),
    )
    return {
        "week": week,
        "from": monday.isoformat(),
        "to": sunday.isoformat(),
        "reports": reports,
        "silent": [person.embedded() for person in silent],
        "cut": len(posts) > POSTS_MAX,
    }


def _posts(team_pk: int, monday: date, zone: ZoneInfo) -> list[Status]:
    query = select(Status).where(
        Status.team_pk == team_pk,
        Status.created_at >= start_of(monday, zone),
        Status.created_at < start_of(days_after(monday, _WEEK_DAYS), zone),
    )
    ordered = query.order_by(Status.created_at, Status.pk).limit(POSTS_MAX + 1)
    return list(db.session.scalars(ordered))
