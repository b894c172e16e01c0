"""An issuer on a real socket, and the workbench in front of a real database."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from flask_migrate import upgrade
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from workbench.factory import MIGRATIONS, build_app
from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

AUDIENCE = "http://127.0.0.1:7000"


@dataclass
class Issuer:
    """What the issuer says and signs; tests change it in place."""

    url: str = ""
    keys: list[RSAKey | ECKey] = field(default_factory=list)
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 200
    claimed_issuer: str | None = None

    def answer(self, path: str, authorization: str) -> dict[str, Any] | None:
        """Return the document at *path*."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.claimed_issuer or self.url,
                "jwks_uri": f"{self.url}/jwks",
                "userinfo_endpoint": f"{self.url}/userinfo",
            }
        if path == "/jwks":
            return {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path == "/userinfo":
            token = jwt.decode(authorization.removeprefix("Bearer "), self.keys[0], ["RS256"])
            return self.people.get(str(token.claims["sub"]))
        return None

    def token(
        self,
        *,
        header: dict[str, Any] | None = None,
        key: RSAKey | ECKey | None = None,
        without: tuple[str, ...] = (),
        **claims: object,
    ) -> str:
        """Return a good access token for `ann`, changed by *header*, *key* and *claims*."""
        key = key or self.keys[0]
        now = int(time.time())
        good: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ann",
            "client_id": "app",
            "jti": "1",
            "iat": now,
            "exp": now + 60,
            "scope": "openid users:read",
        }
        all_claims = {k: v for k, v in (good | claims).items() if k not in without}
        head = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid} | (header or {})
        return jwt.encode(head, all_claims, key, algorithms=["RS256", "ES256", "ES384"])

    def requests(self, path: str) -> int:
        """Return how often *path* was asked for."""
        return self.asked.count(path)


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            document = issuer.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(issuer.status if document is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


@pytest.fixture
def issuer(signing_key: RSAKey) -> Iterator[Issuer]:
    issuer = Issuer(keys=[signing_key])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(issuer))
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield issuer
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(issuer: Issuer, database_url: str) -> Settings:
    return Settings(issuer=issuer.url, database_url=database_url)


@pytest.fixture
def api(settings: Settings) -> Iterator[FlaskClient]:
    """The workbench over a migrated database of each kind."""
    app = build_app(settings)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
    yield app.test_client()
    with app.app_context():
        from workbench.database import db  # noqa: PLC0415 - only inside an application

        db.engine.dispose()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
