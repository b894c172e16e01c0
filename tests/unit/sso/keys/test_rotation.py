"""Two algorithms, rotated by age by exactly one process, without one failed validation."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import KeySet

from sso.accounts import totp
from sso.cli import cli
from sso.keys.pairs import ALGORITHMS, ES256, RS256
from sso.keys.ring import KeyRing
from sso.keys.signing import SigningKeys
from sso.storage.audit import AuditEntry
from tests.unit.sso.house import SECRET_KEYS, MovedClock
from tests.unit.sso.keys.test_signing import published

if TYPE_CHECKING:
    from tests.unit.sso.house import House

DAY_S = 86_400


def algorithm_of(house: House, token: str) -> str:
    """Return the algorithm of *token*, verified under the published keys."""
    keys = KeySet.import_key_set({"keys": published(house)})
    return str(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).header["alg"])


@pytest.mark.rule("A-31", "A-33")
@pytest.mark.parametrize("id_token_alg", [None, *ALGORITHMS])
@pytest.mark.parametrize("access_token_alg", [None, *ALGORITHMS])
def test_a_client_gets_the_algorithm_that_it_registered(
    house: House, id_token_alg: str | None, access_token_alg: str | None
) -> None:
    """RS256 where it named none; both are read back here."""
    house.client = house.new_client(
        first_party=True, id_token_alg=id_token_alg, access_token_alg=access_token_alg
    )
    browser = house.signed_in()
    tokens = house.tokens(browser)
    assert algorithm_of(house, tokens["id_token"]) == (id_token_alg or RS256)
    assert algorithm_of(house, tokens["access_token"]) == (access_token_alg or RS256)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert house.app.test_client().get("/oauth/userinfo", headers=bearer).status_code == 200
    hinted = browser.ask(prompt="none", id_token_hint=tokens["id_token"])
    assert "code=" in hinted.location


def test_discovery_names_both(house: House) -> None:
    """RS256 first, as OpenID demands it of everybody; each has a key."""
    document = house.app.test_client().get("/.well-known/openid-configuration").json or {}
    assert document["id_token_signing_alg_values_supported"] == [RS256, ES256]
    assert [key["alg"] for key in published(house)] == [RS256, ES256]
    assert set(published(house)[1]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


@pytest.mark.rule("S-091")
def test_a_key_reads_its_own_algorithm_alone(house: House) -> None:
    """What a header says is believed of no key."""
    keys = house.base.keys
    assert keys.read(keys.sign({"n": 1}, typ="x", algorithm=ES256), typ="x") == {"n": 1}
    foreign: Any = published(house)[1]["kid"]
    assert keys.algorithm_of(foreign) == ES256
    assert keys.algorithm_of("x") is None


@pytest.mark.rule("A-35")
def test_old_keys_get_one_successor_each_whoever_looks(either_house: House) -> None:
    """Eight processes look at once; two keys are made, one an algorithm, and nobody fails."""
    house = either_house
    nodes = [SigningKeys(house.base.storage, house.base.ring, house.clock) for _ in range(8)]
    assert all(node.rotate_old(older_than_s=90 * DAY_S, keep_s=DAY_S) == [] for node in nodes)
    house.clock.pass_s(90 * DAY_S + 1)
    made: list[str] = []
    start = threading.Barrier(len(nodes))

    def look(node: SigningKeys) -> None:
        start.wait()
        made.extend(node.rotate_old(older_than_s=90 * DAY_S, keep_s=DAY_S))

    threads = [threading.Thread(target=look, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2
    late = SigningKeys(house.base.storage, house.base.ring, house.clock)
    assert len(late.published()["keys"]) == 4
    with house.base.storage.reading() as session:
        assert session.query(AuditEntry).filter_by(action="keys.rotated").count() == 2


@pytest.mark.rule("A-35")
def test_two_first_starts_at_once_make_one_set(either_house: House) -> None:
    """Whoever is second finds what the first made."""
    house = either_house
    house.base.storage.write(
        lambda session: session.connection().exec_driver_sql("DELETE FROM signing_keys")
    )
    nodes = [SigningKeys(house.base.storage, house.base.ring, house.clock) for _ in range(6)]
    start = threading.Barrier(len(nodes))

    def ensure(node: SigningKeys) -> None:
        start.wait()
        node.ensure()

    threads = [threading.Thread(target=ensure, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sets = {json.dumps(node.published(), sort_keys=True) for node in nodes}
    assert len(sets) == 1
    assert len(nodes[0].published()["keys"]) == 2


def test_a_clock_that_is_behind_its_makers_signs_all_the_same(house: House) -> None:
    """The first key is there at once, on every node; nobody waits for a second to pass."""
    behind = MovedClock()
    behind.pass_s(-86_400)
    node = SigningKeys(house.base.storage, house.base.ring, behind)
    token = node.sign({"sub": "x"}, typ="JWT")
    assert house.base.keys.read(token, typ="JWT") == {"sub": "x"}


@pytest.mark.rule("F-14", "F-15")
def test_one_alone_waits_for_a_database_that_hangs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody else goes on with the keys in memory."""
    keys = SigningKeys(house.base.storage, house.base.ring, house.clock)
    before = keys.published()
    asked, answers = threading.Event(), threading.Event()

    def hang() -> None:
        asked.set()
        assert answers.wait(60)

    monkeypatch.setattr(keys, "_reload", hang)
    monkeypatch.setattr(keys, "_loaded_at", float("-inf"))
    first = threading.Thread(target=keys.published)
    first.start()
    try:
        assert asked.wait(30)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(keys.published).result(timeout=30) == before
    finally:
        answers.set()
        first.join()


