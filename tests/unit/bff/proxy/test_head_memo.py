"""Known header blocks: found byte for byte, learned from the parser alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.problems import Refused
from bff.proxy.browser_head import judge_headers
from bff.proxy.head_memo import HeaderLines, HeadMemo
from bff.proxy.headers import UpstreamHeaders
from bff.sessions.cookie import SessionCookie

HEAD = b"\r\nHost: a\r\nX-CSRF: 1\r\n\r\n"
LINES = HeaderLines([(b"host", b"a"), (b"x-csrf", b"1")])


def memo() -> HeadMemo:
    """Return a memory that has seen one request."""
    known = HeadMemo()
    known.learn(b"GET /api/x HTTP/1.1" + HEAD, LINES)
    return known


def test_same_block_is_found_under_another_plain_line() -> None:
    """Only the request line differs between a page's calls."""
    assert memo().find(b"DELETE /api/y?z=%20 HTTP/1.1" + HEAD) == (
        b"DELETE",
        b"/api/y?z=%20",
        LINES,
    )


LEAD = b"\r\nX-Original-Method: GET\r\nX-Original-URI: "
LED = HeaderLines([(b"x-original-method", b"GET"), (b"x-original-uri", b"/api/x"), *LINES])


def test_question_of_a_proxy_is_found_whatever_call_it_names() -> None:
    """Behind the two lines that name the call the block is the same, and known as one."""
    known = HeadMemo()
    known.learn(b"GET /bff/forward-auth HTTP/1.1" + LEAD + b"/api/x" + HEAD, LED)
    asked = b"GET /bff/forward-auth HTTP/1.1" + LEAD.replace(b"GET", b"PUT") + b"/y?z=%20" + HEAD
    found = known.find(asked)
    assert found is not None
    told = (b"x-original-method", b"PUT"), (b"x-original-uri", b"/y?z=%20")
    assert found[2] == (*told, *LINES)
    assert found[2].rest == LINES
    assert found[2].rest is LED.rest


@pytest.mark.parametrize(
    "lead",
    [
        LEAD + b'/y"',
        LEAD + b"/y ",
        LEAD + b"y",
        LEAD,
        LEAD + b"/y\r\nX-Original-URI: /z",
        LEAD.replace(b"GET", b"get") + b"/y",
        LEAD.replace(b"X-Original-URI", b"X-Original-Uri") + b"/y",
        b"\r\nX-Original-URI: /y\r\nX-Original-Method: GET",
    ],
)
def test_a_call_named_in_any_other_way_is_the_parsers(lead: bytes) -> None:
    """Neither found behind another lead, nor learned from one for a plain lead to find."""
    known = HeadMemo()
    known.learn(b"GET /bff/forward-auth HTTP/1.1" + LEAD + b"/api/x" + HEAD, LED)
    data = b"GET /bff/forward-auth HTTP/1.1" + lead + HEAD
    assert known.find(data) is None
    learned = HeadMemo()
    learned.learn(data, HeaderLines([(b"x-original-method", b"GET"), *LED[1:]]))
    assert learned.find(b"GET /bff/forward-auth HTTP/1.1" + LEAD + b"/zz" + HEAD) is None


@pytest.mark.parametrize(
    "data",
    [
        b"POST /api/x HTTP/1.1" + HEAD,
        b"GET /api/x HTTP/1.0" + HEAD,
        b"GET http://evil/ HTTP/1.1" + HEAD,
        b"GET * HTTP/1.1" + HEAD,
        b"GET /a b HTTP/1.1" + HEAD,
        b"GET /a#b HTTP/1.1" + HEAD,
        b"GET  /a HTTP/1.1" + HEAD,
        b"\r\nGET /a HTTP/1.1" + HEAD,
        b"GET /a HTTP/1.1\n" + HEAD,
        b"GET /\xc3\xa9 HTTP/1.1" + HEAD,
        b"GET /" + b"a" * 5000 + b" HTTP/1.1" + HEAD,
        b"GET /a HTTP/1.1" + HEAD + b"GET /b HTTP/1.1" + HEAD,
        b"GET /a HTTP/1.1" + HEAD[:-1],
        b"GET /a HTTP/1.1" + HEAD.replace(b"Host", b"host"),
        HEAD,
        b"",
    ],
)
def test_anything_else_goes_to_the_parser(data: bytes) -> None:
    """Another method, form or byte is not known."""
    assert memo().find(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET /a HTTP/1.1" + HEAD + b"GET /b HTTP/1.1" + HEAD,
        b"GET /a HTTP/1.1" + HEAD + b"body",
        b"POST /a HTTP/1.1" + HEAD,
        b"GET /a HTTP/1.1\r\nX: " + b"a" * 5000 + b"\r\n\r\n",
    ],
)
def test_only_one_whole_plain_request_is_learned(data: bytes) -> None:
    """What held more than one head, or a large one, is not remembered."""
    known = HeadMemo()
    known.learn(data, LINES)
    assert known.find(data) is None


def test_memory_is_short() -> None:
    """Tickets do not stay in it for long."""
    known = memo()
    for _ in range(10):
        known.sweep()
    assert known.find(b"GET /api/x HTTP/1.1" + HEAD) is None


def test_each_front_end_judges_for_itself() -> None:
    """A block that one front end let pass is not yet judged for another."""
    cookie = SessionCookie("session", secure=False, same_site="strict")
    lines = HeaderLines([(b"x-csrf", b"1"), (b"origin", b"https://one.example")])
    one, two = UpstreamHeaders("https://one.example"), UpstreamHeaders("https://two.example")
    first = judge_headers(lines, b"https://one.example", cookie, one)
    assert judge_headers(lines, b"https://one.example", cookie, one) is first
    with pytest.raises(Refused):
        judge_headers(lines, b"https://two.example", cookie, two)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_nothing_but_the_known_block_is_ever_found(line: bytes, tail: bytes) -> None:
    """Whatever surrounds it."""
    found = memo().find(line + HEAD + tail)
    assert found is None or (not tail and line == b"%b %b HTTP/1.1" % found[:2])
