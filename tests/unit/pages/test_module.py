"""The browser's modules and their types say the same."""

from __future__ import annotations

import re

import pytest

from tests.support.programs import ROOT

_BFF = ROOT / "static" / "bff"


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "cloakroom",
            {
                *{"Problem", "LoginRequired", "StepUpRequired", "Unavailable"},
                *{"user", "fetch", "login", "loginUrl", "logout", "wantsSignIn"},
            },
        ),
        ("hold", {"hearSignedIn", "holding", "tellSignedIn"}),
        ("watch", {"watch"}),
    ],
)
def test_every_export_is_typed_and_every_type_exists(module: str, names: set[str]) -> None:
    """Functions and classes of the one are those of the other."""
    source = (_BFF / f"{module}.js").read_text(encoding="utf-8")
    types = (_BFF / f"{module}.d.ts").read_text(encoding="utf-8")
    declared = set(re.findall(r"^export (?:class|function) (\w+)", types, re.MULTILINE))
    exported = set(re.findall(r"^export (?:async )?(?:class|function) (\w+)", source, re.MULTILINE))
    exported |= set(re.findall(r"^export { \w+ as (\w+) }", source, re.MULTILINE))
    assert exported == declared == names


def test_cloakroom_module_needs_no_other() -> None:
    """One file is all that a page must take in."""
    source = (_BFF / "cloakroom.js").read_text(encoding="utf-8")
    assert "import" not in re.sub(r"//.*|/\*.*?\*/", "", source, flags=re.DOTALL)
