"""What stands before a guarded view, and how each refusal is answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import flask
import pytest

from bff.extension import Cloakroom
from tests.unit.bff.extension.conftest import PAGE, PUBLIC_URL, SCRIPT, Host

if TYPE_CHECKING:
    from tests.support.stores import Store

FORM = {**PAGE, "Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL}


def guarded(host: Host, *methods: str) -> None:
    """Serve a guarded view that says who is there."""
    host.view(host.cloakroom.login_required(lambda: host.cloakroom.current.sub), *methods)


def test_page_leads_to_sign_in_and_back(host: Host) -> None:
    """303 with the whole address; nothing of the host's is lost."""
    guarded(host)
    answer = host.ask(headers=PAGE, path="/view?a=1&b=%E4%B8%AD")
    assert answer.status_code == 303
    assert answer.location == "/bff/login?return_to=%2Fview%3Fa%3D1%26b%3D%25E4%25B8%25AD"


def test_sign_in_that_goes_round_in_circles_is_explained(host: Host) -> None:
    """After five tries within a minute a page says why, instead of a sixth."""
    guarded(host)
    cookies = ""
    for _ in range(5):
        answer = host.ask(headers=PAGE, cookies=cookies)
        assert answer.status_code == 303
        cookies = answer.headers["Set-Cookie"].split(";")[0]
    answer = host.ask(headers=PAGE, cookies=cookies)
    assert answer.status_code == 401
    assert "does not keep the sign-in" in answer.text


