"""Settings as an operator writes them: a TOML file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_toml(path: Path, settings: Mapping[str, Any]) -> Path:
    """Write *settings* to *path*: plain values, tables, lists of tables; the rest in line."""
    plain, tables = [], []
    for name, value in settings.items():
        if isinstance(value, dict):
            tables.append(f"\n[{name}]\n" + _lines(value))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f"\n[[{name}]]\n" + _lines(row) for row in value]
        else:
            plain.append(f"{name} = {json.dumps(value)}\n")
    path.write_text("".join([*plain, *tables]), "utf-8")
    path.chmod(0o600)
    return path


def _lines(row: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_inline(value)}\n" for name, value in row.items())


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_inline(held)}" for name, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    # JSON's strings, numbers and booleans are TOML's, too.
    return json.dumps(value)
