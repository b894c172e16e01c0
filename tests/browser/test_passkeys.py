"""Passkeys in Chromium, with its virtual authenticator, at a real SSO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sso.accounts.assurance import SECOND_FACTOR_ACR
from sso.storage.factors import Passkey
from sso.storage.people import BrowserSession
from tests.support import chromium as support
from tests.support.showcase import served
from tests.unit.sso.house import PASSWORD, House

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, CDPSession, Page

_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def house(tmp_path: Path, valkey_url: str, free_port: Callable[[], int]) -> Iterator[House]:
    """An SSO whose address has a name, as passkeys need."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    house = House(f"sqlite:///{tmp_path / 'sso.sqlite3'}", valkey_url, issuer=issuer)
    with served(house.app, "localhost", port):
        yield house
    house.close()


@pytest.fixture
def page(chromium: Browser, house: House) -> Iterator[Page]:
    """A fresh browser at the SSO."""
    context = support.visitor(chromium)
    page = context.new_page()
    page.goto(f"{house.settings.issuer}/sign-in")
    yield page
    context.close()


def authenticator(page: Page, **differences: object) -> tuple[CDPSession, str]:
    """Give the browser a device that holds passkeys."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"options": {**_AUTHENTICATOR, **differences}}
    made: dict[str, Any] = devtools.send("WebAuthn.addVirtualAuthenticator", options)
    return devtools, made["authenticatorId"]


def sign_in(page: Page, house: House) -> None:
    """Sign in by password."""
    page.goto(f"{house.settings.issuer}/sign-in")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add_passkey(page: Page, house: House) -> None:
    """Make a passkey, as a person would."""
    page.goto(f"{house.settings.issuer}/account/security")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()


def sign_out(page: Page) -> None:
    """Forget who is signed in here, and keep the device."""
    page.context.clear_cookies()


def sessions(house: House) -> list[BrowserSession]:
    """Return the sessions there are, the oldest first."""
    with house.base.storage.reading() as session:
        return list(session.query(BrowserSession).order_by(BrowserSession.created_at))


def test_a_passkey_signs_in_without_a_name(page: Page, house: House) -> None:
    """Made on the security page, it opens the account by itself, as two factors."""
    authenticator(page)
    sign_in(page, house)
    add_passkey(page, house)
    sign_out(page)
    page.goto(f"{house.settings.issuer}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="Your account").wait_for()
    newest = sessions(house)[-1]
    assert newest.sub == house.user.sub
    assert newest.acr == SECOND_FACTOR_ACR
    assert newest.amr[0] in {"hwk", "swk"}
    assert "mfa" in newest.amr


def test_a_passkey_is_the_second_step_after_the_password(page: Page, house: House) -> None:
    """The password alone leads to the second step, which the passkey answers."""
    authenticator(page)
    sign_in(page, house)
    add_passkey(page, house)
    sign_out(page)
    sign_in(page, house)
    page.get_by_role("heading", name="One more step").wait_for()
    assert len(sessions(house)) == 1
    page.get_by_role("button", name="Use your passkey").click()
    page.get_by_role("heading", name="Your account").wait_for()
    assert sessions(house)[-1].amr[0] == "pwd"


def test_an_answer_is_good_once(page: Page, house: House) -> None:
    """The same form sent again opens nothing."""
    authenticator(page)
    sign_in(page, house)
    add_passkey(page, house)
    sign_out(page)
    posted: list[str] = []
    page.on(
        "request",
        lambda sent: (
            posted.append(sent.post_data or "") if sent.url.endswith("/sign-in/passkey") else None
        ),
    )
    page.goto(f"{house.settings.issuer}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="Your account").wait_for()
    before = len(sessions(house))
    again = page.context.request.post(
        f"{house.settings.issuer}/sign-in/passkey",
        data=posted[0],
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        max_redirects=0,
    )
    assert again.headers["location"].endswith("passkey=wrong")
    assert len(sessions(house)) == before


def test_a_cloned_passkey_is_noticed(page: Page, house: House) -> None:
    """A counter that does not go on is refused."""
    authenticator(page)
    sign_in(page, house)
    add_passkey(page, house)

    def advance(session: Any) -> None:  # noqa: ANN401 - a session of SQLAlchemy's
        session.query(Passkey).update({Passkey.sign_count: 1_000})

    house.base.storage.write(advance)
    sign_out(page)
    page.goto(f"{house.settings.issuer}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("The passkey did not open an account here.").first.wait_for()
    assert len(sessions(house)) == 1


def test_a_device_that_does_not_verify_its_holder_opens_nothing(page: Page, house: House) -> None:
    """The page says that no passkey was used, and offers the password still."""
    devtools, device = authenticator(page)
    sign_in(page, house)
    add_passkey(page, house)
    sign_out(page)
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.goto(f"{house.settings.issuer}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("No passkey was used.").wait_for()
    assert page.get_by_label("Username").is_visible()
    assert len(sessions(house)) == 1


def test_a_removed_passkey_is_nobodys(page: Page, house: House) -> None:
    """It is still on the device, and opens nothing here."""
    authenticator(page)
    sign_in(page, house)
    add_passkey(page, house)
    page.goto(f"{house.settings.issuer}/account/security")
    page.get_by_label("Remove passkey:").click()
    page.get_by_role("button", name="Yes, remove it").click()
    page.get_by_text("A password can be stolen.").wait_for()
    sign_out(page)
    page.goto(f"{house.settings.issuer}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("The passkey did not open an account here.").first.wait_for()
