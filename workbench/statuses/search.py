"""Searching posts: what they say is indexed in the transaction of the change itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, column, func, select, table, text

from workbench.database import db
from workbench.kit.searching import QUERY_LENGTH, fold, parse_query, team_token, tokens_of
from workbench.problems import BAD_REQUEST, Refused
from workbench.statuses.model import SearchEntry, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from workbench.kit.searching import Query

_PARTS = ("title", "body", "done", "problems", "next")
_FTS5 = table("status_tokens", column("rowid", BigInteger))
_IN_SQLITE = "status_tokens MATCH :tokens"
_IN_MYSQL = "MATCH (status_search.tokens) AGAINST (:tokens IN BOOLEAN MODE)"


def index(status: Status) -> None:
    """Let *status* be found by what it says now; in the transaction at hand."""
    words = fold("\n".join(getattr(status, name) or "" for name in _PARTS))
    entry = db.session.get(SearchEntry, status.pk)
    if entry is None:
        entry = SearchEntry(status_pk=status.pk)
        db.session.add(entry)
    entry.words = words
    entry.tokens = f"{team_token(status.team_pk)} {tokens_of('', words)}"


def parse(arguments: Mapping[str, str]) -> Query | None:
    """Return the query in the parameter `q`, or None where it is left out.

    Raises:
        Refused: ``bad_request``: there is nothing to look for in it, or too much.
    """
    written = arguments.get("q")
    if written is None:
        return None
    query = parse_query(written) if len(written) <= QUERY_LENGTH else None
    if query is None:
        detail = f"q: write words, at most {QUERY_LENGTH} characters"
        raise Refused(BAD_REQUEST, detail=detail)
    return query


def found_by(query: Query, team_pk: int) -> ColumnElement[bool]:
    """Return the condition that a post says every term of *query*, as it is written.

    The index is asked for posts of the team *team_pk*: it fetches all that it finds.
    """
    says = [func.instr(SearchEntry.words, term) > 0 for term in query.terms]
    said = select(SearchEntry.status_pk).where(*says)
    whole = [team_token(team_pk), *query.whole]
    begun = [f"{token}*" for token in query.begun]
    if db.session.get_bind().dialect.name == "sqlite":
        tokens = " AND ".join([*whole, *begun])
        named = select(_FTS5.c.rowid).where(text(_IN_SQLITE).bindparams(tokens=tokens))
        return Status.pk.in_(said.where(SearchEntry.status_pk.in_(named)))
    tokens = " ".join(f"+{token}" for token in [*whole, *begun])
    return Status.pk.in_(said.where(text(_IN_MYSQL).bindparams(tokens=tokens)))
