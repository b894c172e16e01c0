"""The reference lists every setting with its right default, and none that does not exist."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"
PARTIES = {"bff": "BFF", "sso": "SSO", "workbench": "Workbench"}
_ROW = re.compile(r"^\| `([a-z_.]+)` \| (.*?) \| (.+) \|$", re.MULTILINE)


def leaves(
    model: type[BaseModel], prefix: str = "", above: tuple[type[BaseModel], ...] = ()
) -> dict[str, Any]:
    """Return the dotted name and the default of every setting of *model*.

    A table that stands in the model above, too, is told there and is one row here.
    """
    found: dict[str, Any] = {}
    own = tuple(filter(None, map(_section, _annotations(model))))
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is not None and section not in above:
            found |= leaves(section, f"{prefix}{name}.", own)
        else:
            found[prefix + name] = field.default
    return found


def shown(default: object) -> str:
    """Return *default* as the reference shows it."""
    if default is PydanticUndefined:
        return "—"
    if default is None:
        return "none"
    value = list(default) if isinstance(default, tuple) else default
    return f"`{json.dumps(value)}`"


def documented(party: str) -> dict[str, str]:
    """Return the rows of one party: name and default."""
    chapters = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", _text(), re.DOTALL | re.MULTILINE))
    return {name: default for name, default, _meaning in _ROW.findall(chapters[PARTIES[party]])}


@pytest.mark.parametrize("party", PARTIES)
def test_every_setting_is_documented_with_its_default(party: str) -> None:
    """A setting without a row, a row without a setting, or another default is a fault."""
    settings: type[BaseModel] = importlib.import_module(f"{party}.settings").Settings
    assert documented(party) == {name: shown(value) for name, value in leaves(settings).items()}


def _text() -> str:
    return REFERENCE.read_text("utf-8")


def _annotations(model: type[BaseModel]) -> list[object]:
    return [field.annotation for field in model.model_fields.values()]


def _section(annotation: object) -> type[BaseModel] | None:
    """Return the model that *annotation* is, or is a list of."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None
