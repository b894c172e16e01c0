"""The callback: only this browser's own answer, once, checked to the end, becomes a session."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from bff.sessions.model import Ticket
from tests.support.fake_provider import (
    JWKS,
    REVOKE,
    TOKEN,
    USERINFO,
    Changes,
    hangs_up,
    says,
)
from tests.support.lobby import HOST, SESSION, Lobby, Visitor, open_lobby

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.support.fake_provider import FakeProvider
    from tests.support.stores import Store


def _refused(lobby: Lobby, visitor: Visitor, reply: TestResponse, *statuses: int) -> None:
    """Assert that *reply* is an error page and that nobody was signed in by it."""
    assert reply.status_code in (statuses or (400,)), reply.text
    assert reply.mimetype == "text/html"
    assert re.search(r"\b[0-9a-f]{32}\b", reply.text)  # a code that the visitor can quote
    assert visitor.ticket is None
    assert lobby.sessions() == 0


@pytest.mark.rule("B-38", "S-080")
def test_a_login_makes_a_session_and_lands_on_a_page_of_ours(lobby: Lobby) -> None:
    """200 that moves on by itself, no referrer, no store, the Strict cookie (S-080)."""
    visitor = lobby.visitor()
    reply = visitor.sign_in(return_to="/projects?page=2#top")
    assert reply.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/projects?page=2#top">' in reply.text
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in reply.headers["Cache-Control"]
    [cookie] = visitor.jar.named(SESSION)
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "strict")
    assert (cookie.path, cookie.has_domain) == ("/", False)
    session = visitor.session()
    assert session is not None
    assert (session.record.sub, session.record.iss) == ("ada", lobby.fake.issuer)
    assert session.record.sid == "sid-1"
    assert session.tokens.refresh_token is not None
    # The attempt is spent.
    assert [name for _h, _p, name in visitor.jar.cookies if "login" in name] == []


@pytest.mark.rule("B-14")
def test_no_token_reaches_the_browser(lobby: Lobby) -> None:
    """Neither the body nor a header of any step holds one (B-14)."""
    visitor = lobby.visitor()
    reply = visitor.sign_in()
    session = visitor.session()
    assert session is not None
    tokens = [session.tokens.access_tokens[""].value, session.tokens.refresh_token]
    seen = reply.text + str(reply.headers) + visitor.call("/bff/user").text
    assert [one for one in [*tokens, session.tokens.id_token] if str(one) in seen] == []


def test_protocol_claims_are_not_kept_as_the_persons(lobby: Lobby) -> None:
    """What belongs to the token is no claim about Ada."""
    session = lobby.signed_in().session()
    assert session is not None
    assert session.record.claims.keys() & {"nonce", "at_hash", "aud", "exp", "iat", "iss"} == set()
    assert session.record.claims["name"] == "Ada"


@pytest.mark.rule("B-04", "B-06", "S-024", "S-028")
@pytest.mark.parametrize(
    "changes",
    [
        {"state": None},
        {"state": ""},
        {"state": "forged"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": ""},
        {"iss": "{issuer}/"},
        {"code": None},
        {"code": ""},
        {"error": "access_denied"},
        {"error": "server_error", "code": None},
        {"error": "<script>alert(1)</script>", "error_description": "<b>x</b>"},
    ],
)
def test_a_callback_at_fault_is_400_and_its_code_is_never_sent(
    lobby: Lobby, changes: Changes
) -> None:
    """Wrong state, wrong or missing issuer though advertised, errors (B-04, B-06, S-024, S-028)."""
    visitor = lobby.visitor()
    if changes.get("iss"):
        changes = {"iss": changes["iss"].format(issuer=lobby.fake.issuer)}
    reply = visitor.come_back(lobby.fake.callback(visitor.begin(), **changes))
    _refused(lobby, visitor, reply)
    assert lobby.fake.asked(TOKEN) == 0
    assert lobby.keys() == []
    assert "<script>alert" not in reply.text


@pytest.mark.rule("S-018")
@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
@pytest.mark.parametrize("first", [True, False])
def test_a_repeated_parameter_is_400(lobby: Lobby, name: str, *, first: bool) -> None:
    """Neither the first nor the last of two is right (S-018)."""
    visitor = lobby.visitor()
    callback = lobby.fake.callback(visitor.begin())
    path, _mark, query = callback.partition("?")
    doubled = f"{path}?{name}=x&{query}" if first else f"{callback}&{name}=x"
    extra = "&error=y" if name == "error" else ""
    _refused(lobby, visitor, visitor.come_back(doubled + extra))
    assert lobby.fake.asked(TOKEN) == 0


@pytest.mark.rule("B-07")
def test_an_attempt_of_one_provider_is_not_completed_at_anothers_callback(lobby: Lobby) -> None:
    """One redirect URI an issuer (B-07)."""
    visitor = lobby.visitor()
    callback = lobby.fake.callback(visitor.begin()).replace("/sso?", "/other?")
    _refused(lobby, visitor, visitor.come_back(callback))
    assert lobby.fake.asked(TOKEN) == 0


@pytest.mark.rule("S-021")
def test_the_callback_of_an_attackers_login_signs_nobody_in(lobby: Lobby) -> None:
    """Code and state of one browser, opened in a virgin one (S-021)."""
    attacker, victim = lobby.visitor(), lobby.visitor()
    callback = lobby.fake.callback(attacker.begin())
    _refused(lobby, victim, victim.come_back(callback))
    assert lobby.keys() == []


@pytest.mark.rule("S-022")
def test_a_state_of_another_browser_is_refused_and_still_works_at_home(lobby: Lobby) -> None:
    """Both are signing in; neither is disturbed (S-022)."""
    mine, theirs = lobby.visitor(), lobby.visitor()
    callback = lobby.fake.callback(mine.begin())
    own = lobby.fake.callback(theirs.begin())
    _refused(lobby, theirs, theirs.come_back(callback))
    assert mine.come_back(callback).status_code == 200
    assert theirs.come_back(own).status_code == 200
    assert lobby.sessions() == 2


@pytest.mark.rule("B-05", "S-025")
def test_a_code_of_another_login_is_refused_by_its_nonce(lobby: Lobby) -> None:
    """An injected code brings an ID token with the victim's nonce (S-025)."""
    victim, attacker = lobby.visitor(), lobby.visitor()
    stolen = dict(lobby.fake.authorize(victim.begin()))["code"]
    callback = lobby.fake.callback(attacker.begin(), code=stolen)
    _refused(lobby, attacker, attacker.come_back(callback))


