"""Paths, cookies, tickets and header lines: whatever the bytes, only what is meant gets through."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.problems import Refused
from bff.proxy.headers import ReplyHeaders, UpstreamHeaders
from bff.proxy.paths import judge
from bff.sessions.cookie import SessionCookie
from bff.sessions.model import Ticket
from tests.support.mutations import corpus, mutated

fuzz = settings.get_profile("fuzz")

PATHS = corpus("paths")
PATH_SALT = (
    *(b"/", b"//", b".", b"..", b"/..", b"/./", b"%2e", b"%2E%2e", b"%2f", b"%5c", b"\\", b"%252e"),
    *(b"%00", b"%0a", b"\x00", b"\r\n", b" ", b"%20", b";", b"?", b"#", b"%", b"%%", b"%u002e"),
    *(b"\xe4\xbd\xa0", b"%c0%ae", b"%ff", b"|", b"^", b"%25", b"..%3b"),
)
COOKIE = SessionCookie("__Host-Http-session", secure=True, same_site="strict")
COOKIES = corpus("cookies")
COOKIE_SALT = (
    *(b"; ", b";", b"=", b'"', b",", b" ", b"\t", b"\x00", b"__Host-Http-session"),
    *(b"__Host-Http-session=", b"__host-http-session=", b"A" * 43, b"%41", b"\\", b"\xff"),
)
FORBIDDEN = re.compile(
    rb"authorization|cookie2?|forwarded|x-forwarded.*|x-real-ip|x-user.*|x-email|x-groups"
    rb"|remote-user|x-remote-user|x-access-token|x-id-token|x-auth-.*|x-client-cert.*"
    rb"|x-original-.*|x-rewrite-.*|x-http-method-override|connection|te|upgrade|keep-alive"
    rb"|transfer-encoding|content-length|host|proxy-.*|trailer"
)
NAMES = (
    *(b"accept", b"x-custom", b"connection", b"authorization", b"x_user", b"x-user-id", b"cookie"),
    *(b"x-forwarded-for", b"x_forwarded_for", b"forwarded", b"te", b"upgrade", b"x-auth-subject"),
    *(b"content-type", b"range", b"x-original-uri", b"remote-user", b"x-http-method-override"),
)
names = st.sampled_from(NAMES) | st.from_regex(rb"[a-z0-9_-]{1,20}", fullmatch=True)
values = st.from_regex(rb"[\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]{0,20}|", fullmatch=True)


@pytest.mark.rule("B-29", "S-054", "S-055", "S-056")
@settings(fuzz)
@given(path=mutated(PATHS, PATH_SALT))
def test_judged_path_has_one_reading(path: bytes) -> None:
    """However often it is decoded, whatever parameters are cut: it leads nowhere else."""
    try:
        judge(path, b"")
    except Refused:
        return
    reading, before = path, b""
    while reading != before:
        segments = [part.split(b";")[0].strip(b" ") for part in reading.split(b"/")]
        assert not {b".", b".."} & set(segments)
        assert b"" not in segments[1:-1]
        assert b"\\" not in reading
        assert not re.search(rb"[\x00-\x1f\x7f]", reading)
        before, reading = reading, unquote_to_bytes(reading)
        assert reading.count(b"/") == path.count(b"/")
    assert path.startswith(b"/")
    assert path.isascii()
    assert b" " not in path


@pytest.mark.rule("S-036", "S-037", "B-20")
@settings(fuzz)
@given(header=mutated(COOKIES, COOKIE_SALT))
def test_cookie_is_read_once_and_literally(header: bytes) -> None:
    """A ticket comes out only if exactly one pair of the name spells it out."""
    pairs = [pair.strip(b" \t").split(b"=", 1) for pair in header.split(b";")]
    ours = [pair[1] for pair in pairs if len(pair) > 1 and pair[0] == COOKIE.name.encode()]
    try:
        ticket = COOKIE.read([header])
    except Refused:
        assert len(ours) > 1
        return
    assert len(ours) < 2
    if ticket is not None:
        assert [ticket.encode().encode()] == ours


@pytest.mark.rule("B-20")
@settings(fuzz)
@given(value=st.binary(max_size=60) | mutated([b"A" * 43], [b"-", b"_", b"+", b"/", b"=", b"\n"]))
def test_ticket_has_one_spelling(value: bytes) -> None:
    """What is read is what would be written."""
    ticket = Ticket.parse(value)
    assert ticket is None or ticket.encode().encode() == value


@pytest.mark.rule("B-30", "S-061", "S-062")
@settings(fuzz)
@given(lines=st.lists(st.tuples(names, values), max_size=8))
def test_no_claim_and_no_hop_goes_upstream(lines: list[tuple[bytes, bytes]]) -> None:
    """And what ``Connection`` names goes nowhere either."""
    block = UpstreamHeaders("https://app.example.com").sieve(lines)
    kept = [line.split(b": ", 1) for line in block.split(b"\r\n")[:-1]]
    said = b",".join(value for name, value in lines if name == b"connection").lower()
    named = {option.strip(b" \t") for option in said.split(b",")}
    for name, value in kept:
        assert (name, value) in lines
        assert not FORBIDDEN.fullmatch(name)
        assert b"_" not in name
        assert name not in named


@pytest.mark.rule("S-064", "S-067")
@settings(fuzz)
@given(
    lines=st.lists(
        st.tuples(
            names | st.sampled_from([b"set-cookie", b"clear-site-data", b"cache-control", b"vary"]),
            values | st.just(b"__Host-Http-session=x; Path=/"),
        ),
        max_size=8,
    ),
    allowed=st.booleans(),
)
def test_no_upstream_touches_our_origin(lines: list[tuple[bytes, bytes]], allowed: bool) -> None:  # noqa: FBT001 - drawn
    """Our cookie stays ours, and no cache keeps a reply."""
    sieve = ReplyHeaders([COOKIE.name])
    down = sieve.sieve(lines, request_id="0" * 32, allow_set_cookie=allowed)
    said = dict(down)
    assert b"no-store" in said[b"cache-control"]
    assert b"cookie" in said[b"vary"].lower() or said[b"vary"] == b"*"
    assert b"clear-site-data" not in said
    cookies = [value for name, value in down if name == b"set-cookie"]
    assert allowed or not cookies
    assert not any(value.startswith(COOKIE.name.encode()) for value in cookies)
