"""An attempt to sign in lives in its own sealed, short-lived cookie of this browser."""

from __future__ import annotations

import pytest

from bff.login.transaction import (
    ALL_COOKIES_LIMIT_BYTES,
    LIFETIME_S,
    Transaction,
    TransactionCookies,
    new_secret,
)
from bff.sessions.codec import TOKENS, KeyRing
from tests.support.cookies import parse_set_cookie, prefix_allows

Pairs = list[tuple[str, str]]


class Clock:
    """A clock of our own."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time that the test has set."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> TransactionCookies:
    return TransactionCookies(KeyRing(["k" * 32]), secure=True, clock=clock)


def attempt(clock: Clock, *, return_to: str = "/") -> Transaction:
    """Return a new attempt that began now."""
    state, nonce, code_verifier = new_secret(), new_secret(), new_secret()
    return Transaction("sso", state, nonce, code_verifier, return_to, clock.now)


def kept(jar: Pairs, set_cookies: list[str]) -> Pairs:
    """Return the cookies of *jar* after a browser has obeyed *set_cookies*."""
    held = dict(jar)
    for header in set_cookies:
        cookie = parse_set_cookie("app.example.com", "/bff/login", header)
        held.pop(cookie.name, None)
        if "Max-Age=0" not in header:
            held[cookie.name] = cookie.value
    return list(held.items())


@pytest.mark.rule("B-04")
def test_an_attempt_is_found_again_by_its_state(attempts: TransactionCookies, clock: Clock) -> None:
    """Whole, beside other cookies and other attempts."""
    first, second = attempt(clock), attempt(clock, return_to="/projects")
    jar = kept([("theme", "dark")], attempts.issue(first, []))
    jar = kept(jar, attempts.issue(second, jar))
    assert attempts.find(first.state, jar) == first
    assert attempts.find(second.state, jar) == second


@pytest.mark.rule("B-08")
def test_the_cookie_is_lax_sealed_and_bound_to_the_host(
    attempts: TransactionCookies, clock: Clock
) -> None:
    """The callback is a cross-site navigation; a sibling domain must not plant one (B-08)."""
    begun = attempt(clock)
    [header] = attempts.issue(begun, [])
    for text in (header, attempts.expire(begun.state)):
        cookie = parse_set_cookie("app.example.com", "/bff/login", text)
        assert cookie.name.startswith("__Host-")
        assert prefix_allows(cookie)
        assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "lax")
    assert f"Max-Age={LIFETIME_S}" in header
    for secret in (begun.state, begun.nonce, begun.code_verifier):
        assert secret not in header
    assert begun.state not in repr(begun)


@pytest.mark.rule("S-022")
@pytest.mark.parametrize("state", ["", "another", "\ud800", "a" * 10_000, "\u00e9"])
def test_a_foreign_state_finds_nothing(
    attempts: TransactionCookies, clock: Clock, state: str
) -> None:
    """A state of somebody else's browser is nobody's here (S-022)."""
    jar = kept([], attempts.issue(attempt(clock), []))
    assert attempts.find(state, jar) is None


def test_an_attempt_under_another_name_is_not_found(
    attempts: TransactionCookies, clock: Clock
) -> None:
    """A cookie that was renamed to the victim's state does not pass for it."""
    mine, theirs = attempt(clock), attempt(clock)
    [(_name, value)] = kept([], attempts.issue(mine, []))
    [(name, _value)] = kept([], attempts.issue(theirs, []))
    assert attempts.find(theirs.state, [(name, value)]) is None


def test_two_cookies_of_one_attempts_name_are_none(
    attempts: TransactionCookies, clock: Clock
) -> None:
    """One was planted; nobody guesses which."""
    begun = attempt(clock)
    jar = kept([], attempts.issue(begun, []))
    assert attempts.find(begun.state, jar * 2) is None