def test_two_tabs_sign_in_beside_each_other(lobby: Lobby) -> None:
    """Each attempt has a cookie of its own."""
    visitor = lobby.visitor()
    first, second = visitor.begin("/a"), visitor.begin("/b")
    assert "url=/b" in visitor.come_back(lobby.fake.callback(second)).text
    assert "url=/a" in visitor.come_back(lobby.fake.callback(first)).text


@pytest.mark.rule("B-04", "S-023")
def test_a_callback_works_once(lobby: Lobby) -> None:
    """The second time it is refused, the session of the first stands (S-023)."""
    visitor = lobby.visitor()
    url = visitor.begin()
    jar = dict(visitor.jar.cookies)
    callback = lobby.fake.callback(url)
    assert visitor.come_back(callback).status_code == 200
    replay = lobby.visitor()
    replay.jar.cookies = jar  # the attempt's cookie was kept aside
    assert replay.come_back(callback).status_code == 400
    assert replay.ticket is None
    assert lobby.sessions() == 1
    assert lobby.fake.asked(TOKEN) == 1


@pytest.mark.rule("S-023")
def test_twenty_callbacks_at_once_are_one_login(lobby: Lobby) -> None:
    """One code exchange, one session, whatever comes at the same time (S-023)."""
    visitor = lobby.visitor()
    callback = lobby.fake.callback(visitor.begin())
    twins = [lobby.visitor() for _n in range(20)]
    for twin in twins:
        twin.jar.cookies = dict(visitor.jar.cookies)
    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(lambda twin: twin.come_back(callback).status_code, twins))
    assert sorted(statuses) == [200] + [400] * 19
    assert lobby.fake.asked(TOKEN) == 1
    assert lobby.sessions() == 1


@pytest.mark.rule("B-21", "S-034")
def test_a_login_gets_a_new_session_whatever_was_planted(lobby: Lobby) -> None:
    """No fixation: neither a known nor an unknown ticket lives on (S-034, B-21)."""
    visitor = lobby.visitor()
    planted = Ticket.new()
    visitor.jar.store(HOST, "/", f"{SESSION}={planted.encode()}; Path=/; Secure; HttpOnly")
    visitor.sign_in()
    assert visitor.ticket is not None
    assert visitor.ticket.key != planted.key
    assert lobby.parts.store.load(planted) is None


