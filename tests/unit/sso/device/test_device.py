"""The device grant: begun, asked, decided, polled, redeemed once."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sso.accounts.users import NewUser
from sso.clients.registration import DEVICE_CODE, REFRESH_TOKEN
from tests.unit.sso.house import ISSUER, PASSWORD, App

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

SCOPE = "openid profile offline_access"


def television(house: House, **registered: object) -> App:
    """Register a client that has devices."""
    given: dict[str, Any] = {
        "public": True,
        "redirect_uris": [],
        "post_logout_redirect_uris": [],
        "grant_types": [DEVICE_CODE, REFRESH_TOKEN],
        **registered,
    }
    return house.new_client(**given)


def begin(house: House, client: App, **asked: str) -> dict[str, Any]:
    """Begin as a device."""
    form = {"client_id": client.client_id, "scope": SCOPE, **asked}
    answer = house.app.test_client().post("/oauth/device_authorization", data=form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def poll(house: House, client: App, begun: dict[str, Any]) -> TestResponse:
    """Ask for the tokens."""
    return house.token(
        grant_type=DEVICE_CODE,
        client_id=client.client_id,
        client_secret=client.client_secret,
        device_code=begun["device_code"],
    )


def error_of(answer: TestResponse) -> str:
    """Return the error code."""
    return str((answer.json or {})["error"])


def decide(visitor: Visitor, user_code: str, decision: str) -> TestResponse:
    """Type the code and decide."""
    asked = visitor.submit("/device", user_code=user_code)
    assert asked.status_code == 200, asked.text
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    return visitor.http.post("/device/decision", data={**hidden, "decision": decision})


@pytest.mark.rule("A-48")
def test_a_device_gets_tokens_once_somebody_allows_it(either_house: House) -> None:
    """Pending until then; afterwards tokens that refresh, and the code is spent."""
    house = either_house
    client = television(house)
    begun = begin(house, client)
    assert begun["verification_uri"] == f"{ISSUER}/device"
    assert begun["verification_uri_complete"].endswith(begun["user_code"])
    assert error_of(poll(house, client, begun)) == "authorization_pending"
    typed = begun["user_code"].lower().replace("-", " ")
    assert "The device is signed in" in decide(house.signed_in(), typed, "allow").text
    house.clock.pass_s(6)
    answer = poll(house, client, begun)
    assert answer.status_code == 200, answer.text
    tokens = answer.json or {}
    claims = house.claims(tokens["id_token"])
    assert claims["sub"] == house.user.sub
    assert "sid" not in claims
    again = house.refresh(tokens["refresh_token"], client_id=client.client_id, client_secret=None)
    assert again.status_code == 200
    assert error_of(poll(house, client, begun)) == "invalid_grant"


@pytest.mark.rule("A-48")
def test_polling_too_fast_is_slowed_down(house: House) -> None:
    """Five seconds more each time."""
    house.clock.stop()
    client = television(house)
    begun = begin(house, client)
    poll(house, client, begun)
    assert error_of(poll(house, client, begun)) == "slow_down"
    house.clock.pass_s(6)
    assert error_of(poll(house, client, begun)) == "slow_down"
    house.clock.pass_s(16)
    assert error_of(poll(house, client, begun)) == "authorization_pending"


@pytest.mark.rule("A-48")
def test_denied_and_expired_are_told_apart(house: House) -> None:
    """The device learns which; the person's page says that it got nothing."""
    client = television(house)
    denied, late = begin(house, client), begin(house, client)
    assert "got nothing" in decide(house.signed_in(), denied["user_code"], "deny").text
    assert error_of(poll(house, client, denied)) == "access_denied"
    house.clock.pass_s(601)
    assert error_of(poll(house, client, late)) == "expired_token"
    gone = house.signed_in().submit("/device", user_code=late["user_code"])
    assert gone.status_code == 400


