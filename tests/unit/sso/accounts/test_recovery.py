"""A forgotten password: a link that works once, for its owner, and tells strangers nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from httpkit.problems import Unavailable
from sso.accounts import totp
from sso.accounts.users import NewUser
from sso.problems import TEMPORARILY_UNAVAILABLE
from sso.storage.mail import OutgoingLetter
from sso.storage.people import User
from sso.throttle import Throttled
from tests.unit.sso.device.test_device import begin, decide, error_of, poll, television
from tests.unit.sso.house import PASSWORD, link_in

if TYPE_CHECKING:
    from email.message import EmailMessage

    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

FORGOTTEN = "/password/forgotten"
NEW = "another long and secret phrase"


def ask(house: House, email: str = "ada@example.org") -> TestResponse:
    """Send the form as a stranger."""
    return house.visitor().submit(FORGOTTEN, email=email)


def link(house: House) -> str:
    """Return the link of a fresh letter to ada."""
    assert ask(house).status_code == 200
    [letter] = house.letters()
    return link_in(letter)


def choose(house: House, address: str, password: str = NEW) -> TestResponse:
    """Choose *password* behind the link."""
    return house.visitor().submit(address, new_password=password)


def change_by_page(browser: Visitor) -> None:
    """Change the password where one is signed in."""
    page = "/account/security"
    changed = browser.submit(page, f"{page}/password", current_password=PASSWORD, new_password=NEW)
    assert changed.status_code == 200


def form_token(page: TestResponse) -> str:
    """Return the hidden token of the page's form."""
    return page.text.split('name="csrf_token" value="')[1].split('"')[0]


@pytest.mark.rule("A-57", "S-106", "S-107")
def test_a_link_gives_the_account_another_password_once(either_house: House) -> None:
    """Everything that was open under the old one is over, and a notice says so."""
    house = either_house
    there = house.signed_in()
    tokens = house.tokens(there)
    address = link(house)
    done = choose(house, address)
    assert done.location == "/sign-in?password=new"
    assert "has been changed" in house.visitor().get(done.location).text
    assert there.get("/account").status_code == 303
    assert (house.refresh(tokens["refresh_token"]).json or {})["error"] == "invalid_grant"
    assert house.visitor().sign_in("ada").status_code == 401
    assert house.visitor().sign_in("ada", NEW).status_code == 303
    assert house.visitor().get(address).status_code == 410
    [notice] = house.letters()
    assert notice["To"] == "ada@example.org"
    assert "password was changed" in notice.get_content()


@pytest.mark.rule("S-106", "S-108")
@pytest.mark.parametrize("by", ["link", "page"])
def test_another_password_ends_a_change_of_address_under_way(either_house: House, by: str) -> None:
    """Else a thief who had a letter sent to themselves before takes the account after all."""
    house = either_house
    thief = house.signed_in()
    assert thief.submit("/account/email", email="thief@example.org").status_code == 200
    [letter] = house.letters()
    assert house.visitor().get(link_in(letter)).status_code == 200
    if by == "link":
        assert choose(house, link(house)).status_code == 303
    else:
        change_by_page(house.signed_in())
    assert house.visitor().get(link_in(letter)).status_code == 410
    stolen = house.visitor().submit(FORGOTTEN, link_in(letter))
    assert stolen.status_code == 410
    user = house.base.users.find(house.user.sub)
    assert user
    assert user.email == "ada@example.org"


@pytest.mark.rule("S-106")
@pytest.mark.parametrize("by", ["link", "page"])
def test_what_was_on_its_way_under_the_old_password_never_arrives(
    either_house: House, by: str
) -> None:
    """A code not yet redeemed, and a device that was let in and has not come for its tokens."""
    house = either_house
    there = house.signed_in()
    code = there.code()
    screen = television(house)
    begun = begin(house, screen)
    decide(there, begun["user_code"], "allow")
    here = house.signed_in()
    kept = here.code()
    if by == "link":
        choose(house, link(house))
    else:
        change_by_page(here)
    assert (house.redeem(code).json or {})["error"] == "invalid_grant"
    house.clock.pass_s(6)
    assert error_of(poll(house, screen, begun)) == "access_denied"
    assert house.redeem(kept).status_code == (400 if by == "link" else 200)


