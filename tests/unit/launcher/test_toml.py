"""What we write as TOML, every reader reads as it was."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher import toml

_text = st.text(st.characters(exclude_categories=["Cs"]))
_plain = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), _text)
_value = st.recursive(
    _plain, lambda inner: st.lists(inner) | st.dictionaries(_text, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(_text, _value))
def test_what_is_written_is_read_back(settings: dict[str, Any]) -> None:
    """Quotes, line ends, control characters and any language survive."""
    assert tomllib.loads(toml.dumps(settings)) == settings


def test_none_is_no_setting() -> None:
    """A value that TOML does not have is refused, not guessed at."""
    with pytest.raises(TypeError):
        toml.dumps({"a": None})
