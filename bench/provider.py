"""A small OpenID provider that says yes, so that every peer signs people in by itself.

``python -m bench.provider PORT``: code flow with PKCE, RS256, tokens of the size that real
providers hand out (about 2.3 KB a set), valid for a day so that no refresh disturbs a round. It
keeps nobody out: it exists for a few minutes on loopback. Spec: OpenID Connect Core §3.1.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jwt

CLIENT_ID = "bench"
CLIENT_SECRET = "a-secret-of-the-benchmark-that-opens-nothing"  # over 32 characters: peers insist
AUDIENCE = "https://api.bench.example"
_LIFETIME_S = 86_400
_PERMISSIONS = [f"{room}:{verb}" for room in ("users", "teams", "projects", "feeds", "cards")
                for verb in ("read", "write", "delete")]  # fmt: skip


@dataclass
class Provider:
    """Keys, and the codes that wait for their exchange."""

    issuer: str
    key: jwk.RSAKey = field(
        default_factory=lambda: jwk.RSAKey.generate_key(2048, {"kid": "bench", "alg": "RS256"})
    )
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    people: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def metadata(self) -> dict[str, Any]:
        """Return the discovery document. Spec: OpenID Connect Discovery §3."""
        methods = ["client_secret_basic", "client_secret_post"]
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "authorization_response_iss_parameter_supported": True,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser goes next: back, with a code for a person never seen before."""
        code = secrets.token_urlsafe(24)
        self.codes[code] = {**query, "sub": f"person-{next(self.people)}"}
        answer = {"code": code, "iss": self.issuer}
        if "state" in query:
            answer["state"] = query["state"]
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Return a token set for the code in *form*, or None when it is not one of ours.

        Spec: RFC 6749 §4.1.3, RFC 7636 §4.6.
        """
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        if challenge := asked.get("code_challenge"):
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
                return None
        return {
            "access_token": self._access_token(asked["sub"]),
            "token_type": "Bearer",
            "expires_in": _LIFETIME_S,
            "refresh_token": secrets.token_urlsafe(48),
            "id_token": self._id_token(asked),
            "scope": asked.get("scope", "openid"),
        }

    def _access_token(self, sub: str) -> str:
        return self._sign(
            {"sub": sub, "aud": AUDIENCE, "client_id": CLIENT_ID, "jti": secrets.token_hex(16),
             "scope": "openid profile email offline_access", "permissions": _PERMISSIONS},
            typ="at+jwt",
        )  # fmt: skip

    def _id_token(self, asked: dict[str, str]) -> str:
        sub = asked["sub"]
        claims = {
            "sub": sub,
            "aud": CLIENT_ID,
            "azp": CLIENT_ID,
            "auth_time": int(time.time()),
            "sid": secrets.token_hex(16),
            "name": f"Person of the Benchmark, {sub}",
            "preferred_username": sub,
            "email": f"{sub}@bench.example",
            "email_verified": True,
            "locale": "en",
        }
        if "nonce" in asked:
            claims["nonce"] = asked["nonce"]
        return self._sign(claims, typ="JWT")

    def _sign(self, claims: dict[str, Any], *, typ: str) -> str:
        now = int(time.time())
        stamped = {"iss": self.issuer, "iat": now, "exp": now + _LIFETIME_S, **claims}
        return jwt.encode({"alg": "RS256", "kid": "bench", "typ": typ}, stamped, self.key)


class _Desk(BaseHTTPRequestHandler):
    """One connection to the provider."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # head and body in one segment: two would wait 40 ms for each other
    provider: Provider

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        if where.path == "/authorize":
            self._say(303, location=self.provider.authorize(_flat(where.query)))
        elif where.path == "/.well-known/openid-configuration":
            self._say(200, self.provider.metadata())
        elif where.path == "/jwks":
            self._say(200, {"keys": [self.provider.key.as_dict(private=False, use="sig")]})
        elif where.path == "/end":
            self._say(200, {})
        else:
            self._say(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        tokens = self.provider.exchange(_flat(body.decode()))
        if tokens is None:
            self._say(400, {"error": "invalid_grant"})
        else:
            self._say(200, tokens)

    def _say(self, status: int, answer: dict[str, Any] | None = None, location: str = "") -> None:
        body = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: an access log here would only be work on the other core."""


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


class _Listener(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main() -> None:
    """Serve on the loopback port of the first argument until stopped."""
    port = int(sys.argv[1])
    _Desk.provider = Provider(f"http://127.0.0.1:{port}")
    _Listener(("127.0.0.1", port), _Desk).serve_forever()


if __name__ == "__main__":
    main()
