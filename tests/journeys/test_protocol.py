"""The gateway and the sign-in server, each by its own settings, over MariaDB: PAR and exchange."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jws import extract_compact

from tests.support.browser import Browser
from tests.support.upstream import RecordingUpstream
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.mariadb import MariaDb
    from tests.support.stores import Store

CARDS = "https://cards.example"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = ("authorization_code", "refresh_token", EXCHANGE)


@pytest.fixture
def cards() -> Iterator[RecordingUpstream]:
    """Another API, with an audience of its own."""
    with RecordingUpstream() as upstream:
        yield upstream


@pytest.fixture
def strict(
    tmp_path: Path, durable_store: Store, mariadb: MariaDb, cards: RecordingUpstream
) -> Iterator[World]:
    """A world whose gateway must push its requests, and trades tokens for the other API."""
    route = {"path": "/api/cards", "upstream": cards.url, "strip_prefix": True}
    world = World(
        tmp_path,
        durable_store,
        database_url=mariadb.fresh_database(),
        bff_provider={"par": "auto"},
        bff_routes=({**route, "token": "user", "audience": CARDS, "scopes": ["users:read"]},),
        client_options=(
            "--par-required",
            "--frontchannel-logout-uri",
            "{bff}/bff/frontchannel-logout/sso",
            *(word for grant in GRANTS for word in ("--grant-type", grant)),
        ),
    )
    try:
        world.start()
        yield world
    finally:
        world.stop()


def allow(world: World) -> str:
    """Write the line of the policy; return its id."""
    client_id = world.client["client_id"]
    arguments = ["exchange", "allow", "--client", client_id, "--of", client_id]
    arguments += ["--from", world.workbench.url, "--to", CARDS, "--scope", "users:read"]
    made: dict[str, str] = json.loads(world.sso.command(*arguments, "--format", "json"))
    return made["id"]


def claims_at(cards: RecordingUpstream) -> dict[str, Any]:
    """Return the claims of the token that the other API got last."""
    scheme, _, token = cards.received[-1].values("Authorization")[0].partition(" ")
    assert scheme == "Bearer"
    return dict(json.loads(extract_compact(token.encode()).payload))


@pytest.mark.rule("A-46", "A-49", "A-55", "B-42")
def test_a_gateway_that_pushes_and_trades(strict: World, cards: RecordingUpstream) -> None:
    """Signed in by a pushed request; the other API gets a token of its own once policy has it.

    And who signs out at the server is signed out at the gateway by the frame of its page.
    """
    visitor = strict.browser
    visitor.open(visitor.login_url("/"))
    asked = [response.url for response in visitor.history]
    assert any("request_uri=urn%3Aietf" in each for each in asked)
    assert not any("code_challenge" in each for each in asked)
    assert visitor.give_password().url == f"{strict.bff.url}/"
    assert visitor.api().status == 200
    refused = visitor.api("/cards/balance")
    assert refused.status in {401, 403, 502, 503}
    assert cards.received == []
    allow(strict)
    answer = visitor.api("/cards/balance")
    assert answer.status == 200, answer.text
    claims = claims_at(cards)
    assert claims["aud"] == CARDS
    assert claims["scope"] == "users:read"
    assert claims["act"] == {"sub": strict.client["client_id"]}
    strict.sso.program.wait_until(lambda: "no line of the policy" in strict.sso.program.log())
    assert strict.sessions.count() == 1
    page = visitor.open(f"{strict.sso.url}/sign-out")
    ended = visitor.submit(next(form for form in visitor.page_forms() if form.method == "POST"))
    [frame] = re.findall(r'<iframe src="([^"]+)"', ended.text)
    assert page.status == ended.status == 200
    assert Browser().open(unescape(frame)).status == 200, "a frame brings no Strict cookie"
    assert strict.sessions.count() == 0
