"""Search over titles and texts, in every script, in what the caller may see and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, literal, or_, select, text

from workbench.database import db
from workbench.kit.bodies import wrong_field
from workbench.kit.clock import told
from workbench.paging import cursor_of
from workbench.problems import BAD_REQUEST, Refused
from workbench.projects.membership import projects_of
from workbench.projects.model import Node, Project, Revision, SearchEntry
from workbench.projects.text.searching import QUERY_LENGTH, Query, marked, parse_query
from workbench.teams import membership as teams
from workbench.users.people import people_of

if TYPE_CHECKING:
    from sqlalchemy import Select, TextClause

    from workbench.paging import PageRequest
    from workbench.users.people import Person

KINDS = ("document", "file", "folder")
# The tokens are ASCII letters and digits: nothing that either index takes for an operator.
_IN_SQLITE = (
    "search_entries.node_pk IN (SELECT rowid FROM search_tokens WHERE search_tokens MATCH :tokens)"
)
_IN_MYSQL = "MATCH (search_entries.tokens) AGAINST (:tokens IN BOOLEAN MODE)"
_SNIPPET = 160
_LEAD = 40
# A cursor is one number: whether the title matched, and the node.
_IN_TITLE = 1 << 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for and where."""

    query: str
    team: str | None = None
    project: str | None = None
    kind: str | None = None


def found(person: Person, wanted: Wanted, page: PageRequest) -> dict[str, Any]:
    """Return a page of what matches: by title first, then by text, the newest first in each.

    Raises:
        Refused: 422: the query has nothing to look for; 404: no such team or project.
    """
    query = _parsed(wanted)
    visible = _places(person, wanted)
    if not visible:
        return {"items": [], "next": None}
    rows = db.session.execute(_statement(query, visible, wanted.kind, page)).all()
    shown = rows[: page.limit]
    people = people_of(row.updated_by for row in shown)
    items = [_told(row, query, people[row.updated_by].embedded()) for row in shown]
    following = cursor_of(shown[-1].rank) if len(rows) > page.limit else None
    return {"items": items, "next": following}


def _parsed(wanted: Wanted) -> Query:
    if wanted.kind is not None and wanted.kind not in KINDS:
        raise Refused(BAD_REQUEST, detail=f"kind: write one of {', '.join(KINDS)}")
    if len(wanted.query) > QUERY_LENGTH:
        raise wrong_field("q", "too_long", f"Write at most {QUERY_LENGTH} characters.")
    query = parse_query(wanted.query)
    if query is None:
        raise wrong_field("q", "missing", "Write a word or a character to look for.")
    return query


def _places(person: Person, wanted: Wanted) -> list[int]:
    team_pk = None
    if wanted.team is not None:
        team_pk = teams.require_member(wanted.team, person.pk).team
    visible = projects_of(person.pk, team_pk=team_pk)
    if wanted.project is None:
        return list(visible)
    pk = db.session.scalars(select(Project.pk).where(Project.id == wanted.project)).one_or_none()
    return [pk] if pk in visible else []


def _statement(
    query: Query, visible: list[int], kind: str | None, page: PageRequest
) -> Select[Any]:
    in_title = and_(*(func.instr(SearchEntry.title, term) > 0 for term in query.terms))
    in_either = and_(
        *(
            or_(func.instr(SearchEntry.title, term) > 0, func.instr(SearchEntry.body, term) > 0)
            for term in query.terms
        )
    )
    rank = Node.pk + case((in_title, literal(_IN_TITLE)), else_=literal(0))
    at = func.instr(SearchEntry.body, query.terms[0])
    start = case((at > _LEAD, at - _LEAD), else_=1)
    statement = (
        select(
            Node.id,
            Node.kind,
            Node.name,
            Node.updated_at,
            Node.updated_by,
            Project.id.label("project_id"),
            Project.name.label("project_name"),
            func.substr(Revision.body, start, _SNIPPET).label("snippet"),
            start.label("snippet_start"),
            rank.label("rank"),
        )
        .join(Node, Node.pk == SearchEntry.node_pk)
        .join(Project, Project.pk == Node.project_pk)
        .outerjoin(Revision, and_(Revision.node_pk == Node.pk, Revision.number == Node.revision))
        .where(
            _matches(query),
            Node.project_pk.in_(visible),
            Node.trash_pk.is_(None),
            in_either,
        )
    )
    if kind is not None:
        statement = statement.where(Node.kind == kind)
    if page.after:
        statement = statement.where(rank < page.after)
    return statement.order_by(rank.desc()).limit(page.limit + 1)


def _matches(query: Query) -> TextClause:
    """Return the condition that the full-text index of the database at hand answers."""
    if db.engine.dialect.name == "sqlite":
        words = [*query.whole, *(f"{token}*" for token in query.begun)]
        return text(_IN_SQLITE).bindparams(tokens=" AND ".join(words))
    words = [*(f"+{token}" for token in query.whole), *(f"+{token}*" for token in query.begun)]
    return text(_IN_MYSQL).bindparams(tokens=" ".join(words))


def _told(row: Any, query: Query, person: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - a row
    snippet = marked(row.snippet, query.terms) if row.snippet else []
    return {
        "id": row.id,
        "kind": row.kind,
        "title": marked(row.name, query.terms),
        "snippet": snippet,
        "snippet_cut": bool(row.snippet) and row.snippet_start > 1,
        "project": {"id": row.project_id, "name": row.project_name},
        "updated_at": told(row.updated_at),
        "updated_by": person,
    }
