"""The provider that says yes, but only to its own codes."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt

from bench.provider import CLIENT_ID, Provider

_BACK = "http://localhost:1/callback"
_VERIFIER = "v" * 43
_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=")


def _code(provider: Provider) -> str:
    location = provider.authorize(
        {
            "redirect_uri": _BACK,
            "state": "s",
            "nonce": "n",
            "code_challenge": _CHALLENGE.decode(),
        }
    )
    query = parse_qs(urlsplit(location).query)
    assert query["state"] == ["s"]
    return query["code"][0]


def test_a_code_buys_one_token_set_of_real_size() -> None:
    """About what real providers hand out, bound to the nonce; and only once."""
    provider = Provider("http://127.0.0.1:1")
    form = {"code": _code(provider), "redirect_uri": _BACK, "code_verifier": _VERIFIER}
    tokens = provider.exchange(form)
    assert tokens is not None
    size = sum(len(str(tokens[name])) for name in ("access_token", "refresh_token", "id_token"))
    assert 1_800 < size < 3_200
    claims = jwt.decode(tokens["id_token"], provider.key).claims
    assert (claims["nonce"], claims["aud"], claims["sub"]) == ("n", CLIENT_ID, "person-1")
    assert provider.exchange(form) is None


def test_a_wrong_verifier_buys_nothing() -> None:
    """A peer that skips PKCE after asking for it would not sign anybody in."""
    provider = Provider("http://127.0.0.1:1")
    form = {"code": _code(provider), "redirect_uri": _BACK, "code_verifier": "w" * 43}
    assert provider.exchange(form) is None
