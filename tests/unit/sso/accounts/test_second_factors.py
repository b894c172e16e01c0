"""Second factors: enrolled after a fresh sign-in, asked for at each, every code good once."""

from __future__ import annotations

import base64
import re
import threading
from html import unescape
from typing import TYPE_CHECKING

import pytest

from sso.accounts import totp
from sso.accounts.assurance import PASSWORD_ACR, SECOND_FACTOR_ACR, satisfies, with_code
from sso.accounts.factors import RECOVERY_CODES, WrongCode
from sso.accounts.passkeys import PasskeyRefused, _require_holder
from sso.accounts.users import NewUser
from sso.storage.factors import RecoveryCode, Totp
from tests.unit.sso.house import PASSWORD, answer_of, query_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.sso.house import House, Visitor

RFC_SECRET = b"12345678901234567890"
SECOND = "/sign-in/second?next=/account"


def enrolled(house: House, visitor: Visitor) -> tuple[bytes, list[str]]:
    """Turn on an app's codes for whoever is signed in; return its secret and recovery codes."""
    house.clock.stop()  # else a code is of the step before, one time in a hundred
    page = visitor.get("/account/security/totp")
    found = re.search(r'<p class="reference">([A-Z2-7]+)</p>', page.text)
    assert found, page.text
    secret = base64.b32decode(found[1])
    sealed = re.search(r'name="sealed" value="([^"]+)"', page.text)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert sealed
    assert token
    form = {"sealed": sealed[1], "csrf_token": token[1], "code": code(house, secret)}
    shown = visitor.http.post("/account/security/totp", data=form)
    codes = re.findall(r'<li class="reference">([a-z0-9-]+)</li>', shown.text)
    assert len(codes) == RECOVERY_CODES, shown.text
    house.clock.pass_s(totp.STEP_S)
    return secret, codes


def code(house: House, secret: bytes, *, steps: int = 0) -> str:
    """Return the code of now, or of so many steps away."""
    return totp.code_at(secret, int(house.clock().timestamp()) // totp.STEP_S + steps)


def second(visitor: Visitor, given: str, page: str = SECOND) -> TestResponse:
    """Answer the second step."""
    return visitor.submit(page, "/sign-in/second", code=given)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_specification(seconds: int, expected: str) -> None:
    """RFC 6238, appendix B, of which the last six digits."""
    assert totp.code_at(RFC_SECRET, seconds // totp.STEP_S) == expected
    assert totp.step_of(RFC_SECRET, expected, now_s=seconds) == seconds // totp.STEP_S


def test_a_password_alone_no_longer_signs_in(either_house: House) -> None:
    """The session begins with the second step, and says so in both tokens."""
    house = either_house
    secret, _ = enrolled(house, house.signed_in())
    visitor = house.visitor()
    half = visitor.sign_in("ada")
    assert half.location == "/sign-in/second?next=%2Faccount"
    assert visitor.get("/account").location.startswith("/sign-in?")
    assert second(visitor, code(house, secret)).location == "/account"
    tokens = house.tokens(visitor)
    for token in (tokens["id_token"], tokens["access_token"]):
        claims = house.claims(token)
        assert claims["acr"] == SECOND_FACTOR_ACR
        assert claims["amr"] == ["pwd", "otp", "mfa"]


@pytest.mark.rule("S-104")
def test_a_code_opens_once(either_house: House) -> None:
    """Also of ten at the same moment; and the codes before it are over, too."""
    house = either_house
    secret, _ = enrolled(house, house.signed_in())
    factors = house.app.extensions["sso"].services.second_step.factors
    given, outcomes = code(house, secret), []

    def attempt() -> None:
        try:
            factors.check(house.user.sub, given)
            outcomes.append("in")
        except WrongCode:
            outcomes.append("out")

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["in"] + ["out"] * 7
    with pytest.raises(WrongCode):
        factors.check(house.user.sub, code(house, secret, steps=-1))


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 401), (0, 303), (1, 303), (2, 401)])
def test_a_clock_may_be_half_a_minute_off(house: House, steps: int, status: int) -> None:
    """No more; and the step of the enrolment is spent."""
    house.clock.stop()  # a code made at the end of a step would be looked at in the next
    secret, _ = enrolled(house, house.signed_in())
    visitor = house.visitor()
    visitor.sign_in("ada")
    assert second(visitor, code(house, secret, steps=steps)).status_code == status


