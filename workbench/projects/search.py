"""Search over titles and texts, in every script, in what the caller may see and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, and_, case, column, func, not_, select, table, text, union_all

from workbench.database import db
from workbench.kit.bodies import wrong_field
from workbench.kit.clock import told
from workbench.kit.searching import QUERY_LENGTH, Query, marked, parse_query, project_token
from workbench.paging import cursor_of
from workbench.problems import BAD_REQUEST, Refused
from workbench.projects.membership import projects_of
from workbench.projects.model import Node, Project, Revision, SearchEntry
from workbench.teams import membership as teams
from workbench.users.people import people_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, FromClause, Row, TextClause

    from workbench.paging import PageRequest
    from workbench.users.people import Person

KINDS = ("document", "file", "folder")
# The texts of so many candidates are looked at in one statement; a page that finds too little
# says so by its `next`, and never looks at more.
_CANDIDATES = 200
_LOOKED_AT_MAX = 3000
# InnoDB's full-text index fetches every row that has a word. A word that most texts have is found
# among the newest of them without it; one that is not there is rare enough to ask for. Naming
# projects keeps other teams' texts out of what is fetched, but many of them cost more than that.
_NEWEST = 250
_NEWEST_MAX = 250
_PROJECTS_MAX = 20
_UNITED_MAX = 60
_SNIPPET = 160
_LEAD = 40
# A cursor is one number: the phase (titles come before texts), and the node.
_PHASE_BITS = 60
_TITLES, _TEXTS = 1, 0
# The tokens are ASCII letters and digits: nothing that either index takes for an operator.
_PK_MAX = (1 << _PHASE_BITS) - 1
_FTS5 = table("search_tokens", column("rowid", BigInteger))
_IN_SQLITE = "search_tokens MATCH :tokens"
_IN_MYSQL = "MATCH (search_entries.tokens) AGAINST (:tokens IN BOOLEAN MODE)"


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
    rows, following = _Hunt(query, visible, wanted.kind).page(page)
    people = people_of(row.updated_by for row in rows)
    items = [_told(row, query, people[row.updated_by].embedded()) for row in rows]
    return {"items": items, "next": cursor_of(following) if following else None}


class _Hunt:
    """One search: the index names candidates, then their texts are held against the query."""

    def __init__(self, query: Query, visible: list[int], kind: str | None) -> None:
        self._query, self._visible, self._kind = query, visible, kind

    def page(self, wanted: PageRequest) -> tuple[list[Row[Any]], int | None]:
        """Return the rows of a page, and the cursor of the next one or None."""
        phase, below = _TITLES, 0
        if wanted.after:
            phase, below = wanted.after >> _PHASE_BITS, wanted.after & _PK_MAX
            if phase > _TITLES:
                raise Refused(BAD_REQUEST, detail="after: write the `next` of the page before")
        rows: list[tuple[int, Row[Any]]] = []
        looked_at = 0
        while phase >= _TEXTS and len(rows) <= wanted.limit and looked_at < _LOOKED_AT_MAX:
            asked, candidates = self._candidates(phase, below, looked_at)
            rows += [(phase, row) for row in self._hits(phase, candidates, wanted.limit + 1)]
            looked_at += len(candidates)
            if len(candidates) < asked:
                phase, below, looked_at = phase - 1, 0, 0
            else:
                below = candidates[-1]
        shown = [row for _, row in rows[: wanted.limit]]
        if len(rows) > wanted.limit:
            last_phase, last = rows[wanted.limit - 1]
            return shown, last_phase << _PHASE_BITS | last.pk
        return shown, None if phase < _TEXTS else phase << _PHASE_BITS | (below or _PK_MAX)

    def _candidates(self, phase: int, below: int, looked_at: int) -> tuple[int, list[int]]:
        """Return how many nodes were asked for, and those there are, the newest first."""
        query = self._query.in_titles() if phase == _TITLES else self._query
        if db.engine.dialect.name == "sqlite":
            words = [*query.whole, *(f"{token}*" for token in query.begun)]
            matches = text(_IN_SQLITE).bindparams(tokens=" AND ".join(words))
            return _CANDIDATES, self._nodes(below, _FTS5, _FTS5.c.rowid, matches)
        if phase == _TEXTS and looked_at < _NEWEST_MAX:
            return _NEWEST, self._newest(below)
        words = [f"+{token}" for token in query.whole] + [f"+{token}*" for token in query.begun]
        if len(self._visible) <= _PROJECTS_MAX:
            words.append(f"+({' '.join(project_token(pk) for pk in self._visible)})")
        matches = text(_IN_MYSQL).bindparams(tokens=" ".join(words))
        entries = SearchEntry.__table__
        return _CANDIDATES, self._nodes(below, entries, entries.c.node_pk, matches)

    def _newest(self, below: int) -> list[int]:
        """Return the newest visible nodes below the one last looked at.

        Each project's are the end of its index: those of few projects lie behind everybody else's.
        """
        if len(self._visible) > _UNITED_MAX:
            return self._nodes(below, None, Node.__table__.c.pk, None, _NEWEST)
        parts = []
        for project in self._visible:
            part = select(Node.pk).where(Node.project_pk == project, Node.trash_pk.is_(None))
            if self._kind is not None:
                part = part.where(Node.kind == self._kind)
            if below:
                part = part.where(Node.pk < below)
            newest = part.order_by(Node.pk.desc()).limit(_NEWEST).subquery()
            parts.append(select(newest.c.pk))
        merged = union_all(*parts).subquery()
        statement = select(merged.c.pk).order_by(merged.c.pk.desc()).limit(_NEWEST)
        return list(db.session.scalars(statement))

    def _nodes(
        self,
        below: int,
        index: FromClause | None,
        key: ColumnElement[int],
        matches: TextClause | None,
        limit: int = _CANDIDATES,
    ) -> list[int]:
        """Return at most *limit* visible nodes that *index* finds, below the one last looked at."""
        nodes = Node.__table__
        source = nodes if index is None else index.join(nodes, nodes.c.pk == key)
        statement = (
            select(key)
            .select_from(source)
            .where(Node.project_pk.in_(self._visible), Node.trash_pk.is_(None))
        )
        if matches is not None:
            statement = statement.where(matches)
        if self._kind is not None:
            statement = statement.where(Node.kind == self._kind)
        if below:
            statement = statement.where(key < below)
        return list(db.session.scalars(statement.order_by(key.desc()).limit(limit)))

    def _hits(self, phase: int, candidates: list[int], limit: int) -> Sequence[Row[Any]]:
        """Return those of *candidates* in which the query stands as it was written."""
        if not candidates:
            return []
        terms = self._query.terms
        in_title = and_(*(func.instr(SearchEntry.title, term) > 0 for term in terms))
        anywhere = SearchEntry.title + "\n" + SearchEntry.body
        in_text = and_(*(func.instr(anywhere, term) > 0 for term in terms), not_(in_title))
        at = func.instr(SearchEntry.body, terms[0])
        start = case((at > _LEAD, at - _LEAD), else_=1)
        statement = (
            select(
                Node.pk,
                Node.id,
                Node.kind,
                Node.name,
                Node.updated_at,
                Node.updated_by,
                Project.id.label("project_id"),
                Project.name.label("project_name"),
                func.substr(Revision.body, start, _SNIPPET).label("snippet"),
                start.label("snippet_start"),
            )
            .join(SearchEntry, SearchEntry.node_pk == Node.pk)
            .join(Project, Project.pk == Node.project_pk)
            .outerjoin(
                Revision, and_(Revision.node_pk == Node.pk, Revision.number == Node.revision)
            )
            .where(Node.pk.in_(candidates), in_title if phase == _TITLES else in_text)
            .order_by(Node.pk.desc())
            .limit(limit)
        )
        return db.session.execute(statement).all()


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
