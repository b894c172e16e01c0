"""Public ids: a letter for the kind, then 96 random bits. They tell neither number nor order."""

from __future__ import annotations

import re
import secrets
from functools import partial
from typing import TYPE_CHECKING

from werkzeug.routing import BaseConverter

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

ID_LENGTH = 32  # of the columns
PATTERN = "[a-z]{1,2}_[0-9a-f]{24}"
_ID_BYTES = 12
_WELL_FORMED = re.compile(PATTERN)


def new_id(kind: str) -> str:
    """Return a fresh public id of *kind*, such as ``t`` for a team."""
    return f"{kind}_{secrets.token_hex(_ID_BYTES)}"


def ids_of(kind: str) -> Callable[[], str]:
    """Return the maker of ids of *kind*, as a column's default."""
    return partial(new_id, kind)


def is_id(text: str, kind: str) -> bool:
    """Return whether *text* has the form of an id of *kind*."""
    return text.startswith(f"{kind}_") and bool(_WELL_FORMED.fullmatch(text))


class _PublicId(BaseConverter):
    """What is no id is no address: 404 before any room or the database is asked."""

    regex = PATTERN


def install_ids(app: Flask) -> None:
    """Let routes of *app* write ``<id:team>``."""
    app.url_map.converters["id"] = _PublicId
