"""An OpenID provider that says what a test wants: right answers by default, forged ones on demand.

It has no pages: `authorize` plays the person who signs in.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import secrets
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from tests.support.upstream import Answer, RecordingUpstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.support.upstream import Received

CLIENT_ID = "the-bff"
CLIENT_SECRET = "a-secret-that-the-forging-provider-never-checks"
ACCESS_TTL_S = 3600
Changes = dict[str, Any]


def base64url(content: bytes | Changes) -> str:
    """Return bytes, or a JSON object, as one part of a JWT."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def left_half(token: str) -> str:
    """Return the ``at_hash`` of *token* under RS256 (OIDC Core §3.1.3.6)."""
    return base64url(hashlib.sha256(token.encode()).digest()[:16])


class ForgingProvider:
    """A provider on a free loopback port; use it as a context manager.

    Attributes:
        id_token: what differs from a right ID token; None takes a claim away.
        token_reply: what differs from a right token reply; None takes a member away.
        header: what differs from a right JOSE header.
        sign: makes the ID token from header and claims; replace it to forge.
        answer_token: when set, answers token requests instead of all of the above.
    """

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "good", "use": "sig", "alg": "RS256"})
        self.server = RecordingUpstream()
        self.issuer = self.server.url
        self.server.answer = self._answer
        self._numbers = itertools.count(1)
        self.be_honest()

    def be_honest(self) -> None:
        """Give right answers from now on, to a person called ``ada``."""
        self.sub = "ada"
        self.id_token: Changes = {}
        self.token_reply: Changes = {}
        self.header: Changes = {}
        self.sign: Callable[[Changes, Changes], str] = self.sign_well
        self.answer_token: Callable[[Received], Answer] | None = None
        self.nonces: dict[str, str] = {}
        self.issued: list[str] = []
        self.server.received.clear()

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.close()

    def settings(self) -> Changes:
        """Return the BFF's ``[[providers]]`` entry for it."""
        return {
            "name": "forger",
            "issuer": self.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scopes": ["openid", "profile", "offline_access"],
        }

    def authorize(self, authorization_url: str, *, iss: str | None = "") -> str:
        """Approve the request; return the callback's address with code, state and *iss*.

        *iss* is this provider's own unless given; None leaves it out.
        """
        asked = {
            name: value[0] for name, value in parse_qs(urlsplit(authorization_url).query).items()
        }
        code = f"code-{next(self._numbers)}-{secrets.token_hex(8)}"
        self.nonces[code] = asked.get("nonce", "")
        answer = {"code": code, "state": asked["state"], "iss": self.issuer if iss == "" else iss}
        given = {name: value for name, value in answer.items() if value is not None}
        return asked["redirect_uri"] + "?" + urlencode(given)

    def token_requests(self) -> list[dict[str, str]]:
        """Return the form of every request to the token endpoint."""
        return [
            {name: value[0] for name, value in parse_qs(received.body.decode()).items()}
            for received in self.server.received
            if received.target == b"/token"
        ]

    def sign_well(self, header: Changes, claims: Changes) -> str:
        """Return a JWT signed with the published key; by hand, for no library signs nonsense."""
        signed = f"{base64url(header)}.{base64url(claims)}"
        private: Any = self.key.private_key
        return f"{signed}.{base64url(private.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def _answer(self, received: Received) -> Answer:
        path = received.target.split(b"?")[0]
        if path == b"/token":
            return (self.answer_token or self._token)(received)
        documents = {
            b"/.well-known/openid-configuration": self._metadata(),
            b"/jwks": {"keys": [self.key.as_dict(private=False)]},
            b"/userinfo": {"sub": self.sub},
        }
        if path in documents:
            return Answer(body=json.dumps(documents[path]).encode())
        return Answer(200 if path == b"/revoke" else 404, body=b"{}")

    def _metadata(self) -> Changes:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "end_session_endpoint": f"{self.issuer}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            # "none" and HS256 on purpose: a client that asks the provider what to accept is lost.
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "nonce_supported": False,
        }

    def _token(self, received: Received) -> Answer:
        form = {name: value[0] for name, value in parse_qs(received.body.decode()).items()}
        access = f"opaque-access-{secrets.token_hex(16)}"
        refresh = f"opaque-refresh-{secrets.token_hex(16)}"
        header, claims = self._right_id_token(form, access)
        reply: Changes = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": ACCESS_TTL_S,
            "refresh_token": refresh,
            "id_token": self.sign(_changed(header, self.header), _changed(claims, self.id_token)),
        }
        reply = _changed(reply, self.token_reply)
        names = ("access_token", "refresh_token", "id_token")
        self.issued += [str(reply[name]) for name in names if name in reply]
        return Answer(body=json.dumps(reply).encode())

    def _right_id_token(self, form: dict[str, str], access: str) -> tuple[Changes, Changes]:
        now = int(time.time())
        claims: Changes = {"iss": self.issuer, "aud": CLIENT_ID, "sub": self.sub, "name": "Ada"}
        claims |= {"iat": now, "exp": now + 300, "auth_time": now, "sid": "sid-1"}
        claims["at_hash"] = left_half(access)
        if nonce := self.nonces.get(form.get("code", "")):
            claims["nonce"] = nonce
        return {"alg": "RS256", "kid": "good", "typ": "JWT"}, claims


def _changed(whole: Changes, changes: Changes) -> Changes:
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}
