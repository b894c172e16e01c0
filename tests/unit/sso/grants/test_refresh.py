"""Refresh tokens: one successor each, a short grace for a lost reply, the end for a thief."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sso.house import House


@pytest.mark.rule("A-26", "A-34")
def test_a_refresh_gives_new_tokens_of_the_same_sign_in(either_house: House) -> None:
    """Same person, same client, same auth_time and sid, no nonce."""
    house = either_house
    first = house.tokens()
    house.clock.pass_s(30)
    second = house.refresh(first["refresh_token"]).json or {}
    assert second["refresh_token"] != first["refresh_token"]
    before, after = house.claims(first["id_token"]), house.claims(second["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "sid"):
        assert before[name] == after[name]
    assert before["nonce"] == "the-nonce"
    assert "nonce" not in after
    assert after["iat"] > before["iat"]


@pytest.mark.rule("A-27", "F-27")
def test_a_lost_reply_is_answered_with_the_same_successor(either_house: House) -> None:
    """Within the grace window the client asks again and is none the worse."""
    house = either_house
    first = house.tokens()["refresh_token"]
    once = house.refresh(first).json or {}
    again = house.refresh(first).json or {}
    assert once["refresh_token"] == again["refresh_token"]
    assert house.refresh(once["refresh_token"]).status_code == 200


@pytest.mark.rule("A-27", "F-46")
def test_the_same_successor_is_found_after_the_servers_keys_rotated(
    house: House, valkey_url: str
) -> None:
    """A new key in front of the ring changes nothing for whoever asks again."""
    from tests.unit.sso.house import SECRET_KEYS, House  # noqa: PLC0415 - a second node

    first = house.tokens()["refresh_token"]
    once = house.refresh(first).json or {}
    url = house.settings.database_url.get_secret_value()
    house.app = House.node(url, valkey_url, secret_keys=["n" * 40, *SECRET_KEYS])
    assert (house.refresh(first).json or {})["refresh_token"] == once["refresh_token"]


@pytest.mark.rule("A-26", "S-085")
def test_an_old_token_after_the_grace_ends_the_family(either_house: House) -> None:
    """Its holder and the thief cannot be told apart: both are out."""
    house = either_house
    tokens = house.tokens()
    once = house.refresh(tokens["refresh_token"]).json or {}
    house.clock.pass_s(house.settings.lifetimes.refresh_grace_s + 1)
    replay = house.refresh(tokens["refresh_token"])
    assert (replay.json or {})["error"] == "invalid_grant"
    assert (house.refresh(once["refresh_token"]).json or {})["error"] == "invalid_grant"
    assert _userinfo(house, once["access_token"]) == 401


@pytest.mark.rule("A-26", "S-085")
def test_an_old_token_after_its_successor_was_used_ends_the_family(house: House) -> None:
    """The reply was not lost: whoever asks again is not the client."""
    tokens = house.tokens()
    once = house.refresh(tokens["refresh_token"]).json or {}
    twice = house.refresh(once["refresh_token"]).json or {}
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"
    assert (house.refresh(twice["refresh_token"]).json or {})["error"] == "invalid_grant"


@pytest.mark.rule("S-086")
def test_many_refreshes_at_once_have_one_successor(either_house: House) -> None:
    """Twenty threads, one token, one successor, and it works."""
    house = either_house
    token = house.tokens()["refresh_token"]
    answers: list[dict[str, Any]] = []
    start = threading.Barrier(20)

    def refresh() -> None:
        start.wait()
        answers.append(dict(house.refresh(token).json or {}))

    threads = [threading.Thread(target=refresh) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    successors = {answer.get("refresh_token") for answer in answers}
    assert len(successors) == 1
    assert house.refresh(str(successors.pop())).status_code == 200


@pytest.mark.rule("A-24", "S-099")
def test_scope_can_be_narrowed_and_never_widened(house: House) -> None:
    """A refused wish leaves the token good; a narrower one holds for the access token alone."""
    token = house.tokens(scope="openid profile offline_access")["refresh_token"]
    wider = house.refresh(token, scope="openid email")
    assert (wider.json or {})["error"] == "invalid_scope"
    narrow = house.refresh(token, scope="openid").json or {}
    assert narrow["scope"] == "openid"
    full = house.refresh(narrow["refresh_token"]).json or {}
    assert full["scope"] == "openid profile offline_access"


@pytest.mark.rule("S-088")
def test_a_token_of_another_client_is_refused_and_untouched(house: House) -> None:
    """A thief with credentials of their own ends nothing."""
    token = house.tokens()["refresh_token"]
    thief = house.new_client()
    refused = house.refresh(token, client_id=thief.client_id, client_secret=thief.client_secret)
    assert (refused.json or {})["error"] == "invalid_grant"
    assert house.refresh(token).status_code == 200


@pytest.mark.rule("A-28")
def test_refresh_tokens_end_when_idle_and_absolutely(house: House) -> None:
    """Idle: unused for a fortnight. Absolute: a month, however often it was used."""
    lifetimes = house.settings.lifetimes
    idle = house.tokens()["refresh_token"]
    house.clock.pass_s(lifetimes.refresh_idle_s + 1)
    assert (house.refresh(idle).json or {})["error"] == "invalid_grant"
    used = house.tokens()["refresh_token"]
    for _ in range(2):
        house.clock.pass_s(lifetimes.refresh_idle_s - 60)
        used = (house.refresh(used).json or {})["refresh_token"]
    house.clock.pass_s(lifetimes.refresh_absolute_s - 2 * lifetimes.refresh_idle_s + 180)
    assert (house.refresh(used).json or {})["error"] == "invalid_grant"


@pytest.mark.rule("A-29")
def test_without_offline_access_there_is_no_refresh_token(house: House) -> None:
    """It must be asked for."""
    assert "refresh_token" not in house.tokens(scope="openid")


@pytest.mark.rule("A-30")
def test_a_client_may_have_lifetimes_of_its_own(house: House) -> None:
    """One second is accepted."""
    house.client = house.new_client(first_party=True, access_token_ttl_s=1, refresh_token_ttl_s=60)
    tokens = house.tokens()
    assert tokens["expires_in"] == 1
    house.clock.pass_s(2)
    assert _userinfo(house, tokens["access_token"]) == 401
    house.clock.pass_s(60)
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"


def _userinfo(house: House, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return house.app.test_client().get("/oauth/userinfo", headers=headers).status_code