def test_a_recovery_code_opens_once_and_needs_the_password(either_house: House) -> None:
    """Typed as it looks or not; by somebody else it opens nothing."""
    house = either_house
    _, codes = enrolled(house, house.signed_in())
    visitor = house.visitor()
    visitor.sign_in("ada")
    assert second(visitor, codes[0].upper().replace("-", " ")).status_code == 303
    again = house.visitor()
    again.sign_in("ada")
    assert second(again, codes[0]).status_code == 401
    nobody = house.visitor()
    assert nobody.get(SECOND).location.startswith("/sign-in?")
    with house.base.storage.reading() as session:
        assert session.query(RecoveryCode).count() == RECOVERY_CODES - 1
        digests = {row.digest for row in session.query(RecoveryCode)}
    assert not digests & set(codes)


@pytest.mark.rule("S-104")
def test_guesses_are_counted_across_browsers(house: House) -> None:
    """After ten wrong ones, a right one is not looked at until the window is over."""
    secret, _ = enrolled(house, house.signed_in())
    for _ in range(10):
        visitor = house.visitor()
        visitor.sign_in("ada")
        assert second(visitor, "000000").status_code == 401
    throttled = second(visitor, code(house, secret))
    assert throttled.status_code == 429
    assert int(throttled.headers["Retry-After"]) > 0


@pytest.mark.rule("S-104", "S-105")
def test_guesses_of_who_knows_the_password_keep_the_owner_out_of_no_known_browser(
    house: House,
) -> None:
    """The owner's has a count of its own, and an end to it, too."""
    owner = house.signed_in()
    secret, _ = enrolled(house, owner)
    for _ in range(11):
        thief = house.visitor()
        thief.sign_in("ada")
        refused = second(thief, "000000")
    assert refused.status_code == 429
    owner.sign_in("ada")
    assert second(owner, code(house, secret)).status_code == 303
    owner.sign_in("ada")
    for _ in range(10):
        assert second(owner, "000000").status_code == 401
    assert second(owner, "000000").status_code == 429


def test_the_secret_is_sealed_for_its_owner(house: House) -> None:
    """Neither readable in the table nor good under another name."""
    house.new_user("bob")
    secret, _ = enrolled(house, house.signed_in())
    bob = house.base.users.find_by_name("bob")
    assert bob
    with house.base.storage.reading() as session:
        row = session.get_one(Totp, house.user.sub)
    assert secret not in row.sealed_secret
    copy = Totp(
        sub=bob.sub, sealed_secret=row.sealed_secret, last_step=0, created_at=row.created_at
    )
    house.base.storage.write(lambda session: session.add(copy))
    factors = house.app.extensions["sso"].services.second_step.factors
    with pytest.raises(WrongCode):
        factors.check(bob.sub, code(house, secret))


def test_half_a_sign_in_ends_with_time_and_with_the_password(house: House) -> None:
    """Ten minutes; and a password changed meanwhile closes it."""
    secret, _ = enrolled(house, house.signed_in())
    late, changed = house.visitor(), house.visitor()
    late.sign_in("ada")
    changed.sign_in("ada")
    house.base.users.change_password(house.user, PASSWORD + "!")
    assert changed.get(SECOND).location.startswith("/sign-in?")
    house.clock.pass_s(601)
    assert late.get(SECOND).location.startswith("/sign-in?")
    assert secret


