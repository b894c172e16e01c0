"""npm ``openid-client``, a certified relying party, works with the SSO as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.foreign import relying_party
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.world import World

SCOPE = "openid profile email offline_access"


@pytest.fixture
def party_url(world: World, tmp_path: Path) -> Iterator[str]:
    """The address of a third-party application that is registered like any other."""
    url = f"http://127.0.0.1:{free_port()}"
    arguments = ["--name", "Foreign", "--redirect-uri", f"{url}/callback", "--scope", SCOPE]
    arguments += ["--post-logout-redirect-uri", f"{url}/", "--format", "json"]
    made = json.loads(world.sso.command("client", "create", *arguments))
    program = relying_party(tmp_path, url, world.sso.url, made, SCOPE)
    yield url
    program.stop()


def test_certified_client_signs_in_refreshes_revokes_and_signs_out(
    world: World, party_url: str
) -> None:
    """Discovery, PKCE, consent, ID token, UserInfo, rotation, revocation, end of session."""
    visitor = world.new_visitor()
    visitor.open(f"{party_url}/start")
    visitor.give_password()
    consent = next(f for f in visitor.page_forms() if ("decision", "allow") in f.buttons)
    answer = visitor.submit(consent, decision="allow")
    assert answer.url.startswith(f"{party_url}/callback"), answer.text
    assert answer.status == 200, answer.text
    found = answer.json()
    assert found["claims"]["iss"] == world.sso.url
    assert found["userinfo"]["sub"] == found["claims"]["sub"]
    assert found["userinfo"]["email"] == world.person.email
    assert set(found["scope"].split()) == set(SCOPE.split())
    assert found["renewed"]
    assert found["rotated"]
    assert found["after_revocation"] == "invalid_grant"
    home = visitor.open(found["end_session"])
    assert home.url == f"{party_url}/?state=after"
    visitor.open(f"{party_url}/start")
    assert "password" in visitor.form_with("password").fields, "signed out at the SSO, too"
