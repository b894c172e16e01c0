"""What `deploy/` and the image say is what the parties take; no engine is needed to know that."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import pytest

import bff.settings
import sso.settings
import workbench.settings
from tests.architecture.test_docs import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

DEPLOY = ROOT / "deploy"
MODELS: dict[str, type[BaseModel]] = {
    "BFF": bff.settings.Settings,
    "SSO": sso.settings.Settings,
    "WORKBENCH": workbench.settings.Settings,
}
_VARIABLE = re.compile(r"\b(BFF|SSO|WORKBENCH)_([A-Z0-9_]+)\b")
_SECRET_FILE = re.compile(r'client_secret_file = "[^"]+"')


def gateways() -> dict[str, str]:
    """Return each `bff.toml` that a deployment starts from."""
    config_map = (DEPLOY / "kubernetes" / "settings.yaml").read_text(encoding="utf-8")
    inside = config_map.partition("bff.toml: |\n")[2].partition("\n---")[0]
    compose = (DEPLOY / "bff.toml").read_text(encoding="utf-8")
    return {"compose": compose, "kubernetes": textwrap.dedent(inside)}


@pytest.mark.parametrize("name", ["compose", "kubernetes"])
def test_the_gateways_settings_load(tmp_path: Path, name: str) -> None:
    """With people at the workbench, a proxy in front that is named, and no forward-auth by it."""
    (tmp_path / "secret").write_text("of the client")
    secret = f'client_secret_file = "{tmp_path / "secret"}"'
    file = tmp_path / "bff.toml"
    file.write_text(_SECRET_FILE.sub(secret, gateways()[name]), encoding="utf-8")
    given = {"BFF_SECRET_KEYS": "k" * 40, "BFF_REDIS_URL": "redis://valkey:6379/0"}
    settings = bff.settings.load_settings(file, given)
    assert settings.shell == "workbench"
    assert settings.trusted_proxies
    assert settings.forward_auth == "off"
    assert set(settings.providers[0].scopes) == set(
        sso.settings.Settings.model_fields["scopes"].default
    )


def test_every_variable_is_a_setting() -> None:
    """Else a party would refuse to start with it."""
    texts = [path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*") if path.is_file()]
    named = {found.groups() for text in texts for found in _VARIABLE.finditer(text)}
    unknown = {
        f"{party}_{name}"
        for party, name in named
        if name != "CONFIG"
        and name.removesuffix("_FILE").lower().split("__")[0] not in MODELS[party].model_fields
    }
    assert named
    assert unknown == set()


def test_the_image_has_every_package_that_runs() -> None:
    """And neither the tests, nor git, nor anybody's data."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "tests"}
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {f"!{package}" for package in packages} <= set(kept)
    assert {"!app.py", "!requirements.txt", "!static", "!templates"} <= set(kept)
    assert "*" in kept
    assert not {"!tests", "!var", "!.git", "!.venv"} & set(kept)