@pytest.mark.parametrize("page", ["totp", "totp/remove", "recovery-codes"])
def test_changes_need_a_recent_sign_in(house: House, page: str) -> None:
    """A browser left open can neither add nor remove a factor."""
    visitor = house.signed_in()
    enrolled(house, visitor)
    house.clock.pass_s(house.settings.lifetimes.reauthentication_s + 1)
    answer = visitor.submit("/account/security", f"/account/security/{page}")
    assert answer.location.startswith("/sign-in?")
    assert "again=1" in answer.location
    assert house.app.extensions["sso"].services.second_step.factors.status(house.user.sub).totp


def test_without_the_last_factor_a_password_is_enough_again(house: House) -> None:
    """And recovery codes open nothing that is not there."""
    visitor = house.signed_in()
    enrolled(house, visitor)
    gone = visitor.submit("/account/security", "/account/security/totp/remove")
    assert gone.location == "/account/security"
    assert house.visitor().sign_in("ada").location == "/account"
    with house.base.storage.reading() as session:
        assert session.query(RecoveryCode).count() == 0


def test_an_offer_is_for_one_person_for_a_while(house: House) -> None:
    """A secret shown to somebody else, or too long ago, is not kept."""
    factors = house.app.extensions["sso"].services.second_step.factors
    offer = factors.offer(house.user.sub)
    assert factors.reopen(house.user.sub, offer.sealed)
    assert factors.reopen("f" * 32, offer.sealed) is None
    assert factors.reopen(house.user.sub, "x" + offer.sealed) is None
    house.clock.pass_s(901)
    assert factors.reopen(house.user.sub, offer.sealed) is None


def test_an_administrator_helps_whoever_lost_everything(house: House) -> None:
    """The second step is gone, and so are the recovery codes."""
    enrolled(house, house.signed_in())
    house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
    page = f"/admin/users/{house.user.sub}"
    assert house.signed_in("root").submit(page, f"{page}/reset-factors").location == page
    assert house.visitor().sign_in("ada").location == "/account"
    with house.base.storage.reading() as session:
        assert session.query(RecoveryCode).count() == 0


@pytest.mark.rule("A-42")
def test_acr_values_ask_for_the_second_step(house: House) -> None:
    """Somebody signed in by password alone proves more, and the tokens say so."""
    visitor = house.signed_in()
    secret, _ = enrolled(house, visitor)
    wanted = visitor.ask(acr_values=f"urn:unknown {SECOND_FACTOR_ACR}")
    assert wanted.location.startswith("/sign-in/second?next=")
    page = unescape(wanted.location)
    answer = visitor.follow(second(visitor, code(house, secret), page))
    tokens = house.redeem(answer_of(answer)["code"]).json or {}
    claims = house.claims(tokens["id_token"])
    assert claims["acr"] == SECOND_FACTOR_ACR
    assert claims["amr"] == ["pwd", "otp", "mfa"]


@pytest.mark.rule("A-33", "A-41")
def test_a_code_alone_is_no_new_sign_in(house: House) -> None:
    """Who was signed in before stays so since then: a phone left lying about renews nothing."""
    visitor = house.signed_in()
    secret, _ = enrolled(house, visitor)
    before = house.claims(house.tokens(visitor)["id_token"])["auth_time"]
    house.clock.pass_s(3_600)
    assert second(visitor, code(house, secret)).status_code == 303
    claims = house.claims(house.tokens(visitor)["id_token"])
    assert (claims["auth_time"], claims["acr"]) == (before, SECOND_FACTOR_ACR)
    asked = visitor.ask(max_age="600")
    assert asked.location.startswith("/sign-in?")
    answer = visitor.submit("/account/security", "/account/security/totp/remove")
    assert "again=1" in answer.location


def test_what_was_not_shown_is_not_told() -> None:
    """A code beside a passkey makes no password."""
    assert with_code(("swk", "user", "mfa")) == ("swk", "user", "otp", "mfa")
    assert with_code(("pwd",)) == with_code(("pwd", "otp", "mfa")) == ("pwd", "otp", "mfa")


