"""Silent sign-ins that find nobody, callbacks that come again, and browsers that go in circles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bff.login import recent
from bff.login.recent import LOOP_COUNT, LOOP_WINDOW_S, RecentLogins
from bff.sessions.codec import KeyRing
from tests.support.fake_provider import TOKEN

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.lobby import Lobby

NOBODY = ["login_required", "interaction_required", "consent_required"]


def moves_on_to(reply: TestResponse) -> str | None:
    """Return where the page leads by itself."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', reply.text)
    return found[1].replace("&amp;", "&") if found else None


@pytest.mark.parametrize("error", NOBODY)
def test_a_silent_sign_in_that_finds_nobody_lands_quietly(lobby: Lobby, error: str) -> None:
    """No error page, no session, nothing stored, the attempt is spent."""
    visitor = lobby.visitor()
    url = visitor.begin("/a?b=1", prompt="none")
    reply = visitor.come_back(lobby.fake.callback(url, error=error, code=None))
    assert reply.status_code == 200
    assert moves_on_to(reply) == "/a?b=1"
    assert "You are signed in" not in reply.text
    assert visitor.ticket is None
    assert lobby.keys() == []
    assert lobby.fake.asked(TOKEN) == 0
    assert [name for _h, _p, name in visitor.jar.cookies if "login" in name] == []


def test_a_silent_sign_in_that_finds_nobody_leaves_the_session(lobby: Lobby) -> None:
    """Whoever is signed in stays so."""
    visitor = lobby.signed_in()
    before = visitor.session()
    url = visitor.begin(prompt="none")
    visitor.come_back(lobby.fake.callback(url, error="login_required", code=None))
    after = visitor.session()
    assert before is not None
    assert after is not None
    assert (after.record, after.tokens) == (before.record, before.tokens)


def test_a_script_is_told_where_to_go_without_a_session(lobby: Lobby) -> None:
    """A login that the front end drives ends as quietly."""
    visitor = lobby.visitor()
    url = visitor.begin("/a", prompt="none")
    callback = lobby.fake.callback(url, error="login_required", code=None)
    reply = visitor.call("/bff/callback/sso", "POST", json={"url": callback})
    assert (reply.status_code, reply.json) == (200, {"return_to": "/a"})
    assert visitor.ticket is None


@pytest.mark.parametrize(
    ("prompt", "changes"),
    [
        ("login", {"error": "login_required"}),
        ("none", {"error": "server_error"}),
        ("none", {"error": "login_required", "iss": "https://evil.example"}),
        ("none", {"error": "login_required", "iss": None}),
        ("none", {"error": "login_required", "state": "forged"}),
    ],
)
def test_other_errors_are_still_failures(
    lobby: Lobby, prompt: str, changes: dict[str, str | None]
) -> None:
    """Who was asked aloud, another error, another issuer, another state: 400 and a page."""
    visitor = lobby.visitor()
    url = visitor.begin(prompt=prompt)
    reply = visitor.come_back(lobby.fake.callback(url, code=None, **changes))
    assert reply.status_code == 400
    assert moves_on_to(reply) is None
    assert lobby.keys() == []


def test_a_doubled_callback_of_the_same_browser_leads_to_the_session_that_is_there(
    lobby: Lobby,
) -> None:
    """400 and nothing new, but the page moves on to where the first one led."""
    visitor = lobby.visitor()
    callback = lobby.fake.callback(visitor.begin("/a"))
    visitor.come_back(callback)
    before, keys = visitor.ticket, lobby.keys()
    reply = visitor.come_back(callback)
    assert reply.status_code == 400
    assert moves_on_to(reply) == "/a"
    assert "Set-Cookie" not in reply.headers
    assert visitor.ticket is not None
    assert before is not None
    assert visitor.ticket.key == before.key
    assert lobby.keys() == keys
    assert lobby.fake.asked(TOKEN) == 1


def test_a_double_click_signs_in_once_and_starts_anew(lobby: Lobby) -> None:
    """The second arrives with the attempt's cookie: 400, nothing new, on to a quiet sign-in."""
    visitor, twin = lobby.visitor(), lobby.visitor()
    callback = lobby.fake.callback(visitor.begin("/a"))
    twin.jar.cookies = dict(visitor.jar.cookies)
    visitor.come_back(callback)
    reply = twin.come_back(callback)
    assert reply.status_code == 400
    assert moves_on_to(reply) == "/bff/login?return_to=%2Fa&provider=sso"
    assert twin.ticket is None
    assert lobby.sessions() == 1
    assert lobby.fake.asked(TOKEN) == 1