@pytest.mark.rule("A-35", "F-46")
def test_no_validation_fails_while_keys_rotate_on_two_nodes(either_house: House) -> None:
    """A client that reads the key set of either node, cached for five minutes, verifies all."""
    house = either_house
    nodes = [SigningKeys(house.base.storage, house.base.ring, house.clock) for _ in range(2)]
    cached: list[dict[str, Any]] = [{}, {}]
    lived: list[tuple[float, str, str]] = []
    for minute in range(0, 240, 3):
        if minute in {30, 33, 120}:
            nodes[minute % 2].rotate(keep_s=3_600, algorithm=ALGORITHMS[minute % 2])
        for number, node in enumerate(nodes):
            # A node looks into the database every minute; a client every five.
            node._loaded_at = float("-inf")
            if minute % 5 == number or not cached[number]:
                cached[number] = dict(node.published())
            claims = {"m": minute}
            lived += [
                (minute, alg, node.sign(claims, typ="x", algorithm=alg)) for alg in ALGORITHMS
            ]
        for issued, algorithm, token in [one for one in lived if minute - one[0] <= 60]:
            for keys in cached:
                known = KeySet.import_key_set(keys)  # type: ignore[arg-type]
                assert jwt.decode(token, known, algorithms=[algorithm]).claims == {"m": issued}
        lived = [one for one in lived if minute - one[0] <= 60][-40:]
        house.clock.pass_s(180)


def test_what_is_sealed_moves_under_the_newest_key(
    either_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the older one can go: signing and codes from apps go on."""
    house = either_house
    factors = house.app.extensions["sso"].services.second_step.factors
    offer = factors.offer(house.user.sub)
    step = int(house.clock().timestamp()) // totp.STEP_S
    factors.enrol(house.user.sub, offer, totp.code_at(offer.secret, step))
    token = house.base.keys.sign({"n": 1}, typ="x")
    newest = "the-newest-key-" + "9" * 32
    monkeypatch.setenv("SSO_DATABASE_URL", house.settings.database_url.get_secret_value())
    monkeypatch.setenv("SSO_REDIS_URL", house.settings.redis_url.get_secret_value())
    monkeypatch.setenv("SSO_SECRET_KEYS", json.dumps([newest, *SECRET_KEYS]))
    result = CliRunner().invoke(cli, ["keys", "reseal", "--format", "json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"signing_keys": "2", "totp_secrets": "1"}
    alone = SigningKeys(house.base.storage, KeyRing([newest]), house.clock)
    assert alone.read(token, typ="x") == {"n": 1}
    monkeypatch.setenv("SSO_SECRET_KEYS", json.dumps(SECRET_KEYS))
    without = CliRunner().invoke(cli, ["keys", "reseal"])
    assert without.exit_code == 1
    assert "secret_keys lacks" in without.stderr
