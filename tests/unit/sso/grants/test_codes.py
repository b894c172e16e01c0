"""A code is good once, for one client, one address and one verifier."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.unit.sso.house import CALLBACK, PASSWORD, VERIFIER

if TYPE_CHECKING:
    from tests.unit.sso.house import House


@pytest.mark.rule("A-07", "A-10", "S-026", "S-088")
@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "v" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"code": "x"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
    ],
)
def test_a_code_is_bound_and_a_wrong_try_does_not_spend_it(
    house: House, members: dict[str, str | None], error: str
) -> None:
    """The right request still succeeds afterwards."""
    code = house.signed_in().code()
    refused = house.redeem(**{"code": code, **members})  # type: ignore[arg-type]
    assert refused.status_code == 400
    assert (refused.json or {})["error"] == error
    assert house.redeem(code).status_code == 200


@pytest.mark.rule("S-088")
def test_a_code_of_another_client_is_refused_and_stays_good(house: House) -> None:
    """A thief with credentials of their own gets nothing and breaks nothing."""
    code = house.signed_in().code()
    thief = house.new_client()
    refused = house.redeem(code, client_id=thief.client_id, client_secret=thief.client_secret)
    assert (refused.json or {})["error"] == "invalid_grant"
    assert house.redeem(code).status_code == 200


@pytest.mark.rule("A-07")
def test_a_code_expires(house: House) -> None:
    """A minute by default."""
    code = house.signed_in().code()
    house.clock.pass_s(61)
    assert (house.redeem(code).json or {})["error"] == "invalid_grant"


@pytest.mark.rule("A-08", "S-083")
def test_a_replayed_code_ends_what_it_yielded(either_house: House) -> None:
    """The second use is refused, and the tokens of the first die."""
    house = either_house
    code = house.signed_in().code()
    tokens = house.redeem(code).json or {}
    again = house.redeem(code)
    assert (again.json or {})["error"] == "invalid_grant"
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"
    told = house.app.test_client().get(
        "/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert told.status_code == 401


@pytest.mark.rule("A-08")
@pytest.mark.parametrize(
    "members", [{"client_secret": "wrong"}, {"code_verifier": "v" * 43}, {"code_verifier": None}]
)
def test_a_replay_without_proof_ends_nothing(house: House, members: dict[str, str | None]) -> None:
    """Whoever merely saw the code cannot sign anybody out."""
    code = house.signed_in().code()
    tokens = house.redeem(code).json or {}
    assert house.redeem(code, **members).status_code in {400, 401}
    assert house.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.rule("A-07", "S-084")
def test_of_many_redemptions_at_once_one_succeeds(either_house: House) -> None:
    """Twenty threads, one code, one 200."""
    house = either_house
    code = house.signed_in().code()
    statuses: list[int] = []
    start = threading.Barrier(20)

    def redeem() -> None:
        start.wait()
        statuses.append(house.redeem(code).status_code)

    threads = [threading.Thread(target=redeem) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 19


@pytest.mark.rule("A-07", "S-106")
@pytest.mark.parametrize(
    "ending",
    [
        ("/account", "/sign-out"),
        ("/account/devices", "/account/devices/end-others"),
        ("/account/security", "/account/security/password"),
        ("/account/applications", "/account/applications/{client}/withdraw"),
    ],
)
def test_a_code_ends_with_what_it_was_given_for(
    either_house: House, ending: tuple[str, str]
) -> None:
    """Session, password or access: a code on its way makes no grant that outlives them."""
    house = either_house
    there, (page, action) = house.signed_in(), ending
    house.tokens(there)
    code = there.code()
    here = there if action == "/sign-out" else house.signed_in()
    fields = {"current_password": PASSWORD, "new_password": f"{PASSWORD} anew"}
    done = here.submit(page, action=action.format(client=house.client.client_id), **fields)
    assert done.status_code in {200, 303}
    assert (house.redeem(code).json or {})["error"] == "invalid_grant"


def test_a_code_of_this_session_outlives_the_end_of_others(house: House) -> None:
    """Whoever ends other devices, or changes the password, goes on signing in here."""
    here = house.signed_in()
    house.signed_in()
    code = here.code()
    here.submit("/account/devices", action="/account/devices/end-others")
    fields = {"current_password": PASSWORD, "new_password": f"{PASSWORD} anew"}
    here.submit("/account/security", action="/account/security/password", **fields)
    assert house.redeem(code).status_code == 200


@pytest.mark.rule("A-25", "S-042")
def test_tables_hold_neither_codes_nor_tokens_nor_secrets(house: House) -> None:
    """Only digests: a copy of the database redeems nothing."""
    browser = house.signed_in()
    code = browser.code()
    tokens = house.redeem(code).json or {}
    with house.base.storage.reading() as session:
        connection = session.connection().connection.dbapi_connection
        assert connection is not None
        dump = "\n".join(connection.iterdump())
    cookie = browser.http.get_cookie("sso-session-9000", "localhost")
    assert cookie is not None
    secrets = [code, tokens["refresh_token"], tokens["access_token"], cookie.value, VERIFIER]
    for secret in [*secrets, str(house.client.client_secret)]:
        assert secret not in dump
