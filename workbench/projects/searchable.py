"""What a search sees is written in the transaction of the change itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.database import db
from workbench.kit.searching import fold, project_token, tokens_of
from workbench.projects.model import SearchEntry

if TYPE_CHECKING:
    from workbench.projects.model import Node


def index(node: Node, body: str | None = None) -> None:
    """Let *node* be found by its name and, a document, by *body*; None keeps the body it has."""
    entry = db.session.get(SearchEntry, node.pk)
    if entry is None:
        entry = SearchEntry(node_pk=node.pk, title="", body="", tokens="")
        db.session.add(entry)
    entry.title = fold(node.name)
    if body is not None:
        entry.body = fold(body)
    entry.tokens = f"{project_token(node.project_pk)} {tokens_of(entry.title, entry.body)}"
