"""Writes TOML: every value on one line, which is valid and enough for settings of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_DELETE = "\x7f"


def dumps(settings: Mapping[str, object]) -> str:
    """Return *settings* as a TOML document that `tomllib` reads back as it was.

    Raises:
        TypeError: a value is of a kind that settings do not have (a date, None).
    """
    return "".join(f"{_text(key)} = {_value(value)}\n" for key, value in settings.items())


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _text(value)
        case list() | tuple():
            return f"[{', '.join(_value(item) for item in value)}]"
        case dict():
            return "{" + ", ".join(f"{_text(k)} = {_value(v)}" for k, v in value.items()) + "}"
        case _:
            raise TypeError(f"{type(value).__name__} is no setting")


def _text(value: str) -> str:
    # A JSON string is a TOML string, but for one control character that JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
