"""What requests of the room carry."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from workbench.kit.bodies import Body, OneLine, Prose
from workbench.statuses.model import BODY_LENGTH, COMMENT_LENGTH, PART_LENGTH, TITLE_LENGTH

_Group = Annotated[str, StringConstraints(pattern="^g_[0-9a-f]{24}$")]
_Title = Annotated[str, OneLine(TITLE_LENGTH)]
_Markdown = Annotated[str, Prose(BODY_LENGTH)]
_Part = Annotated[str, Prose(PART_LENGTH)]
_Comment = Annotated[str, Prose(COMMENT_LENGTH, least=1)]


class PostBody(Body):
    """A new post."""

    title: _Title
    body: _Markdown = ""
    done: _Part | None = None
    problems: _Part | None = None
    next: _Part | None = None
    group: _Group | None = None


class EditBody(Body):
    """What changes in a post; what is left out stays."""

    title: _Title = ""
    body: _Markdown = ""
    done: _Part | None = None
    problems: _Part | None = None
    next: _Part | None = None
    group: _Group | None = None


class CommentBody(Body):
    """A new comment."""

    body: _Comment
    reply_to: Annotated[str, StringConstraints(pattern="^sc_[0-9a-f]{24}$")] | None = None


class CommentEditBody(Body):
    """A comment's new words."""

    body: _Comment