def test_a_late_callback_of_the_same_browser_starts_anew_quietly(lobby: Lobby) -> None:
    """Its attempt has expired; the page goes to the same provider for the same place."""
    visitor = lobby.visitor()
    callback = lobby.fake.callback(visitor.begin("/a"))
    for key in [key for key in visitor.jar.cookies if "login" in key[2]]:
        del visitor.jar.cookies[key]
    reply = visitor.come_back(callback)
    assert reply.status_code == 400
    address = moves_on_to(reply)
    assert address == "/bff/login?return_to=%2Fa&provider=sso"
    assert lobby.keys() == []
    assert lobby.fake.asked(TOKEN) == 0
    again = visitor.ask(address)
    landed = visitor.come_back(lobby.fake.callback(again.headers["Location"]))
    assert (landed.status_code, moves_on_to(landed)) == (200, "/a")


def test_a_foreign_browser_gets_the_error_page(lobby: Lobby) -> None:
    """Whether the callback was used or not, and whatever that browser did before."""
    mine, theirs = lobby.visitor(), lobby.signed_in("bob")
    callback = lobby.fake.callback(mine.begin("/a"))
    keys = lobby.keys()
    for _used in range(2):
        reply = theirs.come_back(callback)
        assert reply.status_code == 400
        assert moves_on_to(reply) is None
        assert lobby.keys() == keys
        if mine.ticket is None:
            mine.come_back(callback)
            keys = lobby.keys()


def test_a_browser_that_goes_round_in_circles_gets_an_explanation(lobby: Lobby) -> None:
    """After ten completed sign-ins within a minute; Redis counts nothing, and it is told once."""
    visitor = lobby.visitor()
    for _round in range(LOOP_COUNT):
        visitor.sign_in()
    stopped = visitor.ask("/bff/login?return_to=/a")
    assert stopped.status_code == 429
    assert "Location" not in stopped.headers
    assert "round in a circle" in stopped.text
    assert set(lobby.keys()) == {"session", "state", "subject", "sid"}
    assert visitor.session() is not None
    assert visitor.ask("/bff/login").status_code == 303
    assert lobby.signed_in("bob").ask("/bff/login").status_code == 303


def test_silent_rounds_are_counted_too(lobby: Lobby) -> None:
    """A page that asks silently on every load is the usual circle."""
    visitor = lobby.visitor()
    for _round in range(LOOP_COUNT):
        url = visitor.begin(prompt="none")
        visitor.come_back(lobby.fake.callback(url, error="login_required", code=None))
    assert visitor.call("/bff/login", "POST", json={"return_to": "/"}).status_code == 429


def test_starting_alone_is_no_circle(lobby: Lobby) -> None:
    """Somebody who opens many tabs is left alone."""
    visitor = lobby.visitor()
    for _tab in range(LOOP_COUNT * 3):
        visitor.begin("/" + "a" * 400)
        kept = [cookie for key, cookie in visitor.jar.cookies.items() if "sign-ins" in key[2]]
        kept += [cookie for key, cookie in visitor.jar.cookies.items() if "login" in key[2]]
        assert sum(len(cookie.name) + len(cookie.value) for cookie in kept) <= 8192


def pair_of(set_cookie: str) -> tuple[str, str]:
    """Return the name and value that *set_cookie* sets."""
    name, _is, value = set_cookie.split(";", maxsplit=1)[0].partition("=")
    return name, value


class Clock:
    """A clock that is set by hand."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_the_cookie_stays_small_and_forgets() -> None:
    """Under 1 KiB whatever is asked for; a slow person is no loop; an old attempt is unknown."""
    clock = Clock()
    kept = RecentLogins(KeyRing(["k" * 32]), secure=True, clock=clock)
    jar: list[tuple[str, str]] = []
    for number in range(30):
        clock.now += LOOP_WINDOW_S / (LOOP_COUNT - 2)
        options = {"provider": "p" * 32, "return_to": "/" + "a" * (80 + number)}
        remembered = kept.started(jar, state=f"s{number}", **options)
        jar = [pair_of(remembered)]
        jar = [pair_of(kept.completed(jar, f"s{number}", done=True))]
        assert sum(map(len, jar[0])) <= 1024
    assert not kept.is_loop(jar)
    found = kept.find(jar, "s29", "p" * 32)
    assert found is not None
    assert found.done
    assert found.return_to == "/"  # too long to be kept
    assert kept.find(jar, "s29", "other") is None
    assert kept.find([*jar, *jar], "s29", "p" * 32) is None
    foreign = RecentLogins(KeyRing(["x" * 32]), secure=True, clock=clock)
    assert foreign.find(jar, "s29", "p" * 32) is None
    clock.now += recent.LIFETIME_S + 1
    assert kept.find(jar, "s29", "p" * 32) is None
