"""The browser's module and its types say the same."""

from __future__ import annotations

import re

from tests.support.programs import ROOT

_MODULE = (ROOT / "static" / "bff" / "cloakroom.js").read_text(encoding="utf-8")
_TYPES = (ROOT / "static" / "bff" / "cloakroom.d.ts").read_text(encoding="utf-8")


def test_every_export_is_typed_and_every_type_exists() -> None:
    """Functions and classes of the one are those of the other."""
    declared = set(re.findall(r"^export (?:class|function) (\w+)", _TYPES, re.MULTILINE))
    exported = set(
        re.findall(r"^export (?:async )?(?:class|function) (\w+)", _MODULE, re.MULTILINE)
    )
    exported |= set(re.findall(r"^export { \w+ as (\w+) }", _MODULE, re.MULTILINE))
    assert (
        exported
        == declared
        == {
            "Problem",
            "LoginRequired",
            "Unavailable",
            "user",
            "fetch",
            "login",
            "logout",
        }
    )


def test_module_needs_no_other() -> None:
    """One file is all that a page takes in."""
    assert "import" not in re.sub(r"//.*|/\*.*?\*/", "", _MODULE, flags=re.DOTALL)