@pytest.mark.rule("A-42")
def test_acr_values_never_cause_an_error(house: House) -> None:
    """Silently, unknown, or for somebody who has no second factor: a code and the true acr."""
    visitor = house.signed_in()
    for asked in (
        {"acr_values": SECOND_FACTOR_ACR, "prompt": "none"},
        {"acr_values": "urn:unknown"},
        {"acr_values": f"{SECOND_FACTOR_ACR} {PASSWORD_ACR}"},
    ):
        tokens = house.tokens(visitor, **asked)
        assert house.claims(tokens["id_token"])["acr"] == PASSWORD_ACR
    page = visitor.follow(visitor.ask(acr_values=SECOND_FACTOR_ACR))
    without = re.search(r'<a class="button quiet" href="([^"]+)">Go on without', page.text)
    assert without
    answer = visitor.follow(visitor.get(unescape(without[1])))
    tokens = house.redeem(answer_of(answer)["code"]).json or {}
    assert house.claims(tokens["id_token"])["acr"] == PASSWORD_ACR


def test_signing_in_for_a_client_goes_on_after_the_second_step(house: House) -> None:
    """The request is not lost on the way."""
    secret, _ = enrolled(house, house.signed_in())
    visitor = house.visitor()
    asked = visitor.ask()
    half = visitor.sign_in("ada", page=asked.location)
    assert query_of(half.location)["next"][0].startswith("/oauth/authorize/resume")
    done = visitor.follow(second(visitor, code(house, secret), half.location))
    assert answer_of(done)["code"]


@pytest.mark.rule("A-41")
def test_max_age_asks_for_both_steps_again(house: House) -> None:
    """A sign-in that is too old is renewed whole."""
    visitor = house.signed_in()
    secret, _ = enrolled(house, visitor)
    house.clock.pass_s(120)
    asked = visitor.ask(max_age="60")
    half = visitor.sign_in("ada", page=asked.location)
    assert half.location.startswith("/sign-in/second")
    assert answer_of(visitor.follow(second(visitor, code(house, secret), half.location)))["code"]


def test_levels_are_ordered() -> None:
    """The weakest of what is wanted is enough; unknown values ask for nothing."""
    assert satisfies(SECOND_FACTOR_ACR, [PASSWORD_ACR])
    assert satisfies(PASSWORD_ACR, [SECOND_FACTOR_ACR, PASSWORD_ACR])
    assert not satisfies(PASSWORD_ACR, [SECOND_FACTOR_ACR])
    assert satisfies(PASSWORD_ACR, ["urn:unknown"])


@pytest.mark.rule("S-104")
def test_a_ceremony_is_good_once_however_it_is_spelt(house: House) -> None:
    """Letters that mean the same make no second ceremony of one."""
    passkeys = house.app.extensions["sso"].services.second_step.passkeys
    for other in ("", "=", "=="):
        sealed = passkeys.invite().sealed
        passkeys._begin(sealed, None)
        with pytest.raises(PasskeyRefused):
            passkeys._begin(sealed + other, None)


@pytest.mark.parametrize("named", [True, False])
def test_a_passkey_names_its_holder(named: bool) -> None:  # noqa: FBT001 - both ways
    """Of nobody else; it may stay silent only where we named them first."""
    own = base64.urlsafe_b64encode(b"ada").decode().rstrip("=")
    _require_holder({"response": {"userHandle": own}}, "ada", named=named)
    for handle in (base64.urlsafe_b64encode(b"eve").decode(), "", 7, *([] if named else [None])):
        with pytest.raises(PasskeyRefused):
            _require_holder({"response": {"userHandle": handle}}, "ada", named=named)


def test_passkeys_need_a_name(house: House) -> None:
    """Under an address of numbers none is offered, and none can be made."""
    visitor = house.signed_in()
    assert "passkey" not in house.visitor().get("/sign-in").text
    assert visitor.get("/account/security/passkeys").status_code == 404
    answer = house.visitor().submit("/sign-in", "/sign-in/passkey", ceremony="x", answer="{}")
    assert answer.location == "/sign-in?next=%2Faccount&passkey=wrong"
