"""An OpenID provider in this process, on a real socket: right by default, wrong when told.

Unlike a forger of tokens alone it also misbehaves on the wire: silent, cut short, lost after the
deed, far too long. `misbehave` lines up what the next requests to an endpoint meet.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from bff.settings import ProviderSettings
from tests.support.proofs import ProofJudge
from tests.support.upstream import Answer, RecordingUpstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.support.upstream import Received

CLIENT_ID = "the-bff"
CLIENT_SECRET = "s:e c+r/e%t-of-the-bff"
DISCOVERY, JWKS, TOKEN = "/.well-known/openid-configuration", "/jwks", "/token"
USERINFO, REVOKE, PAR = "/userinfo", "/revoke", "/par"
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
_PATIENCE_S = 20
Changes = dict[str, Any]


@functools.cache
def signing_key(kid: str = "good") -> RSAKey:
    """Return an RSA key, made once a run."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def at_hash_of(token: str) -> str:
    """Return the ``at_hash`` of *token* under RS256 (OIDC Core §3.1.3.6)."""
    digest = hashlib.sha256(token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def changed(right: Changes, changes: Changes) -> Changes:
    """Return *right* with *changes*; None takes a member away."""
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def says(status: int, body: object = b"", **headers: str) -> Callable[[Received], Answer]:
    """Return an act that answers *status* with *body*, bytes as they are and all else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda _received: Answer(status, lines, content)


def hangs_up(_received: Received) -> Answer:
    """Close the connection in place of a reply, nothing done."""
    return Answer(raw=b"")


def cuts_short(_received: Received) -> Answer:
    """Promise more than is sent."""
    return Answer(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{"access_token": "a')


class FakeProvider:
    """A provider on a free loopback port; use it as a context manager.

    Attributes:
        metadata, header, claims, reply: what differs from the right one; None takes a member away.
        sign: makes the ID token from header and claims.
        keys: what ``/jwks`` publishes.
        people: what UserInfo says, by default nothing but the sub.
        successors: each refresh token that was redeemed, with what came of it.
        forgiving: whether a redeemed refresh token yields its successor once more.
        binding: judges the proofs that token requests must carry, once tokens are bound to keys.
        bound_to: each access token with the thumbprint of its key.
    """

    def __init__(self) -> None:
        self.server = RecordingUpstream()
        self.server.answer = self._answer
        self.issuer = self.server.url
        self.sub = "ada"
        self.metadata: Changes = {}
        self.header: Changes = {}
        self.claims: Changes = {}
        self.reply: Changes = {}
        self.people: Changes = {}
        self.keys: list[Changes] = [dict(signing_key().as_dict(private=False))]
        self.sign: Callable[[Changes, Changes], str] = sign_well
        self.successors: dict[str, str] = {}
        self.forgiving = True
        self.binding: ProofJudge | None = None
        self.bound_to: dict[str, str] = {}
        self._refresh_tokens: set[str] = set()
        self._nonces: dict[str, str] = {}
        self._pushed: dict[str, dict[str, str]] = {}
        self._acts: dict[str, deque[Callable[[Received], Answer]]] = {}
        self._awake = threading.Event()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._awake.set()
        self.server.close()

    def settings(self, **changes: Any) -> ProviderSettings:  # noqa: ANN401 - settings
        """Return the BFF's settings for it."""
        right: Changes = {"name": "sso", "issuer": self.issuer, "client_id": CLIENT_ID}
        right |= {"client_secret": CLIENT_SECRET, "scopes": ["openid", "offline_access"]}
        return ProviderSettings.model_validate(changed(right, changes))

    def misbehave(self, path: str, *acts: Callable[[Received], Answer]) -> None:
        """Let the next requests to *path* meet *acts*, one each."""
        self._acts.setdefault(path, deque()).extend(acts)

    def stays_silent(self, _received: Received) -> Answer:
        """Accept the request and say nothing until the test is over."""
        self._awake.wait(_PATIENCE_S)
        return Answer(raw=b"")

    def loses_its_reply(self, received: Received) -> Answer:
        """Do what was asked and close the connection in place of the reply (F-27)."""
        self.answers_rightly(received)
        return Answer(raw=b"")

    def asked(self, path: str) -> int:
        """Return how many requests *path* has met."""
        return sum(_path_of(received) == path for received in self.server.received)

    def forms(self, path: str = TOKEN) -> list[dict[str, str]]:
        """Return the form of every request to *path*."""
        received = [one for one in self.server.received if _path_of(one) == path]
        return [_form(one) for one in received]

    def authorize(self, authorization_url: str, **changes: str | None) -> list[tuple[str, str]]:
        """Approve the request as the person would; return the callback's parameters."""
        asked = self.request_of(authorization_url)
        code = f"code-{next(self._numbers)}-{secrets.token_hex(8)}"
        self._nonces[code] = asked.get("nonce", "")
        right: Changes = {"code": code, "state": asked["state"], "iss": self.issuer}
        return list(changed(right, changes).items())

    def callback(self, authorization_url: str, **changes: str | None) -> str:
        """Approve as `authorize` does; return the callback's path and query."""
        redirect_uri = self.request_of(authorization_url)["redirect_uri"]
        query = urlencode(self.authorize(authorization_url, **changes))
        return f"{urlsplit(redirect_uri).path}?{query}"

    def offer_par(self, **metadata: object) -> None:
        """Offer pushed authorization requests (RFC 9126), and say *metadata* of them."""
        self.metadata |= {"pushed_authorization_request_endpoint": f"{self.issuer}{PAR}"} | metadata

    def bind_tokens(self) -> ProofJudge:
        """Bind every token to a key from now on (RFC 9449); return the judge of the proofs."""
        self.metadata |= {"dpop_signing_alg_values_supported": ["ES256"]}
        self.binding = ProofJudge()
        return self.binding

    def request_of(self, authorization_url: str) -> dict[str, str]:
        """Return what is asked for, in the address or in what was pushed before."""
        said = {k: v[0] for k, v in parse_qs(urlsplit(authorization_url).query).items()}
        return self._pushed[said["request_uri"]] if "request_uri" in said else said

    def new_refresh_token(self) -> str:
        """Return a refresh token that it will accept."""
        token = f"refresh-{next(self._numbers)}-{secrets.token_hex(8)}"
        self._refresh_tokens.add(token)
        return token

    def right_claims(self, nonce: str | None = None, access_token: str | None = None) -> Changes:
        """Return the claims of a right ID token."""
        now = int(time.time())
        claims: Changes = {"iss": self.issuer, "aud": CLIENT_ID, "sub": self.sub, "nonce": nonce}
        claims |= {"iat": now, "exp": now + 300, "auth_time": now, "sid": "sid-1", "name": "Ada"}
        claims["at_hash"] = at_hash_of(access_token) if access_token else None
        return changed(changed(claims, {}), self.claims)

    def id_token(self, nonce: str | None = None, access_token: str | None = None) -> str:
        """Return an ID token as it would be sent now."""
        header = changed({"alg": "RS256", "kid": "good", "typ": "JWT"}, self.header)
        return self.sign(header, self.right_claims(nonce, access_token))

    def _answer(self, received: Received) -> Answer:
        with self._lock:
            acts = self._acts.get(_path_of(received))
            act = acts.popleft() if acts else self.answers_rightly
        return act(received)

    def answers_rightly(self, received: Received) -> Answer:
        """Answer as a right provider does."""
        match _path_of(received):
            case "/token":
                return self._bound_or_bearer(received)
            case "/.well-known/openid-configuration":
                said: object = changed(self._right_metadata(), self.metadata)
            case "/jwks":
                said = {"keys": self.keys}
            case "/userinfo":
                return self._userinfo(received)
            case "/revoke":
                said = {}
            case "/par":
                return self._push(_form(received))
            case _:
                return Answer(404, body=b"{}")
        return Answer(body=json.dumps(said).encode())

    def _right_metadata(self) -> Changes:
        names = ("authorization", "token", "userinfo", "revocation", "end_session")
        paths = ("/authorize", TOKEN, USERINFO, REVOKE, "/end")
        addresses = zip(names, paths, strict=True)
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}{JWKS}",
            **{f"{name}_endpoint": f"{self.issuer}{path}" for name, path in addresses},
            "code_challenge_methods_supported": ["S256"],
            # "none" and HS256 on purpose: a client that asks the provider what to accept is lost.
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
            "nonce_supported": False,
        }

    def _push(self, form: dict[str, str]) -> Answer:
        request_uri = f"{REQUEST_URI}{next(self._numbers)}"
        self._pushed[request_uri] = form
        said = {"request_uri": request_uri, "expires_in": 60}
        return Answer(201, body=json.dumps(said).encode())

    def _bound_or_bearer(self, received: Received) -> Answer:
        if self.binding is None:
            return self._token(_form(received))
        judged = self.binding.judge(received, f"{self.issuer}{TOKEN}")
        if isinstance(judged, Answer):
            return judged
        answer = self._token(_form(received), judged)
        return Answer(answer.status, self.binding.nonce_line(), answer.body)

    def _userinfo(self, received: Received) -> Answer:
        if self.binding is not None:
            [credentials] = received.values("Authorization")
            token = credentials.removeprefix("DPoP ")
            judged = self.binding.judge(received, f"{self.issuer}{USERINFO}", token)
            if isinstance(judged, Answer):
                return judged
            assert judged == self.bound_to[token], "the proof is by another key"
        return Answer(body=json.dumps({"sub": self.sub, **self.people}).encode())

    def _token(self, form: dict[str, str], thumbprint: str | None = None) -> Answer:
        refresh_token = None
        if form.get("grant_type") == "refresh_token":
            refresh_token = self._successor(form.get("refresh_token", ""))
            if refresh_token is None:
                return Answer(400, body=b'{"error": "invalid_grant"}')
        access_token = f"access-{next(self._numbers)}-{secrets.token_hex(8)}"
        if thumbprint is not None:
            self.bound_to[access_token] = thumbprint
        nonce = self._nonces.get(form.get("code", ""))
        right: Changes = {
            "access_token": access_token,
            "token_type": "Bearer" if thumbprint is None else "DPoP",
            "expires_in": 3600,
            "refresh_token": refresh_token or self.new_refresh_token(),
            "id_token": self.id_token(nonce, access_token),
        }
        return Answer(body=json.dumps(changed(right, self.reply)).encode())

    def _successor(self, refresh_token: str) -> str | None:
        with self._lock:
            if refresh_token in self.successors:
                return self.successors[refresh_token] if self.forgiving else None
            if refresh_token not in self._refresh_tokens:
                return None
            self.successors[refresh_token] = successor = self.new_refresh_token()
            return successor


def sign_well(header: Changes, claims: Changes) -> str:
    """Return a JWT signed with the published key."""
    return jwt.encode(header, claims, signing_key(), algorithms=["RS256", "PS256"])


def _path_of(received: Received) -> str:
    return received.target.split(b"?")[0].decode("latin-1")


def _form(received: Received) -> dict[str, str]:
    return {name: value[0] for name, value in parse_qs(received.body.decode()).items()}