@pytest.mark.rule("B-21", "S-032")
def test_a_new_login_ends_the_old_session_of_this_browser(lobby: Lobby) -> None:
    """As somebody else or as oneself: the old ticket is dead, its refresh token revoked (S-032)."""
    visitor = lobby.signed_in("ada")
    old, before = visitor.ticket, visitor.session()
    assert before is not None
    visitor.sign_in("bob")
    session = visitor.session()
    assert session is not None
    assert session.record.sub == "bob"
    assert old is not None
    assert visitor.ticket is not None
    assert visitor.ticket.key != old.key
    assert lobby.parts.store.load(old) is None
    assert lobby.sessions() == 1
    lobby.parts.logout.close()  # what is under way is finished
    assert [form["token"] for form in lobby.fake.forms(REVOKE)] == [before.tokens.refresh_token]


def _silent(lobby: Lobby) -> None:
    lobby.fake.misbehave(TOKEN, hangs_up)


FAILURES: dict[str, tuple[Callable[[Lobby], Any], int]] = {
    "code refused": (
        lambda at: at.fake.misbehave(TOKEN, says(400, {"error": "invalid_grant"})),
        400,
    ),
    "client refused": (
        lambda at: at.fake.misbehave(TOKEN, says(401, {"error": "invalid_client"})),
        400,
    ),
    "no answer": (_silent, 503),
    "overloaded": (lambda at: at.fake.misbehave(TOKEN, says(429, b"", Retry_After="5")), 503),
    "html": (lambda at: at.fake.misbehave(TOKEN, says(200, b"<html>")), 502),
    "redirect": (lambda at: at.fake.misbehave(TOKEN, says(307, b"", Location="//evil")), 502),
    "no id_token": (lambda at: at.fake.reply.update(id_token=None), 502),
    "other token type": (lambda at: at.fake.reply.update(token_type="mac"), 502),
    "wrong nonce": (lambda at: at.fake.claims.update(nonce="x"), 400),
    "no nonce": (lambda at: at.fake.claims.update(nonce=None), 400),
    "foreign aud": (lambda at: at.fake.claims.update(aud="another"), 502),
    "expired": (lambda at: at.fake.claims.update(exp=1), 502),
    "wrong at_hash": (lambda at: at.fake.claims.update(at_hash="x"), 502),
    "auth_time is no instant": (lambda at: at.fake.claims.update(auth_time="soon"), 502),
    "unknown key": (lambda at: at.fake.header.update(kid="stranger"), 502),
    "no keys": (lambda at: at.fake.misbehave(JWKS, says(500), says(500)), 503),
}


@pytest.mark.rule("S-029", "S-032")
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_login_leaves_everything_as_it_was(lobby: Lobby, failure: str) -> None:
    """An error page; the session before it lives, and Redis holds nothing new (S-029, S-032)."""
    visitor = lobby.signed_in()
    before, kinds = visitor.session(), lobby.keys()
    lobby.parts.providers["sso"]._keys._copy = None  # as a worker that has not asked yet
    fail, status = FAILURES[failure]
    url = visitor.begin()
    fail(lobby)
    reply = visitor.come_back(lobby.fake.callback(url))
    assert reply.status_code == status
    assert reply.mimetype == "text/html"
    assert (("Retry-After" in reply.headers) == (status == 503)) is True
    after = visitor.session()
    assert before is not None
    assert after is not None
    assert (after.record, after.tokens) == (before.record, before.tokens)
    assert lobby.keys() == kinds


def test_after_an_outage_the_same_callback_may_be_repeated(lobby: Lobby) -> None:
    """Reloading the page is enough: the attempt was not spent."""
    visitor = lobby.visitor()
    callback = lobby.fake.callback(visitor.begin())
    lobby.fake.misbehave(TOKEN, says(503, b"", Retry_After="0"))
    assert visitor.come_back(callback).status_code == 503
    lobby.parts.providers["sso"]._breaker._retry_at = 0.0
    assert visitor.come_back(callback).status_code == 200


