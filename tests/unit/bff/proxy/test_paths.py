"""Path judgement over raw bytes."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bff.problems import Refused
from bff.proxy.paths import judge


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/api",
        b"/api/",
        b"/api/users/me",
        b"/api/users/a.b..c",
        b"/.well-known/x",
        b"/api/...",
        b"/api/a%20b",
        b"/api/%E4%BD%A0%e5%a5%bd",
        b"/api/100%25",
        b"/api/100%25-off",
        b"/api/a;v=1/b",
        b"/api/%7Euser",
        b"/api/a%3Fb%23c",
        b"/api/@evil.example",
        b"/api/a:b@c",
        b"/api/x|y^z{1}[2]",
        b"/api/%61",
    ],
)
@pytest.mark.rule("S-055")
def test_harmless_path_passes(path: bytes) -> None:
    """Ordinary names and harmless encodings are left alone."""
    judge(path, b"")


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"api",
        b"*",
        b"http://evil.example/api",
        b"//evil.example",
        b"/api//x",
        b"/api/x//",
        b"/api/.",
        b"/api/..",
        b"/api/../admin",
        b"/../api/x",
        b"/x/../api/x",
        b"/api/./x",
        b"/api/%2e%2e/admin",
        b"/api/.%2E/admin",
        b"/api/%2e",
        b"/api/%252e%252e/admin",
        b"/api/%25252e%25252e/admin",
        b"/api/%2525252525252e%2525252525252e/x",
        b"/api/..;/admin",
        b"/api/..;x=1/admin",
        b"/api/.;/x",
        b"/api/..%3b/admin",
        b"/api/%2e%2e%3bx/admin",
        b"/api/..%20/admin",
        b"/api/;/x",
        b"/api/;x=1",
        b"/api/%20/x",
        b"/api/a%2fb",
        b"/api/a%2Fb",
        b"/api/..%2fadmin",
        b"/api/a%252fb",
        b"/api/a%5cb",
        b"/api/a%5Cb",
        b"/api/a%255cb",
        b"/api/a\\b",
        b"/api/\\..\\x",
        b"/api/%00",
        b"/api/a%0d%0aX:y",
        b"/api/%250d%250a",
        b"/api/%7f",
        b"/api/%c2%85",
        b"/api/a b",
        b"/api/a\tb",
        b"/api/a\x00b",
        b"/api/a\rb",
        b"/api/a\x7fb",
        b"/api/\xe4\xbd\xa0",
        b"/api/%ff",
        b"/api/%c0%ae%c0%ae/x",
        b"/api/%c0%af",
        b"/api/%",
        b"/api/%2",
        b"/api/%zz",
        b"/api/%u002e",
        b"/api/x#y",
        b"/api/<x>",
        b'/api/"',
        b"/api/`",
        b"/api/x?y",
    ],
)
@pytest.mark.rule("S-054", "S-055", "S-056")
def test_ambiguous_path_is_refused(path: bytes) -> None:
    """Whatever two servers might read differently is `uri_rejected`."""
    with pytest.raises(Refused) as refused:
        judge(path, b"")
    assert refused.value.problem.code == "uri_rejected"


@pytest.mark.parametrize(
    "query", [b"", b"a=1&b=2", b"next=/a//b/../c", b"q=100%", b"q=%2F%0A", b"q=a\\b", b"a=b?c"]
)
def test_query_is_opaque(query: bytes) -> None:
    """A query decides nothing here, so its meaning is the upstream's."""
    judge(b"/api/x", query)


@pytest.mark.parametrize("query", [b"a b", b"a\r\nX: y", b"a\x00", b"a#b", b"\xc3\xa9", b"a\x7f"])
def test_query_that_could_end_the_line_is_refused(query: bytes) -> None:
    """Controls, spaces, fragments and non-ASCII bytes never reach a request line."""
    with pytest.raises(Refused):
        judge(b"/api/x", query)


_PIECES = st.sampled_from(
    [b"/", b".", b"..", b"%2e", b"%2F", b"%5c", b"\\", b";", b"a", b"%25", b"%", b"2e", b"%20"]
)


@given(st.lists(_PIECES, max_size=12).map(b"".join))
@example(b"a/..%3b/../")
@pytest.mark.rule("S-055")
def test_what_passes_means_the_same_to_every_reader(tail: bytes) -> None:
    """No accepted path changes under decoding once or twice, parameters cut, then normalising."""
    path = b"/api/" + tail
    try:
        judge(path, b"")
    except Refused:
        return
    once = unquote_to_bytes(path)
    for reading in (path, once, unquote_to_bytes(once)):
        cut = b"/".join(segment.split(b";")[0] for segment in reading.split(b"/"))
        assert b"\\" not in cut
        assert reading.count(b"/") == path.count(b"/")
        assert posixpath.normpath(cut) == (cut.rstrip(b"/") or b"/")


@given(st.binary(max_size=40))
def test_any_bytes_are_judged_without_a_bug(tail: bytes) -> None:
    """Garbage is refused, never an exception of another kind; what passes is clean ASCII."""
    try:
        judge(b"/" + tail, tail)
    except Refused:
        return
    assert all(0x20 < byte < 0x7F for byte in tail)