def test_of_many_redemptions_one_succeeds(either_house: House) -> None:
    """Eight at once, one grant."""
    house = either_house
    client = television(house)
    begun = begin(house, client)
    decide(house.signed_in(), begun["user_code"], "allow")
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(poll(house, client, begun).status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 7


@pytest.mark.rule("S-088")
def test_a_device_code_is_its_clients_alone(house: House) -> None:
    """Another client learns nothing by it."""
    client, other = television(house), television(house)
    begun = begin(house, client)
    decide(house.signed_in(), begun["user_code"], "allow")
    assert error_of(poll(house, other, begun)) == "invalid_grant"
    assert poll(house, client, begun).status_code == 200


def test_a_link_fills_in_the_code_and_decides_nothing(house: House) -> None:
    """After the sign-in the code still stands there."""
    client = television(house)
    begun = begin(house, client)
    visitor = house.visitor()
    away = visitor.get(f"/device?user_code={begun['user_code']}")
    back = visitor.sign_in("ada", page=away.location)
    assert f'value="{begun["user_code"]}"' in visitor.get(back.location).text
    assert error_of(poll(house, client, begun)) == "authorization_pending"


@pytest.mark.rule("S-101")
def test_a_question_is_put_to_one_person(house: House) -> None:
    """Its form is refused from anybody else, and when it was changed."""
    house.new_user("bob")
    client = television(house)
    begun = begin(house, client)
    asked = house.signed_in().submit("/device", user_code=begun["user_code"])
    sealed = re.search(r'name="device" value="([^"]+)"', asked.text)
    assert sealed
    bob = house.signed_in("bob")
    for device in (sealed[1], "x"):
        answer = bob.submit("/device", "/device/decision", device=device, decision="allow")
        assert answer.status_code == 400
    assert error_of(poll(house, client, begun)) == "authorization_pending"


@pytest.mark.rule("A-48", "S-104")
def test_guesses_of_user_codes_are_counted(house: House) -> None:
    """After ten wrong ones, a right one is not looked at."""
    client = television(house)
    begun = begin(house, client)
    guesser = house.signed_in()
    for _ in range(10):
        assert guesser.submit("/device", user_code="BBBB-BBBB").status_code == 400
    throttled = guesser.submit("/device", user_code=begun["user_code"])
    assert throttled.status_code == 429
    assert int(throttled.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("registered", "asked", "error"),
    [
        ({"grant_types": [REFRESH_TOKEN]}, {}, "unauthorized_client"),
        ({}, {"scope": "nothing"}, "invalid_scope"),
        ({}, {"scope": ""}, "invalid_scope"),
        ({}, {"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"public": False}, {}, "invalid_client"),
    ],
)
def test_a_beginning_is_judged(
    house: House, registered: dict[str, object], asked: dict[str, str], error: str
) -> None:
    """What the client may not have is refused before a code is made."""
    client = television(house, **registered)
    form = {"client_id": client.client_id, "scope": SCOPE, **asked}
    answer = house.app.test_client().post("/oauth/device_authorization", data=form)
    assert error_of(answer) == error


@pytest.mark.rule("S-106")
def test_a_disabled_account_gives_nothing(house: House) -> None:
    """Allowed before, and gone since."""
    client = television(house)
    begun = begin(house, client)
    decide(house.signed_in(), begun["user_code"], "allow")
    with house.base.storage.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET disabled_at = created_at")
    assert error_of(poll(house, client, begun)) == "invalid_grant"


def test_discovery_names_it(house: House) -> None:
    """The endpoint and the grant type."""
    document = house.app.test_client().get("/.well-known/openid-configuration").json or {}
    assert document["device_authorization_endpoint"] == f"{ISSUER}/oauth/device_authorization"
    assert DEVICE_CODE in document["grant_types_supported"]


@pytest.mark.rule("A-48", "S-106")
@pytest.mark.parametrize("ending", ["password", "withdraw", "sign-out by an administrator"])
def test_what_was_allowed_is_taken_back_before_the_device_asks(house: House, ending: str) -> None:
    """A device that is slow to ask gets nothing of an access that ended meanwhile."""
    client = television(house)
    given, begun = begin(house, client), begin(house, client)
    ada = house.signed_in()
    decide(ada, given["user_code"], "allow")
    assert poll(house, client, given).status_code == 200
    decide(ada, begun["user_code"], "allow")
    if ending == "password":
        fields = {"current_password": PASSWORD, "new_password": f"{PASSWORD} anew"}
        ada.submit("/account/security", action="/account/security/password", **fields)
    elif ending == "withdraw":
        path = f"/account/applications/{client.client_id}/withdraw"
        ada.submit("/account/applications", action=path)
    else:
        house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
        path = f"/admin/users/{house.user.sub}"
        house.signed_in("root").submit(path, action=f"{path}/sign-out")
    assert error_of(poll(house, client, begun)) == "access_denied"
