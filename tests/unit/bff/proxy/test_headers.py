"""Header rules, both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.proxy.headers import ReplyHeaders, UpstreamHeaders, cache_control, passes_up, vary

REQUEST_ID = "0123456789abcdef" * 2
SPAN_ID = "fedcba9876543210"
CREDENTIALS = "authorization: Bearer t0ken\r\n"


def write(
    received: list[tuple[bytes, bytes]],
    credentials: str = CREDENTIALS,
    client_ip: str = "192.0.2.7",
) -> dict[str, str]:
    """Return what the upstream sees; fails where a header is there twice."""
    up = UpstreamHeaders("https://app.example.com")
    block = up.sieve(received) + up.ours(
        client_ip=client_ip, request_id=REQUEST_ID, span_id=SPAN_ID, credentials=credentials
    )
    assert block.endswith(b"\r\n")
    pairs = [line.split(": ", 1) for line in block.decode("latin-1").split("\r\n")[:-1]]
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names))
    return dict(pairs)


OURS = write([])


@pytest.mark.rule("B-44")
def test_what_is_ours_is_said_from_configuration() -> None:
    """The upstream learns who called, through which public address, under which ids."""
    assert {
        "authorization": "Bearer t0ken",
        "x-request-id": REQUEST_ID,
        "traceparent": f"00-{REQUEST_ID}-{SPAN_ID}-01",
        "forwarded": 'for=192.0.2.7;host="app.example.com";proto=https',
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-host": "app.example.com",
        "x-forwarded-proto": "https",
    } == OURS


def test_ipv6_peer_is_quoted_in_forwarded() -> None:
    """RFC 7239 §6: brackets and quotes; X-Forwarded-For takes the bare address."""
    seen = write([], client_ip="2001:db8::1")
    assert seen["forwarded"].startswith('for="[2001:db8::1]";')
    assert seen["x-forwarded-for"] == "2001:db8::1"


@pytest.mark.parametrize(
    "name",
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "content-type",
        "if-none-match",
        "if-modified-since",
        "range",
        "if-range",
        "last-event-id",
        "user-agent",
        "x-csrf",
        "x-requested-with",
        "idempotency-key",
        "dnt",
        "priority",
        "origin",
        "sec-fetch-site",
        "referer",
        "x-custom",
        "cache-control",
        "pragma",
        "content-encoding",
        "content-md5",
        "want-digest",
        "authentication-info",
        "x-api-version",
        "baggage",
    ],
)
def test_ordinary_header_passes(name: str) -> None:
    """End-to-end headers are relayed as they are."""
    assert write([(name.encode(), b"v,  \xe9;")])[name] == "v,  \xe9;"


STRIPPED = [
    "authorization",
    "cookie",
    "cookie2",
    "dpop",
    "host",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "expect",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-access-token",
    "x-real-ip",
    "x-user",
    "x-user-id",
    "x-username",
    "x-email",
    "x-groups",
    "remote-user",
    "x-remote-user",
    "x-remote-groups",
    "x-access-token",
    "x-id-token",
    "x-auth-request-user",
    "x-auth-subject",
    "x-auth-session",
    "x-client-cert",
    "x-client-cert-dn",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "x-rewrite-url",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-request-id",
    "traceparent",
    "tracestate",
    "proxy",
    "ssl-client-verify",
    "x-ssl-client-cert",
    "x-forwarded",
    "true-client-ip",
]


@pytest.mark.rule("B-30")
@pytest.mark.parametrize("name", STRIPPED)
@pytest.mark.parametrize("credentials", [CREDENTIALS, ""])
@pytest.mark.rule("S-064", "S-065")
def test_claim_of_the_browser_is_stripped(name: str, credentials: str) -> None:
    """On every route, with a token or without, and in any spelling."""
    spellings = {name, name.replace("-", "_"), name.replace("-", "_", 1)}
    seen = write([(spelling.encode(), b"spoofed") for spelling in spellings], credentials)
    expected = dict(OURS)
    if not credentials:
        del expected["authorization"]
    assert seen == expected


@pytest.mark.parametrize("name", ["x_custom", "a_b", "_", "x-a_b", "\xe9"])
@pytest.mark.rule("S-066")
def test_name_that_cgi_would_fold_is_dropped(name: str) -> None:
    """An underscore turns into a hyphen in many an upstream."""
    assert not passes_up(name.encode("latin-1"))


@pytest.mark.rule("S-063")
@pytest.mark.parametrize(
    "options",
    [
        [b"Authorization, Cookie, X-Forwarded-For, X-Request-Id, Forwarded, traceparent, Host"],
        [b"close", b"AUTHORIZATION", b" x-forwarded-for ,forwarded"],
    ],
)
@pytest.mark.rule("S-063")
def test_connection_cannot_name_ours_away(options: list[bytes]) -> None:
    """S-063: our headers are written after the sieve."""
    assert write([(b"connection", option) for option in options]) == OURS


def test_connection_names_what_is_hop_by_hop() -> None:
    """A header that the browser declared for us alone goes no further."""
    received = [(b"x-mine", b"1"), (b"connection", b"keep-alive, X-Mine"), (b"x-yours", b"2")]
    assert write(received) == {**OURS, "x-yours": "2"}


def sieve(
    received: list[tuple[bytes, bytes]], *, allow_set_cookie: bool = False
) -> list[tuple[bytes, bytes]]:
    """Return what the browser gets beside what we always say."""
    always = {b"cache-control", b"vary", b"x-request-id"}
    kept = ReplyHeaders(["__Host-Http-session"]).sieve(
        received, request_id=REQUEST_ID, allow_set_cookie=allow_set_cookie
    )
    assert sorted(name for name, _ in kept if name in always) == sorted(always)
    return [line for line in kept if line[0] not in always]


def test_reply_headers_pass_in_order_and_doubled() -> None:
    """End-to-end headers of the upstream arrive as they were."""
    lines = [
        (b"content-type", b"application/json"),
        (b"link", b"</a>"),
        (b"link", b"</b>"),
        (b"location", b"https://elsewhere.example/"),
        (b"etag", b'"x"'),
        (b"content-length", b"3"),
        (b"www-authenticate", b"Bearer"),
    ]
    assert sieve(lines) == lines


@pytest.mark.rule("B-26")
@pytest.mark.parametrize(
    "name",
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "set-cookie",
        "set-cookie2",
        "clear-site-data",
        "cdn-cache-control",
        "surrogate-control",
        "cloudflare-cdn-cache-control",
        "x-accel-redirect",
        "x-accel-expires",
        "x-accel-limit-rate",
        "x-accel-charset",
        "x-sendfile",
        "alt-svc",
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "proxy-connection",
    ],
)
@pytest.mark.rule("S-076")
def test_reply_header_that_would_act_on_our_origin_is_removed(name: str) -> None:
    """Hop by hop, cookies, and whatever a cache or a server before us would obey."""
    assert sieve([(name.encode(), b"x=1")]) == []


def test_reply_connection_option_is_removed() -> None:
    """What the upstream names in `Connection` was for us alone."""
    assert sieve([(b"connection", b"close, X-Hop"), (b"x-hop", b"1")]) == []


@pytest.mark.rule("B-31")
@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        (b"theme=dark; Path=/", True),
        (b"__Host-Http-session=evil; Path=/; Secure", False),
        (b" __Host-Http-session =evil", False),
        (b"=__Host-Http-session=evil", False),
    ],
)
@pytest.mark.rule("S-076")
def test_allowed_set_cookie_never_sets_ours(cookie: bytes, kept: bool) -> None:  # noqa: FBT001
    """A route may let its upstream set cookies, but never the session's."""
    lines = [(b"set-cookie", cookie)]
    assert sieve(lines, allow_set_cookie=True) == (lines if kept else [])


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ([], b"private, no-store"),
        ([b"public, max-age=600"], b"private, no-store"),
        ([b"s-maxage=60", b"immutable"], b"private, no-store"),
        ([b"must-understand, no-store"], b"private, no-store"),
        ([b"No-Cache, NO-STORE"], b"private, no-store, no-cache"),
        (
            [b"no-transform", b"must-revalidate"],
            b"private, no-store, must-revalidate, no-transform",
        ),
        ([b'private="set-cookie", no-cache="x"'], b"private, no-store, no-cache"),
    ],
)
@pytest.mark.rule("S-078")
def test_replies_are_private_and_not_stored(said: list[bytes], sent: bytes) -> None:
    """Nothing that an upstream says makes a person's reply storable."""
    assert cache_control([(b"cache-control", value) for value in said]) == sent


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ([], b"Cookie"),
        ([b"Accept-Encoding"], b"Accept-Encoding, Cookie"),
        ([b"accept, COOKIE"], b"accept, COOKIE"),
        ([b"Accept", b"Origin"], b"Accept, Origin, Cookie"),
        ([b"X-Cookie"], b"X-Cookie, Cookie"),
        ([b"*"], b"*, Cookie"),
    ],
)
@pytest.mark.rule("S-078")
def test_replies_vary_by_cookie(said: list[bytes], sent: bytes) -> None:
    """A cache that ignores `private` must still not mix persons up."""
    assert vary([(b"vary", value) for value in said]) == sent


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=8))
def test_any_reply_headers_are_sieved_without_a_bug(received: list[tuple[bytes, bytes]]) -> None:
    """The sieve never fails and never lets a cookie through."""
    kept = ReplyHeaders().sieve(received, request_id=REQUEST_ID, allow_set_cookie=False)
    assert b"set-cookie" not in {name for name, _ in kept}
