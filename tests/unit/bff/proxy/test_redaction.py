"""A reply that carries a token of its session is seen, wherever the token stands."""

from __future__ import annotations

import secrets
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.proxy.redaction import TokenWatch
from bff.sessions.model import AccessToken, BoundToken, TokenSet

ACCESS = AccessToken("a." + "access" * 200 + secrets.token_urlsafe(60), 1e12)
OTHER = AccessToken("o." + secrets.token_urlsafe(20), 1e12)
REFRESH = secrets.token_urlsafe(32)
IDENTITY = "i." + "identity" * 100 + secrets.token_urlsafe(60)
SENT = AccessToken("s." + secrets.token_urlsafe(90), 1e12)
SECRETS = [ACCESS.value, OTHER.value, REFRESH, IDENTITY, SENT.value]


def make_watch() -> TokenWatch:
    """Return the watch over a session with a token of every kind."""
    tokens = TokenSet(1, "sso", "ada", {"": ACCESS, "other": OTHER}, REFRESH, IDENTITY)
    return TokenWatch(tokens, BoundToken(SENT))


@pytest.mark.rule("B-14", "S-079")
@pytest.mark.parametrize("secret", SECRETS, ids=["access", "other", "refresh", "id", "sent"])
@pytest.mark.parametrize("size", [0, 60, 3000, 4096, 200_000])
def test_token_in_a_body_is_seen(secret: str, size: int) -> None:
    """In small bodies and large ones, with zero bytes too, and not what is left of it."""
    filler = b"\x00x" * (size // 2)
    whole = filler + secret.encode() + filler
    assert make_watch().sees_in_body(whole)
    assert not make_watch().sees_in_body(whole.replace(secret.encode(), secret[:-1].encode()))


@given(
    secret=st.sampled_from(SECRETS),
    cuts=st.lists(st.integers(0, 12_000), max_size=6),
    before=st.integers(0, 5000),
    after=st.integers(0, 5000),
)
def test_token_across_pieces_is_seen(secret: str, cuts: list[int], before: int, after: int) -> None:
    """However the body is cut; a clean body never is."""
    for middle, found in ((secret, True), (secret[:-1] + "!", False)):
        body = b"x" * before + middle.encode() + b"y" * after
        edges = [0, *sorted(cuts), len(body)]
        watch = make_watch()
        pieces = (body[start:end] for start, end in pairwise(edges))
        assert any(watch.sees_in_body(piece) for piece in pieces) is found


@pytest.mark.parametrize("secret", SECRETS)
def test_token_in_a_header_is_seen(secret: str) -> None:
    """As the value or within it; our own request id is none."""
    ours = (b"x-request-id", b"0" * 32)
    assert make_watch().sees_in_headers([ours, (b"x-debug", b"got " + secret.encode())])
    assert not make_watch().sees_in_headers([ours, (b"etag", b'"33a64df551425fcc55e4d42a148795"')])


def test_what_is_too_short_for_a_token_is_not_searched_for() -> None:
    """Else every reply would be a leak."""
    watch = TokenWatch(TokenSet(1, "sso", "ada", {"": AccessToken("x", 1e12)}, None, None))
    assert not watch.sees_in_body(b"x" * 100)
