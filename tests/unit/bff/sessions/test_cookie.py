"""The session cookie is read to the letter and written with every attribute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.problems import LOGIN_REQUIRED, Refused
from bff.sessions.cookie import SessionCookie, cookie_pairs, cookies_named
from bff.sessions.model import Ticket
from tests.support.cookies import parse_set_cookie, prefix_allows

NAME = "__Host-Http-session"
COOKIE = SessionCookie(NAME, secure=True, same_site="strict")
TICKET = Ticket(bytes(range(32)))
VALUE = TICKET.encode().encode()
PAIR = NAME.encode() + b"=" + VALUE


def _read(*headers: bytes) -> str | None:
    ticket = COOKIE.read(headers)
    return ticket.key if ticket is not None else None


@pytest.mark.parametrize(
    "headers",
    [
        [PAIR],
        [b"a=b; " + PAIR],
        [PAIR + b"; a=b"],
        [b"a=b;" + PAIR + b";c=d"],
        [b"a=b", PAIR],
        [b" \t" + PAIR + b" "],
        [b"nothing; " + PAIR],
        [b"a=b=c; " + PAIR],
        [b"\xe2\x80\x80=\xff; " + PAIR],
    ],
)
def test_the_ticket_is_found_among_other_cookies(headers: list[bytes]) -> None:
    """Position, blanks, several headers and other cookies' bytes do not matter."""
    assert _read(*headers) == TICKET.key


@pytest.mark.rule("S-036")
@pytest.mark.parametrize(
    "headers",
    [
        [PAIR + b"; " + PAIR],
        [PAIR, PAIR],
        [NAME.encode() + b"=; " + PAIR],
        [PAIR, NAME.encode() + b"=planted"],
        [PAIR + b"; a=b", b"c=d; " + NAME.encode() + b"=x"],
    ],
)
def test_two_cookies_of_our_name_are_refused(headers: list[bytes]) -> None:
    """One was planted and neither order nor value tells which (S-036)."""
    with pytest.raises(Refused) as refusal:
        COOKIE.read(headers)
    assert refusal.value.problem is LOGIN_REQUIRED


@pytest.mark.rule("S-037")
@pytest.mark.parametrize(
    "header",
    [
        b"=" + PAIR,  # nameless: some browsers send `=name=value` for a cookie without a name
        b"\xe2\x80\x80" + PAIR,  # U+2000 before the prefix
        b"\xc2\x85" + PAIR,  # U+0085
        b"\x0b" + PAIR,
        b"\x0c" + PAIR,
        b"\xa0" + PAIR,
        b"$Version=1; $Path=/" + PAIR,
        b'$Version=1,"' + PAIR + b'"',
        b'a="; ' + PAIR.replace(b"=", b"%3D"),
        PAIR.lower(),
        PAIR.replace(NAME.encode(), NAME.upper().encode()),
        NAME.encode() + b" =" + VALUE,
        NAME.encode() + b'="' + VALUE + b'"',
        NAME.encode() + b"=" + VALUE + b"=",
        NAME.encode() + b"= " + VALUE,
        NAME.encode() + b"=" + VALUE + b",a=b",
        NAME.encode() + VALUE,
        NAME.encode(),
        NAME.encode() + b"=",
        b"__Host-session=" + VALUE,
        b"session=" + VALUE,
        b"__Host-Http-session2=" + VALUE,
        b"x__Host-Http-session=" + VALUE,
        b"",
    ],
)
def test_what_is_not_our_cookie_to_the_letter_is_none(header: bytes) -> None:
    """No leniency of a cookie parser smuggles a ticket in (S-037)."""
    assert _read(header) is None


def test_quotes_do_not_hide_a_second_cookie() -> None:
    """``;`` separates inside quotes too: browsers know no quoting."""
    with pytest.raises(Refused):
        COOKIE.read([b'a="x; ' + PAIR + b'"; ' + PAIR])


@pytest.mark.rule("S-046")
def test_a_huge_or_chunked_cookie_is_none() -> None:
    """A hundred kilobytes and chunk counters are not reassembled (S-046)."""
    assert _read(NAME.encode() + b"=" + b"A" * 100_000) is None
    assert _read(NAME.encode() + b"_0=" + VALUE + b"; " + NAME.encode() + b"_1=" + VALUE) is None


@given(st.lists(st.binary(max_size=80), max_size=4))
def test_no_header_breaks_the_reader(headers: list[bytes]) -> None:
    """Any bytes are read as no ticket or refused."""
    assert COOKIE.read(headers) is None
    assert all(isinstance(pair, tuple) for pair in cookie_pairs(headers))
    assert cookies_named(b"absent-name", headers) == []


@pytest.mark.rule("B-15", "B-16", "B-17", "B-18", "B-19", "S-035")
@pytest.mark.parametrize("header", ["issue", "expire"])
@pytest.mark.parametrize("same_site", ["strict", "lax"])
def test_the_cookie_and_its_deletion_carry_every_attribute(header: str, same_site: str) -> None:
    """A browser ignores a deletion that breaks the prefix's rules (S-035)."""
    cookie = SessionCookie(NAME, secure=True, same_site=same_site)
    text = cookie.issue(TICKET) if header == "issue" else cookie.expire()
    stored = parse_set_cookie("app.example.com", "/bff/callback/sso", text)
    assert stored.name == NAME
    assert (stored.path, stored.secure, stored.http_only) == ("/", True, True)
    assert stored.same_site == same_site
    assert not stored.has_domain
    assert prefix_allows(stored)
    assert stored.value == (TICKET.encode() if header == "issue" else "")


def test_the_cookie_lives_until_the_browser_closes_and_the_deletion_ends_it() -> None:
    """No expiry on the one, ``Max-Age=0`` on the other."""
    assert "Max-Age" not in COOKIE.issue(TICKET)
    assert "Expires" not in COOKIE.issue(TICKET)
    assert COOKIE.expire().endswith("; Max-Age=0")


def test_on_plain_loopback_the_cookie_is_not_secure() -> None:
    """A browser would not store it there; everything else stays."""
    plain = SessionCookie("session", secure=False, same_site="strict")
    assert plain.issue(TICKET) == f"session={TICKET.encode()}; Path=/; HttpOnly; SameSite=Strict"
