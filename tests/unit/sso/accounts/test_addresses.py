"""E-mail addresses: proven by a link that works once, changed when the new one is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sso.storage.mail import MailLink, OutgoingLetter
from tests.unit.sso.house import House, link_in

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from werkzeug.test import TestResponse

    from sso.storage.people import User
    from tests.unit.sso.house import Visitor

EMAIL = "/account/email"
NEW = "ada.new@example.org"


def stored(house: House) -> User:
    """Return ada as the database has her."""
    found = house.base.users.find(house.user.sub)
    assert found
    return found


def confirm(house: House, letter: EmailMessage) -> TestResponse:
    """Open the link of *letter* in another browser and press the button."""
    return house.visitor().submit(link_in(letter))


def asked(house: House, browser: Visitor, email: str = NEW) -> list[EmailMessage]:
    """Return the letters after *browser* asked for another address."""
    assert browser.submit(EMAIL, email=email).status_code == 200
    return house.letters()


@pytest.mark.rule("S-108")
def test_an_address_is_verified_by_its_link_once(either_house: House) -> None:
    """The claim tells the truth before and after; opening the link alone changes nothing."""
    house = either_house
    browser = house.signed_in()
    assert house.claims(house.tokens(browser)["id_token"])["email_verified"] is False
    browser.submit(EMAIL, f"{EMAIL}/verify")
    [letter] = house.letters()
    assert letter["To"] == "ada@example.org"
    opened = house.visitor().get(link_in(letter))
    assert opened.status_code == 200
    assert "ada@example.org" in opened.text
    assert not stored(house).email_verified
    assert confirm(house, letter).status_code == 200
    assert stored(house).email_verified
    assert house.claims(house.tokens(browser)["id_token"])["email_verified"] is True
    assert house.visitor().get(link_in(letter)).status_code == 410


def test_signing_up_sends_the_link(house: House) -> None:
    """In the language of the page, and the account is there at once."""
    browser = house.visitor()
    browser.submit(
        "/sign-up?ui_locales=zh",
        username="grace",
        email="grace@example.org",
        password="a long enough one",
    )
    [letter] = house.letters()
    assert letter["To"] == "grace@example.org"
    assert letter["Content-Language"] == "zh"
    assert "邮箱" in letter["Subject"]
    assert "grace" in letter.get_content()
    confirm(house, letter)
    user = house.base.users.find_by_name("grace")
    assert user
    assert user.email_verified


@pytest.mark.rule("S-107")
def test_a_newer_link_ends_the_older_and_each_has_an_end(house: House) -> None:
    """One link at a time, for a day."""
    browser = house.signed_in()
    for _ in range(2):
        browser.submit(EMAIL, f"{EMAIL}/verify")
    older, newer = house.letters()
    assert confirm_status(house, older) == 410
    house.clock.pass_s(86_401)
    assert confirm_status(house, newer) == 410
    assert not stored(house).email_verified


def confirm_status(house: House, letter: EmailMessage) -> int:
    """Return the status of opening the link."""
    return house.visitor().get(link_in(letter)).status_code


def test_a_forged_link_opens_nothing(house: House) -> None:
    """Neither by looking nor by pressing."""
    browser = house.visitor()
    assert browser.get("/email/confirm?token=x").status_code == 410
    assert browser.submit("/password/forgotten", "/email/confirm?token=x").status_code == 410
    assert browser.get("/email/confirm").status_code == 410


def test_another_address_counts_once_it_is_proven(either_house: House) -> None:
    """The new one is written to first, the old one hears of it at the end."""
    house = either_house
    [letter] = asked(house, house.signed_in())
    assert letter["To"] == NEW
    assert stored(house).email == "ada@example.org"
    assert confirm(house, letter).status_code == 200
    user = stored(house)
    assert (user.email, user.email_key, user.email_verified) == (NEW, NEW, True)
    [notice] = house.letters()
    assert notice["To"] == "ada@example.org"
    assert NEW not in notice.as_string()


@pytest.mark.rule("S-107")
def test_a_change_ends_links_in_the_old_mailbox(house: House) -> None:
    """A reset link that lies there opens nothing any more."""
    house.visitor().submit("/password/forgotten", email="ada@example.org")
    [reset] = house.letters()
    [letter] = asked(house, house.signed_in())
    confirm(house, letter)
    assert house.visitor().get(link_in(reset)).status_code == 410


def test_a_change_needs_a_recent_sign_in(house: House) -> None:
    """A session left open is not enough to carry the account away."""
    browser = house.signed_in()
    house.clock.pass_s(601)
    away = browser.submit(EMAIL, email=NEW)
    assert away.location.startswith("/sign-in?next=%2Faccount%2Femail&again=1")
    assert house.letters() == []


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c.example", "ada@example.org"])
def test_an_address_that_cannot_be_says_so(house: House, email: str) -> None:
    """The field is marked; nothing is sent."""
    response = house.signed_in().submit(EMAIL, email=email)
    assert response.status_code == 400
    assert 'id="email-wrong"' in response.text
    assert house.letters() == []


@pytest.mark.rule("S-104")
def test_nobody_floods_a_mailbox(house: House) -> None:
    """Five letters a quarter of an hour; then 429 with the time."""
    browser = house.signed_in()
    for _ in range(5):
        assert browser.submit(EMAIL, f"{EMAIL}/verify").status_code == 200
    refused = browser.submit(EMAIL, f"{EMAIL}/verify")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]
    assert len(house.letters()) == 5


@pytest.mark.rule("S-104")
def test_one_visitor_cannot_write_to_everybody(
    furnished: Path, tmp_path: Path, valkey_url: str
) -> None:
    """Neither by making accounts nor from inside one; the account itself is made."""
    file = tmp_path / "sso.sqlite3"
    file.write_bytes(furnished.read_bytes())
    limits = {"mails_per_visitor": 2}
    house = House(f"sqlite:///{file}", valkey_url, fresh=False, throttles=limits)
    for name in ("bob", "cy", "dan"):
        given = {"username": name, "email": f"{name}@example.com", "password": "a long enough one"}
        assert house.visitor().submit("/sign-up", **given).status_code == 303
    assert len(house.letters()) == 2
    refused = house.signed_in().submit(EMAIL, email=NEW)
    assert refused.status_code == 429
    assert house.letters() == []


@pytest.mark.rule("S-108")
@pytest.mark.parametrize(
    "email",
    [
        "=?utf-8?q?a=40evil.example=3E=20?=.x@good.example",
        "=?utf-8?b?YUBldmlsLmV4YW1wbGU=?=@good.example",
    ],
)
def test_an_address_that_a_mail_program_decodes_is_none(house: House, email: str) -> None:
    """The letter would go to evil.example and prove an address of good.example."""
    given = {"username": "grace", "email": email, "password": "a long enough one"}
    response = house.visitor().submit("/sign-up", **given)
    assert response.status_code == 400
    assert 'id="email-wrong"' in response.text
    assert house.signed_in().submit(EMAIL, email=email).status_code == 400
    assert house.letters() == []


def test_strangers_are_asked_to_sign_in(house: House) -> None:
    """No page of the address opens without a session."""
    assert house.visitor().get(EMAIL).location.startswith("/sign-in?next=")
    for path in (EMAIL, f"{EMAIL}/verify"):
        assert house.visitor().submit("/sign-in", path).location.startswith("/sign-in?next=")


@pytest.mark.rule("A-25", "S-107")
def test_neither_table_holds_what_a_letter_holds(house: House) -> None:
    """A thief of the database finds no link, no address and no name in letters on their way."""
    house.signed_in().submit(EMAIL, f"{EMAIL}/verify")
    with house.base.storage.reading() as session:
        row = session.query(OutgoingLetter).one()
        link = session.query(MailLink).one()
    assert b"ada@example.org" not in row.sealed
    [letter] = house.letters()
    secret = link_in(letter).partition("token=")[2]
    assert secret.encode() not in row.sealed
    assert secret != link.digest


def test_an_account_can_be_asked_to_prove_its_address_first(
    furnished: Path, tmp_path: Path, valkey_url: str
) -> None:
    """With the setting, no code is issued before; a silent request says so; then it goes on."""
    file = tmp_path / "sso.sqlite3"
    file.write_bytes(furnished.read_bytes())
    house = House(f"sqlite:///{file}", valkey_url, fresh=False, verified_email_required=True)
    browser = house.signed_in()
    asked = browser.ask()
    assert asked.location.startswith("/account/email?next=")
    page = browser.get(asked.location)
    assert "open the link" in page.text
    silent = browser.ask(prompt="none")
    assert "error=interaction_required" in silent.location
    sent = browser.submit(asked.location, f"{EMAIL}/verify")
    assert sent.status_code == 200
    [letter] = house.letters()
    confirm(house, letter)
    going_on = browser.get(asked.location)
    assert 'href="/oauth/authorize/resume' in going_on.text
    assert browser.code()
