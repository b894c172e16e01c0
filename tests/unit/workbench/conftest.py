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

from tests.support.schemas import Schemas
from workbench.database import db
from workbench.factory import MIGRATIONS, build_app
from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.support.mariadb import MariaDb

AUDIENCE = "http://127.0.0.1:7000"
ALL_SCOPES = (
    "openid users:read users:write team:read team:write project:read project:write "
    "status:read status:write feed:read notification:read notification:write"
)


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
            "exp": now + 600,
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


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    """Databases that need not be migrated for each test."""
    return Schemas(tmp_path_factory.mktemp("schemas"), _migrate)


@pytest.fixture(params=["sqlite", "mariadb"])
def settings(
    request: pytest.FixtureRequest, issuer: Issuer, schemas: Schemas, tmp_path: Path
) -> Settings:
    """Settings with a migrated, empty database of each kind in turn."""
    if request.param == "sqlite":
        database_url = schemas.sqlite(tmp_path)
    else:
        server: MariaDb = request.getfixturevalue("mariadb")
        database_url = schemas.mariadb(server.fresh_database)
    return Settings(
        issuer=issuer.url,
        database_url=database_url,
        files_url=f"file://{tmp_path}/files",
        upload_chunk_bytes=65_536,
    )


@pytest.fixture
def api(settings: Settings) -> Iterator[FlaskClient]:
    """The workbench over a migrated database of each kind."""
    app = build_app(settings)
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


def _migrate(database_url: str) -> None:
    app = build_app(Settings(database_url=database_url))
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        db.engine.dispose()


@dataclass(frozen=True)
class Someone:
    """A person with a token of every scope a person may have, and what they do with it."""

    client: FlaskClient
    headers: dict[str, str]
    id: str = ""

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        match: str | None = None,
        key: str | None = None,
    ) -> TestResponse:
        """Send *body* as JSON; *match* is the If-Match, *key* the Idempotency-Key."""
        more = {"If-Match": match, "Idempotency-Key": key}
        headers = self.headers | {name: value for name, value in more.items() if value is not None}
        # A client of its own: the test client is not made for several threads.
        client = self.client.application.test_client()
        return client.open(path, method=method, headers=headers, json=body)

    def get(self, path: str) -> TestResponse:
        """Read *path*."""
        return self.call("GET", path)

    def post(self, path: str, body: object = None, *, key: str | None = None) -> TestResponse:
        """Send *body* to *path*."""
        return self.call("POST", path, body, key=key)

    def made(self, path: str, body: object) -> dict[str, Any]:
        """Create something at *path*; return it."""
        answer = self.post(path, body)
        assert answer.status_code == 201, answer.text
        assert answer.json is not None
        return dict(answer.json)


@pytest.fixture
def person(api: FlaskClient, issuer: Issuer) -> Callable[[str], Someone]:
    """A maker of people who are already in the directory, by their name."""

    def make(name: str) -> Someone:
        headers = bearer(
            issuer.token(sub=name, name=name, preferred_username=name, scope=ALL_SCOPES)
        )
        entry = api.get("/users/me", headers=headers).json
        assert entry is not None
        return Someone(api, headers, str(entry["id"]))

    return make


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
