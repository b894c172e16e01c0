"""F-01 … F-03, F-14, F-22, F-38: an outage is never "not logged in", and ends when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.support.browser import exchange
from tests.support.forged_world import ForgedWorld, forged_world
from tests.support.mariadb import MariaDb
from tests.support.programs import answers
from tests.support.stores import Store, redis_binary, started, valkey_binary
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.browser import Response


def is_outage(answer: Response, code: str = "store_unavailable") -> None:
    """Assert that *answer* is the outage answer: 503, a whole number of seconds, no cookie."""
    assert answer.status == 503, answer.text
    assert answer.json()["code"] == code
    assert int(answer.header("Retry-After") or "") > 0
    assert answer.header_lines("Set-Cookie") == []
    assert answer.header("Location") is None


@pytest.fixture(params=["valkey", "redis"])
def fragile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForgedWorld]:
    """A BFF whose store, of either make, this test alone may break; it keeps its data."""
    binary = valkey_binary() if request.param == "valkey" else redis_binary()
    with (
        started(Store(binary, tmp_path / "store", durable=True)) as store,
        forged_world(tmp_path / "bff", store) as forged,
    ):
        yield forged


@pytest.mark.rule("F-03")
def test_store_dies_and_comes_back(fragile: ForgedWorld) -> None:
    """Killed: 503 and the cookie kept; back with its data: the same ticket works."""
    visitor = fragile.new_visitor()
    visitor.sign_in()
    assert visitor.api().status == 200
    ticket = visitor.ticket()
    served = len(fragile.upstream.received)
    fragile.store.program.kill()
    url = fragile.bff.url
    for _ in range(3):
        is_outage(visitor.api())
        is_outage(visitor.user())
        assert exchange(f"{url}/livez").status == 200
        assert exchange(f"{url}/readyz").status == 503
    assert visitor.ticket() == ticket
    assert len(fragile.upstream.received) == served
    logged_out = visitor.log_out()
    is_outage(logged_out)
    fragile.store.start()
    fragile.bff.program.wait_until(lambda: answers(f"{url}/readyz"))
    assert visitor.api().status == 200
    assert visitor.user().json()["sub"] == "ada"
    assert visitor.ticket() == ticket


@pytest.mark.rule("F-04")
def test_frozen_store_is_an_outage_too(fragile: ForgedWorld) -> None:
    """F-04: a store that accepts and never answers is given up; afterwards nothing is mixed up."""
    visitor = fragile.new_visitor()
    visitor.sign_in()
    fragile.store.program.pause()
    is_outage(visitor.api())
    is_outage(visitor.user())
    assert exchange(f"{fragile.bff.url}/livez").status == 200
    fragile.store.program.resume()
    fragile.bff.program.wait_until(lambda: answers(f"{fragile.bff.url}/readyz"))
    assert visitor.api().status == 200
    assert visitor.user().json()["sub"] == "ada"


def test_routes_without_a_session_need_no_store(fragile: ForgedWorld) -> None:
    """``token = "none"`` is served while the store is away."""
    fragile.store.program.kill()
    answer = exchange(f"{fragile.bff.url}/public/thing", "GET", {"X-CSRF": "1"})
    assert answer.status == 200


@pytest.mark.rule("F-01")
def test_bff_starts_without_its_store(tmp_path: Path) -> None:
    """F-01: the process runs and says so; when the store comes, it is ready."""
    store = Store(valkey_binary(), tmp_path / "store", durable=True)
    with started(store), forged_world(tmp_path / "bff", store) as forged:
        forged.bff.program.stop()
        store.program.kill()
        forged.bff.start("/livez")
        assert exchange(f"{forged.bff.url}/readyz").status == 503
        with_cookie = {"X-CSRF": "1", "Cookie": "session=" + "A" * 43}
        is_outage(exchange(f"{forged.bff.url}/api/x", "GET", with_cookie))
        store.start()
        forged.bff.wait("/readyz")
        visitor = forged.new_visitor()
        visitor.sign_in()
        assert visitor.api().status == 200


@pytest.mark.rule("F-38")
def test_upstream_dies_and_comes_back(forged: ForgedWorld) -> None:
    """F-38: nobody listens: 502, the session unharmed."""
    visitor = forged.new_visitor()
    visitor.sign_in()
    forged.upstream.pause()
    answer = visitor.api()
    assert (answer.status, answer.json()["code"]) == (502, "upstream_unreachable")
    assert answer.header_lines("Set-Cookie") == []
    assert visitor.user().status == 200
    forged.upstream.resume()
    assert visitor.api().status == 200


@pytest.mark.rule("F-22")
def test_provider_away_at_login_is_said_so(tmp_path: Path, durable_store: Store) -> None:
    """F-22: 503 page or problem, nothing stored, and it works once the provider is back."""
    with forged_world(tmp_path, durable_store) as forged:
        forged.provider.server.pause()
        page = forged.new_visitor().fetch_page("/bff/login?return_to=/")
        assert page.status == 503
        assert int(page.header("Retry-After") or "") > 0
        assert page.is_html
        assert page.header_lines("Set-Cookie") == []
        headers = {"X-CSRF": "1", "Content-Type": "application/json"}
        script = exchange(f"{forged.bff.url}/bff/login", "POST", headers, b'{"return_to": "/"}')
        is_outage(script, "provider_unavailable")
        assert exchange(f"{forged.bff.url}/livez").status == 200
        assert durable_store.dump() == {}
        forged.provider.server.resume()
        visitor = forged.new_visitor()
        forged.bff.program.wait_until(
            lambda: visitor.fetch_page("/bff/login?return_to=/").status == 303
        )
        visitor.sign_in()
        assert visitor.user().status == 200


@pytest.mark.rule("F-22", "F-23", "F-24")
def test_provider_away_at_refresh_keeps_the_session(forged: ForgedWorld) -> None:
    """F-23, F-24: the token has expired, the provider is away: 503; then it works again."""
    forged.provider.token_reply = {"expires_in": 1}
    visitor = forged.new_visitor()
    visitor.sign_in()
    forged.provider.server.pause()
    answer = visitor.api()
    assert answer.status in {200, 503}  # 200 while the second lasts
    while answer.status == 200:
        answer = visitor.api()
    is_outage(answer, "provider_unavailable")
    forged.provider.server.resume()
    forged.bff.program.wait_until(lambda: visitor.api().status == 200)
    assert visitor.user().json()["sub"] == "ada"


@pytest.mark.rule("F-14", "F-22")
def test_sso_dies_and_the_bff_goes_on(
    tmp_path: Path, durable_store: Store, mariadb: MariaDb
) -> None:
    """F-14, F-22: without SSO or its database, those who are signed in work on."""
    world = World(tmp_path, durable_store, database_url=mariadb.fresh_database())
    try:
        world.start()
        visitor = world.browser
        visitor.sign_in()
        assert visitor.api().status == 200
        world.sso.program.kill()
        assert visitor.api().status == 200
        assert visitor.user().status == 200
        newcomer = world.new_visitor()
        assert newcomer.open(newcomer.login_url(), follow=False).status in {303, 503}
        out = visitor.fetch(f"{world.bff.url}/bff/logout", "POST")
        assert out.status == 200, "signing out of the BFF needs no SSO"
        assert visitor.api().status == 401
    finally:
        world.stop()


@pytest.mark.rule("F-14")
def test_mariadb_dies_and_the_sso_says_so(tmp_path: Path, durable_store: Store) -> None:
    """F-14: 503 at sign-in and token; keys and discovery from memory; recovery by itself."""
    database = MariaDb(tmp_path / "mariadb")
    database.start()
    world = World(tmp_path, durable_store, database_url=database.fresh_database())
    try:
        world.start()
        world.browser.sign_in()
        assert world.browser.api().status == 200
        stranger = world.new_visitor()
        stranger.open(stranger.login_url())
        database.program.kill()
        assert world.browser.api().status == 200
        for path in ("/.well-known/openid-configuration", "/oauth/jwks", "/livez"):
            assert exchange(world.sso.url + path).status == 200, path
        assert exchange(f"{world.sso.url}/readyz").status == 503
        page = stranger.give_password()
        assert page.status == 503
        assert page.is_html
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        asked = {"grant_type": "authorization_code", "code": "x"}
        asked |= {name: world.client[name] for name in ("client_id", "client_secret")}
        body = urlencode(asked).encode()
        token = exchange(f"{world.sso.url}/oauth/token", "POST", form, body)
        assert token.status == 503
        assert token.json()["error"] == "temporarily_unavailable"
        assert int(token.header("Retry-After") or "") > 0
        database.start()
        world.sso.wait()
        world.new_visitor().sign_in()
    finally:
        world.stop()
        database.program.stop()