@pytest.mark.rule("B-08", "F-36")
def test_an_attempt_ends_by_the_clock_of_the_server(
    attempts: TransactionCookies, clock: Clock
) -> None:
    """Ten minutes, whatever the browser keeps."""
    begun = attempt(clock)
    jar = kept([], attempts.issue(begun, []))
    clock.now += LIFETIME_S
    assert attempts.find(begun.state, jar) == begun
    clock.now += 1
    assert attempts.find(begun.state, jar) is None


@pytest.mark.parametrize("value", ["", "x", "====", "\u00e9", "AAAA", "A" * 5000])
def test_a_mangled_cookie_is_none(attempts: TransactionCookies, clock: Clock, value: str) -> None:
    """Cut, foreign, not base64: no attempt, no crash, and it is the first to be dropped."""
    begun = attempt(clock)
    [(name, good)] = kept([], attempts.issue(begun, []))
    for planted in (value, good[:-5] + value):
        assert attempts.find(begun.state, [(name, planted)]) is None
    attempts.issue(attempt(clock), [(name, value)])


@pytest.mark.rule("S-038")
def test_what_was_sealed_for_something_else_is_no_attempt(
    attempts: TransactionCookies, clock: Clock
) -> None:
    """A session's sealed value does not open here, nor an attempt's under another key (S-038)."""
    begun = attempt(clock)
    foreign = TransactionCookies(KeyRing(["x" * 32]), secure=True, clock=clock)
    assert attempts.find(begun.state, kept([], foreign.issue(begun, []))) is None
    sealed = KeyRing(["k" * 32]).seal(TOKENS, b"", b"", b"plain").hex()
    [(name, _value)] = kept([], attempts.issue(begun, []))
    assert attempts.find(begun.state, [(name, sealed)]) is None


@pytest.mark.rule("S-117")
def test_all_attempts_fit_into_eight_kibibytes_and_the_newest_wins(
    attempts: TransactionCookies, clock: Clock
) -> None:
    """A hundred starts leave a browser that still works (S-117)."""
    jar: Pairs = [("theme", "dark")]
    begun = []
    for _start in range(100):
        clock.now += 1
        begun.append(attempt(clock, return_to="/" + "a" * 500))
        jar = kept(jar, attempts.issue(begun[-1], jar))
        size = sum(len(name) + len(value) for name, value in jar if "login" in name)
        assert size <= ALL_COOKIES_LIMIT_BYTES
    found = [one for one in begun if attempts.find(one.state, jar) is not None]
    assert found == begun[-len(found) :]
    assert len(found) >= 4
    assert ("theme", "dark") in jar


def test_the_longest_return_to_still_fits(attempts: TransactionCookies, clock: Clock) -> None:
    """One attempt alone never exceeds the limit, nor what a browser takes as one cookie."""
    [header] = attempts.issue(attempt(clock, return_to="/" + "a" * 2047), [])
    assert len(header) < 4096


def test_planted_junk_is_dropped_before_any_attempt(
    attempts: TransactionCookies, clock: Clock
) -> None:
    """What does not open makes room for what does."""
    begun = attempt(clock)
    [(name, value)] = kept([], attempts.issue(begun, []))
    prefix = name[: name.rindex("-") + 1]
    jar = [(f"{prefix}junk{n}", "x" * 1000) for n in range(20)] + [(name, value)]
    after = kept(jar, attempts.issue(attempt(clock), jar))
    assert attempts.find(begun.state, after) == begun
    assert sum(len(name) + len(value) for name, value in after) <= ALL_COOKIES_LIMIT_BYTES


@pytest.mark.rule("B-08")
def test_on_plain_loopback_the_cookie_has_no_prefix(clock: Clock) -> None:
    """A browser would not store it there."""
    plain = TransactionCookies(KeyRing(["k" * 32]), secure=False, clock=clock)
    [header] = plain.issue(attempt(clock), [])
    assert header.startswith("login-")
    assert "Secure" not in header
