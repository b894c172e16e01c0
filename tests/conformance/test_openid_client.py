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
STRICT_SCOPE = f"{SCOPE} users:read"
CARDS = "https://cards.example"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
GRANTS = (
    *("authorization_code", "refresh_token", "client_credentials"),
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)


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


@pytest.fixture
def strict_url(world: World, tmp_path: Path) -> Iterator[str]:
    """The address of one that is held to pushed requests and bound tokens, and may do the rest."""
    url = f"http://127.0.0.1:{free_port()}"
    arguments = ["--name", "Strict", "--redirect-uri", f"{url}/callback", "--scope", STRICT_SCOPE]
    arguments += ["--par-required", "--dpop-required", "--format", "json"]
    for grant in GRANTS:
        arguments += ["--grant-type", grant]
    made = json.loads(world.sso.command("client", "create", *arguments))
    line = ["--client", made["client_id"], "--of", made["client_id"], "--scope", "users:read"]
    line += ["--from", world.workbench.url, "--to", CARDS]
    world.sso.command("exchange", "allow", *line)
    program = relying_party(
        tmp_path,
        url,
        world.sso.url,
        made,
        STRICT_SCOPE,
        script="relying-party-strict",
        api=world.workbench.url,
        other_audience=CARDS,
    )
    yield url
    program.stop()


@pytest.mark.rule("A-38", "A-39", "A-46", "A-47", "A-48", "A-49")
def test_certified_client_pushes_proves_introspects_exchanges_and_waits_as_a_device(
    world: World, strict_url: str
) -> None:
    """PAR, DPoP with nonces, introspection, exchange, the device grant: no special case."""
    visitor = world.new_visitor()
    visitor.open(f"{strict_url}/start")
    visitor.give_password()
    consent = next(f for f in visitor.page_forms() if ("decision", "allow") in f.buttons)
    answer = visitor.submit(consent, decision="allow")
    assert answer.status == 200, answer.text
    found = answer.json()
    assert found["userinfo"]["sub"] == found["claims"]["sub"]
    assert found["introspected"]["active"]
    assert found["introspected"]["cnf"]["jkt"]
    assert found["token_types"] == ["dpop"] * 4
    assert found["at_api"] == [200, 401]
    assert found["exchanged"] == {"scope": "users:read", "issued_token_type": ACCESS_TOKEN}
    assert found["after_revocation"] == [False, False]
    begun = visitor.open(f"{strict_url}/device").json()
    visitor.open(begun["verification_uri"])
    visitor.submit(visitor.form_with("user_code"), user_code=begun["user_code"])
    asked = next(f for f in visitor.page_forms() if ("decision", "allow") in f.buttons)
    visitor.submit(asked, decision="allow")
    device = visitor.open(f"{strict_url}/device/tokens")
    assert device.status == 200, device.text
    assert device.json()["claims"]["sub"] == found["claims"]["sub"]
    assert device.json()["token_type"] == "dpop"