@pytest.mark.rule("F-08")
def test_a_redis_that_is_full_signs_in_nobody_and_breaks_nothing(lobby: Lobby) -> None:
    """503, no cookie, and the session before it lives (F-08)."""
    visitor = lobby.signed_in()
    before = visitor.session()
    callback = lobby.fake.callback(visitor.begin())
    lobby.redis.config_set("maxmemory", 1)
    try:
        reply = visitor.come_back(callback)
    finally:
        lobby.redis.config_set("maxmemory", 0)
    assert reply.status_code == 503
    assert "Set-Cookie" not in reply.headers
    after = visitor.session()
    assert before is not None
    assert after is not None
    assert (after.record, after.tokens) == (before.record, before.tokens)


def test_one_visitors_failure_is_not_told_to_the_next(lobby: Lobby) -> None:
    """The spent attempt's cookie of one stands in no answer to another."""
    lobby.fake.misbehave(JWKS, *[says(200, {"keys": []})] * 9)
    first, second = lobby.visitor(), lobby.visitor()
    callbacks = [lobby.fake.callback(one.begin()) for one in (first, second)]
    told = first.come_back(callbacks[0]).headers.getlist("Set-Cookie")
    told_next = second.come_back(callbacks[1]).headers.getlist("Set-Cookie")
    assert len(told) == len(told_next) == 1
    assert told[0].split("=")[0] != told_next[0].split("=")[0]


@pytest.fixture
def named(fake: FakeProvider, valkey_url: str) -> Any:  # noqa: ANN401 - a generator
    """A lobby that asks UserInfo for a name, which the ID token lacks."""
    fake.claims["name"] = None
    providers = [fake.settings(scopes=["openid", "profile"])]
    with open_lobby(fake, valkey_url, providers=providers) as lobby:
        yield lobby


def test_userinfo_completes_the_claims(named: Lobby) -> None:
    """Name and mail come from there where the ID token has none."""
    named.fake.people = {"name": "Ada L.", "email": "ada@example.com"}
    session = named.signed_in().session()
    assert session is not None
    assert session.record.claims["name"] == "Ada L."


def test_userinfo_does_not_overrule_what_was_signed(named: Lobby) -> None:
    """Neither sid, nor auth_time, nor acr come from an answer that nobody signed."""
    named.fake.people = {"sid": "other", "auth_time": "soon", "acr": "phr", "amr": ["hwk"]}
    session = named.signed_in().session()
    assert session is not None
    assert session.record.sid == "sid-1"
    assert session.record.claims.keys() & {"acr", "amr"} == set()
    named.fake.claims |= {"sid": None, "auth_time": None}
    session = named.signed_in().session()
    assert session is not None
    assert session.record.sid is None


@pytest.mark.rule("B-12")
def test_userinfo_of_another_person_fails_the_login(named: Lobby) -> None:
    """502 and no session (B-12)."""
    named.fake.people = {"sub": "mallory"}
    visitor = named.visitor()
    _refused(named, visitor, visitor.sign_in(), 502)


@pytest.mark.rule("B-46")
def test_userinfo_that_is_away_keeps_nobody_out(named: Lobby) -> None:
    """A name is no reason."""
    named.fake.misbehave(USERINFO, says(500))
    session = named.signed_in().session()
    assert session is not None
    assert "name" not in session.record.claims


def test_a_form_post_comes_back_as_a_get(lobby: Lobby) -> None:
    """Cross-site it lacks the Lax cookie; nothing is acted upon, the get brings it."""
    visitor = lobby.visitor()
    parameters = dict(lobby.fake.authorize(visitor.begin()))
    posted = visitor.ask("/bff/callback/sso", "POST", cross_site=True, data=parameters)
    assert posted.status_code == 303
    assert posted.headers["Location"].startswith("/bff/callback/sso?")
    assert lobby.fake.asked(TOKEN) == 0
    assert visitor.come_back(posted.headers["Location"]).status_code == 200


@pytest.mark.rule("B-14")
def test_login_leaves_no_secret_in_the_log(
    lobby: Lobby, capfd: pytest.CaptureFixture[str], tmp_path: Path, valkey: Store
) -> None:
    """No code, state, nonce, token or ticket in a line of it, at DEBUG too (B-14)."""
    visitor = lobby.visitor()
    url = visitor.begin()
    callback = lobby.fake.callback(url)
    visitor.come_back(callback)
    session = visitor.session()
    assert session is not None
    written = "".join(capfd.readouterr())
    secrets = [callback.split("code=")[1][:20], session.ticket.encode()]
    secrets += [session.tokens.access_tokens[""].value, str(session.tokens.refresh_token)]
    assert "login.completed" in written
    assert [secret for secret in secrets if secret in written] == []