def test_link_from_elsewhere_may_lead_to_a_page(host: Host) -> None:
    """A navigation that only reads needs no sign of ours."""
    guarded(host)
    answer = host.ask(host.sign_in(), headers={**PAGE, "Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.text) == (200, "ada")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in answer.vary


@pytest.mark.rule("B-24")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF": "2"},
        {**SCRIPT, "Origin": "https://evil.example"},
        {**SCRIPT, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Dest": "image"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_call_without_a_sign_of_our_page_is_403(
    host: Host, headers: dict[str, str], method: str
) -> None:
    """Before the session is looked at: strangers and visitors get the same."""
    guarded(host, "GET", "POST")
    for ticket in (None, host.sign_in()):
        answer = host.ask(ticket, headers=headers, method=method)
        assert answer.status_code == 403
        assert answer.json["code"] == "csrf_failed"  # type: ignore[index]


def test_image_of_our_own_page_needs_no_header(host: Host) -> None:
    """The browser's word is enough where a header cannot be sent."""
    guarded(host)
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}
    assert host.ask(host.sign_in(), headers=headers).status_code == 200


@pytest.mark.rule("B-28")
def test_form_field_is_bound_to_the_session_and_never_the_same(host: Host) -> None:
    """One's own token passes, twice made is twice different, another's is 403."""
    guarded(host, "POST")
    host.view(host.cloakroom.csrf_token, path="/token")
    mine, other = host.sign_in(), host.sign_in()
    tokens = [host.ask(mine, path="/token").text for _ in range(2)]
    assert tokens[0] != tokens[1]
    for token in tokens:
        sent = host.ask(mine, FORM, method="POST", data={"csrf_token": token})
        assert sent.status_code == 200
    refused = host.ask(other, FORM, method="POST", data={"csrf_token": tokens[0]})
    assert refused.status_code == 403
    for junk in ("", "x", "é", "A" * 500):
        assert host.ask(mine, FORM, method="POST", data={"csrf_token": junk}).status_code == 403


@pytest.mark.parametrize(
    ("referrer", "lands"),
    [
        (f"{PUBLIC_URL}/form?step=2", "%2Fform%3Fstep%3D2"),
        ("https://evil.example/form", "%2F"),
        (f"{PUBLIC_URL}//evil.example", "%2F"),
        ("http://[", "%2F"),
    ],
)
def test_form_of_a_stranger_leads_back_to_its_page(host: Host, referrer: str, lands: str) -> None:
    """A post cannot be repeated after the sign-in; its page can be opened again."""
    guarded(host, "POST")
    headers = {**FORM, "Referer": referrer}
    answer = host.ask(headers=headers, method="POST", data={"csrf_token": "x"})
    assert answer.status_code == 303
    assert answer.location == f"/bff/login?return_to={lands}"


def test_scopes_are_those_granted(host: Host) -> None:
    """What the reply said; all that was asked for where it said nothing; 403 names the lack."""
    host.view(host.cloakroom.scopes_required("notes:read")(lambda: "read"))
    assert host.ask(host.sign_in(scope="openid notes:read")).status_code == 200
    assert host.ask(host.sign_in(scope="")).status_code == 200
    refused = host.ask(host.sign_in(scope="openid"))
    assert refused.status_code == 403
    assert refused.json["scope"] == "notes:read"  # type: ignore[index]
    page = host.ask(host.sign_in(scope="openid"), headers=PAGE)
    assert (page.status_code, page.mimetype) == (403, "text/html")


def test_narrow_grant_stays_narrow_over_a_refresh(host: Host) -> None:
    """A refresh reply without a scope means the one before, not the one asked for."""
    ticket = host.sign_in(scope="openid", left_s=1)
    with host.app.test_request_context(headers={"Cookie": f"session={ticket.encode()}"}):
        session = host.parts.current.require()
        renewed = host.parts.lifecycle.fresh_set(session.ticket, session.tokens)
    token = renewed.access_token()
    assert token is not None
    assert (renewed.generation, token.scope) == (2, "openid")


def test_step_up_by_age_and_by_strength(host: Host) -> None:
    """A page goes to the stronger sign-in and back; a script gets its address."""
    host.view(host.cloakroom.step_up(acr=("gold", "silver"), max_age_s=60)(lambda: "deep"))
    assert host.ask(host.sign_in(acr="silver")).status_code == 200
    for weak in (host.sign_in(acr="bronze"), host.sign_in(), host.sign_in(acr="gold", age_s=61)):
        told = host.ask(weak)
        assert told.status_code == 401
        assert told.json["code"] == "step_up_required"  # type: ignore[index]
        wanted = "/bff/login?acr_values=gold+silver&max_age=60"
        assert told.json["login_url"] == wanted  # type: ignore[index]
        assert host.ask(weak, headers=PAGE).location == f"{wanted}&return_to=%2Fview"


def test_step_up_is_told_to_the_session_s_other_pages(host: Host) -> None:
    """Event streams of the same store hear of it, with the address of the sign-in (RFC 9470)."""
    host.view(host.cloakroom.step_up(acr="gold")(lambda: "deep"))
    weak = host.sign_in(acr="bronze")
    with host.overheard() as hear:
        host.ask(weak)
        assert hear() == f"{weak.digest} step_up /bff/login?acr_values=gold"


@pytest.mark.parametrize("wrong", [{}, {"max_age_s": 0}])
def test_step_up_that_asks_nothing_is_a_mistake(wrong: dict[str, int]) -> None:
    """Said where it is written."""
    with pytest.raises(ValueError, match=r"step_up needs|a second or more"):
        Cloakroom().step_up(**wrong)  # type: ignore[arg-type] # the mistake


def test_current_is_typed_and_holds_no_token(host: Host) -> None:
    """Everything of the visitor, nothing of the credentials, and no personal data in its repr."""
    ticket = host.sign_in(scope="openid notes:read", name="Ada", acr="gold")
    with host.app.test_request_context(headers={"Cookie": f"session={ticket.encode()}"}):
        visitor = host.cloakroom.current
        assert host.cloakroom.find_current() == visitor
    assert (visitor.sub, visitor.provider, visitor.name) == ("ada", "sso", "Ada")
    assert visitor.session_id == ticket.public_id
    assert visitor.acr == "gold"
    assert visitor.has_scope("openid", "notes:read")
    assert not visitor.has_scope("notes:write")
    assert not re.search(r"\bAda\b", repr(visitor))  # a public id may spell it
    with pytest.raises(TypeError):
        visitor.claims["name"] = "Eve"  # type: ignore[index] # what must not work


def test_nobody_is_none_and_current_refuses(host: Host) -> None:
    """A view that asks for the visitor without a guard is answered like a guarded one."""
    host.view(lambda: host.cloakroom.current.sub)
    host.view(lambda: str(host.cloakroom.find_current()), path="/open")
    assert host.ask(path="/open").text == "None"
    assert host.ask().status_code == 401
    assert host.ask(headers=PAGE).status_code == 303


def test_two_cookies_of_the_name_are_nobody(host: Host) -> None:
    """As at the gateway."""
    guarded(host)
    ticket = host.sign_in()
    assert host.ask(ticket, cookies=f"session={ticket.encode()}").status_code == 401


def test_whole_blueprints_can_be_guarded(host: Host) -> None:
    """`require_login` before every request of one."""
    room = flask.Blueprint("room", __name__)
    room.before_request(host.cloakroom.require_login)
    room.get("/room")(lambda: "room")
    host.app.register_blueprint(room)
    assert host.ask(path="/room").status_code == 401
    assert host.ask(host.sign_in(), path="/room").text == "room"


def test_use_keeps_a_session_from_idling_out(host: Host) -> None:
    """A guarded view slides the idle expiry, coarsely."""
    guarded(host)
    ticket = host.sign_in()
    host.parts.shared.client.pexpire(ticket.key, 1_000_000)
    host.parts.shared.client.hset(ticket.key, "s", "0")
    assert host.ask(ticket).status_code == 200
    assert (host.parts.store.expires_in_ms(ticket.digest) or 0) > 1_700_000


def test_flask_session_lives_in_the_visitors_session(host: Host) -> None:
    """Kept for who is signed in; a stranger is told to sign in rather than losing it silently."""

    def count() -> str:
        flask.session["seen"] = flask.session.get("seen", 0) + 1
        return str(flask.session["seen"])

    host.view(count)
    ticket = host.sign_in()
    assert [host.ask(ticket).text for _ in range(3)] == ["1", "2", "3"]
    stranger = host.ask()
    assert (stranger.status_code, stranger.json["code"]) == (401, "login_required")  # type: ignore[index]


def test_session_that_cannot_be_kept_is_503(host: Host, valkey: Store) -> None:
    """Not a bug's 500, and not an answer that pretends."""

    def keep() -> str:
        flask.session["seen"] = 1
        valkey.program.pause()
        return "kept"

    host.view(keep)
    ticket = host.sign_in()
    try:
        answer = host.ask(ticket)
    finally:
        valkey.program.resume()
    assert (answer.status_code, answer.json["code"]) == (503, "store_unavailable")  # type: ignore[index]
    assert answer.headers["Retry-After"].isdigit()


def test_views_may_be_coroutines(host: Host) -> None:
    """`ensure_sync` of the application is asked, as Flask itself does."""
    calls = []

    def ensure_sync(view: object) -> object:
        calls.append(view)
        return view

    host.app.ensure_sync = ensure_sync  # type: ignore[assignment, method-assign] # Flask's own seam
    guarded(host)
    assert host.ask(host.sign_in()).status_code == 200
    assert len(calls) >= 1