@pytest.mark.rule("S-106", "S-107")
def test_a_reset_ends_everything_or_changes_nothing(
    either_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage halfway must not leave a thief's session beside a link that is used up."""
    house = either_house
    thief = house.signed_in()
    address = link(house)

    def fails(*_arguments: object, **_named: object) -> None:
        raise Unavailable(TEMPORARILY_UNAVAILABLE, hint="for the test")

    with monkeypatch.context() as patched:
        patched.setattr("sso.grants.session_end.revoke_grant", fails)
        patched.setattr("sso.grants.session_end.spend_codes", fails)
        assert choose(house, address).status_code == 503
    assert house.visitor().sign_in("ada").status_code == 303
    assert choose(house, address).status_code == 303
    assert thief.get("/account").status_code == 303


@pytest.mark.rule("S-107")
def test_of_many_at_once_one_uses_the_link(either_house: House) -> None:
    """The others are told that it is gone."""
    house = either_house
    address = link(house)
    visitors = [house.visitor() for _ in range(6)]
    tokens = [form_token(visitor.get(address)) for visitor in visitors]
    statuses: list[int] = []
    start = threading.Barrier(len(visitors))

    def press(number: int) -> None:
        start.wait()
        form = {"csrf_token": tokens[number], "new_password": f"{NEW} {number}"}
        statuses.append(visitors[number].http.post(address, data=form).status_code)

    threads = [threading.Thread(target=press, args=(n,)) for n in range(len(visitors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 410, 503}


@pytest.mark.rule("S-103")
def test_nobody_learns_who_has_an_account(house: House) -> None:
    """Known and unknown: the same page, and the same work in the database."""
    known, unknown = ask(house), ask(house, "eve@example.org")
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace("ada@", "eve@") == unknown.text
    with house.base.storage.reading() as session:
        rows = session.query(OutgoingLetter).all()
    assert [row.kind for row in rows] == ["reset_asked"] * 2
    assert len({len(row.sealed) for row in rows}) == 1
    assert [letter["To"] for letter in house.letters()] == ["ada@example.org"]


@pytest.mark.rule("S-103", "S-104")
def test_asking_too_often_sends_no_more_and_tells_nobody(house: House) -> None:
    """The address is spared; the answer stays the same, for unknown ones too."""
    for email in ("ada@example.org", "eve@example.org"):
        answers = [ask(house, email) for _ in range(7)]
        assert {answer.status_code for answer in answers} == {200}
        assert len({len(answer.text) for answer in answers}) == 1
    assert len(house.letters()) == 5


@pytest.mark.rule("S-104", "S-105")
def test_letters_that_prove_an_address_use_up_no_password_link(house: House) -> None:
    """Accounts made with somebody's address must not keep its owner out of theirs."""
    mallory = house.new_user("mallory")
    addresses = house.app.extensions["sso"].services.own_affairs.addresses
    with house.app.test_request_context():
        for _ in range(house.settings.throttles.mails_per_address):
            addresses.send_change(mallory, "ada@example.org", ip="192.0.2.1")
        with pytest.raises(Throttled):
            addresses.send_change(mallory, "ada@example.org", ip="192.0.2.1")
    house.letters()
    ask(house)
    assert [letter["To"] for letter in house.letters()] == ["ada@example.org"]


@pytest.mark.rule("S-104")
def test_one_visitor_cannot_write_to_everybody(house: House) -> None:
    """So many letters from one address, whoever they are to."""
    limit = house.settings.throttles.mails_per_visitor
    browser = house.visitor()
    for number in range(limit):
        assert browser.submit(FORGOTTEN, email=f"p{number}@example.org").status_code == 200
    refused = browser.submit(FORGOTTEN, email="ada@example.org")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]


def test_a_link_has_an_end_and_a_newer_one_ends_it(house: House) -> None:
    """Half an hour, one at a time; a changed password ends it, too."""
    first, second = link(house), link(house)
    assert house.visitor().get(first).status_code == 410
    assert house.visitor().get(second).status_code == 200
    change_by_page(house.signed_in())
    assert house.visitor().get(second).status_code == 410
    house.letters()
    third = link(house)
    house.clock.pass_s(1_801)
    assert house.visitor().get(third).status_code == 410


@pytest.mark.parametrize(
    ("password", "said"),
    [("short", "too short"), ("", "Enter a password"), ("password1", "Many people")],
)
def test_a_bad_password_costs_no_link(house: House, password: str, said: str) -> None:
    """The field says what to mend, and the link still works."""
    address = link(house)
    refused = choose(house, address, password)
    assert refused.status_code == 400
    assert said in refused.text
    assert choose(house, address).status_code == 303


@pytest.mark.rule("S-109")
def test_the_link_proves_the_address(house: House) -> None:
    """Whoever opened it reads it."""
    choose(house, link(house))
    user = house.base.users.find(house.user.sub)
    assert user
    assert user.email_verified


@pytest.mark.rule("S-108")
def test_an_unproven_address_with_a_second_factor_gets_no_link(house: House) -> None:
    """Whoever prepared the account for somebody else could come back by the factor."""
    factors = house.app.extensions["sso"].services.second_step.factors
    offer = factors.offer(house.user.sub)
    step = int(house.clock().timestamp()) // totp.STEP_S
    factors.enrol(house.user.sub, offer, totp.code_at(offer.secret, step))
    house.letters()
    ask(house)
    assert house.letters() == []


def test_every_account_of_an_address_gets_a_letter(house: House) -> None:
    """Each names its account; look-alike spellings of the address are the same one."""
    house.base.users.create(NewUser("ada2", "Ada@Example.org", PASSWORD))
    ask(house, "ADA@example.ORG")
    letters = house.letters()
    assert sorted(str(letter["To"]) for letter in letters) == ["Ada@Example.org", "ada@example.org"]
    assert any("ada2" in letter.get_content() for letter in letters)


def test_a_disabled_account_gets_none(house: House) -> None:
    """And no link works for it."""
    address = link(house)
    disabling = update(User).where(User.sub == house.user.sub).values(disabled_at=house.clock())
    house.base.storage.write(lambda session: session.execute(disabling))
    ask(house)
    assert house.letters() == []
    assert house.visitor().get(address).status_code == 410


@pytest.mark.rule("S-011")
def test_a_forged_host_builds_no_link(house: House) -> None:
    """The link begins with the configured issuer, whatever the request says."""
    browser = house.visitor()
    token = form_token(browser.get(FORGOTTEN))
    browser.http.post(
        FORGOTTEN,
        data={"csrf_token": token, "email": "ada@example.org"},
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
    )
    letters: list[EmailMessage] = house.letters()
    assert all("evil.example" not in letter.as_string() for letter in letters)


@pytest.mark.rule("F-01")
def test_without_redis_nothing_is_promised(house: House, valkey_url: str) -> None:
    """503, as signing in says it."""
    url = house.settings.database_url.get_secret_value()
    house.app = house.node(url, "redis://127.0.0.1:1/0")
    assert ask(house).status_code == 503


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nobody",
        "a@evil@good.example",
        "a\r\nBcc: b@c.example",
        "=?utf-8?q?a=40evil.example=3E=20?=.x@good.example",
        "=?utf-8?q?a=0D=0ABcc=3A_b=40c.example?=@good.example",
    ],
)
def test_what_is_no_address_is_said_to_be_none(house: House, email: str) -> None:
    """Nothing is written down."""
    refused = ask(house, email)
    assert refused.status_code == 400
    assert house.letters() == []
