"""The guide's code runs as it stands, and does what the guide says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bff.extension.settings import ExtensionSettings
from tests.unit.bff.extension.conftest import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "guides" / "flask-extension.md"
BLOCK = re.compile(r"^```(python|html)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OWN = {"Sec-Fetch-Site": "same-origin", "X-CSRF": "1"}


def blocks(language: str) -> list[str]:
    """Return the guide's code in *language*, in order."""
    return [body for found, body in BLOCK.findall(GUIDE.read_text("utf-8")) if found == language]


@pytest.fixture
def said() -> Iterator[dict[str, Any]]:
    """Every name that the guide's Python leaves behind."""
    names: dict[str, Any] = {"__name__": "guide"}
    for block in blocks("python"):
        exec(compile(block, str(GUIDE), "exec"), names)
    yield names
    names["cloakroom"].close(names["app"])


def test_first_block_is_as_short_as_it_claims() -> None:
    """Five statements."""
    statements = compile(blocks("python")[0], "guide", "exec", flags=1024).body  # type: ignore[attr-defined] # ast.PyCF_ONLY_AST
    assert len(statements) == 5


@pytest.mark.parametrize("path", ["/notes", "/people", "/close-account", "/orders/7"])
def test_each_guarded_view_of_the_guide_sends_strangers_to_sign_in(
    said: dict[str, Any], path: str
) -> None:
    """A person by redirect, a script by 401."""
    app: Flask = said["app"]
    client = app.test_client(use_cookies=False)
    assert client.get(path, headers=PAGE).location.startswith("/bff/login?return_to=%2F")
    assert client.get(path, headers=OWN).status_code == 401


def test_factory_of_the_guide_makes_another_application(said: dict[str, Any]) -> None:
    """With the same object."""
    app: Flask = said["create_app"](said["app"].config["CLOAKROOM"])
    client = app.test_client(use_cookies=False)
    assert client.get("/bff/user", headers=OWN).status_code == 401
    said["cloakroom"].close(app)


def test_forms_of_the_guide_render(said: dict[str, Any]) -> None:
    """With a field each, empty for a stranger."""
    app: Flask = said["app"]
    with app.test_request_context("/"):
        page = app.jinja_env.from_string(blocks("html")[0]).render()
    assert page.count('name="csrf_token" value=""') == 2


def test_every_setting_of_the_extension_is_in_the_guide() -> None:
    """Those that the gateway does not have."""
    own = ExtensionSettings.model_fields.keys() - ExtensionSettings.__mro__[1].model_fields.keys()  # type: ignore[attr-defined] # pydantic's
    text = GUIDE.read_text("utf-8")
    assert {name for name in own if f"| `{name}` |" not in text} == set()
