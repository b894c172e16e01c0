"""One SSO in this process over real parts, and a person and a client that use it."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet

from sso.accounts.users import NewUser
from sso.clients.registration import NewClient
from sso.clock import utc_now
from sso.factory import build_app
from sso.mounting import postman_of
from sso.services import lay_foundation
from sso.settings import Settings
from sso.storage.engine import db
from sso.storage.migrate import migrate

if TYPE_CHECKING:
    from email.message import EmailMessage

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from sso.mail.postbox import Postman
    from sso.mail.transports import NotSent
    from sso.services import Foundation
    from sso.storage.people import User

ISSUER = "http://127.0.0.1:9000"
CALLBACK = "http://localhost:8000/bff/callback/sso"
RETURN = "http://localhost:8000/"
PASSWORD = "correct horse battery staple"
SECRET_KEYS = ["for-tests-only-" + "0123456789abcdef" * 2]
SCOPE = "openid profile email offline_access users:read"
VERIFIER = secrets.token_urlsafe(48)
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class MovedClock:
    """The present, moved by hand."""

    offset: timedelta = field(default_factory=timedelta)
    stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        """Return it."""
        return (self.stopped_at or utc_now()) + self.offset

    def stop(self) -> None:
        """Let time pass by hand alone, where a test's own duration would count."""
        self.stopped_at = utc_now()

    def pass_s(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.offset += timedelta(seconds=seconds)


@dataclass(frozen=True)
class App:
    """A registered client as its developer knows it."""

    client_id: str
    client_secret: str | None


def settings_of(database_url: str, redis_url: str, **settings: object) -> Settings:
    """Return settings that an operator could have written."""
    given: dict[str, object] = {
        "issuer": ISSUER,
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_keys": SECRET_KEYS,
        "default_audience": "http://127.0.0.1:7000",
    }
    return Settings.model_validate({**given, **settings})


class Pile:
    """A transport that keeps what it is given; ``fault`` is raised instead where it is set."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.fault: NotSent | None = None

    def send(self, message: EmailMessage) -> None:
        """Keep it."""
        if self.fault is not None:
            raise self.fault
        self.messages.append(message)


class House:
    """The SSO of *settings*."""

    def __init__(
        self, database_url: str, redis_url: str, *, fresh: bool = True, **settings: object
    ) -> None:
        self.settings = settings_of(database_url, redis_url, **settings)
        self.clock = MovedClock()
        self.base: Foundation = lay_foundation(Flask("sso"), self.settings, self.clock)
        if fresh:
            migrate(self.base.storage)
            self.new_user("ada")
        self.app = build_app(self.settings, clock=self.clock)
        parts = self.app.extensions["sso"]
        self.pile = Pile()
        self.postman: Postman = postman_of(self.app, parts.base, parts.services, via=self.pile)
        found = self.base.users.find_by_name("ada")
        assert found
        self.user: User = found
        self.client = self.new_client(first_party=True)

    def close(self) -> None:
        """Close every connection, so that the database's file is whole."""
        self.base.storage.engine.dispose()
        with self.app.app_context():
            db.engine.dispose()

    @staticmethod
    def node(database_url: str, redis_url: str, **settings: object) -> Flask:
        """Return another node over the same database."""
        return build_app(settings_of(database_url, redis_url, **settings))

    def new_user(self, name: str, password: str = PASSWORD) -> User:
        """Make an account."""
        return self.base.users.create(NewUser(name, f"{name}@example.org", password))

    def new_client(self, **registered: object) -> App:
        """Register a client."""
        given: dict[str, Any] = {
            "name": "Cloakroom",
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [RETURN],
            **registered,
        }
        made = self.base.clients.create(NewClient(**given))
        return App(made.client.client_id, made.client_secret)

    def letters(self) -> list[EmailMessage]:
        """Send what is due, and return what was sent since the last call."""
        while self.postman.deliver_due():
            pass
        sent, self.pile.messages = self.pile.messages, []
        return sent

    def visitor(self) -> Visitor:
        """Return a browser that was never here."""
        return Visitor(self)

    def signed_in(self, name: str = "ada") -> Visitor:
        """Return a browser in which *name* is signed in."""
        visitor = self.visitor()
        assert visitor.sign_in(name).status_code == 303
        return visitor

    def token(self, **members: str | None) -> TestResponse:
        """Post a form to the token endpoint as the first client; None leaves a member out."""
        given = {
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
            **members,
        }
        form = {name: value for name, value in given.items() if value is not None}
        return self.app.test_client().post("/oauth/token", data=form)

    def redeem(self, code: str, **members: str | None) -> TestResponse:
        """Redeem *code* as the first client."""
        given: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.token(**{**given, **members})

    def refresh(self, refresh_token: str, **members: str | None) -> TestResponse:
        """Refresh as the first client."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **members)

    def tokens(self, visitor: Visitor | None = None, **asked: str) -> dict[str, Any]:
        """Return the token response of a whole sign-in."""
        code = (visitor or self.signed_in()).code(**asked)
        response = self.redeem(code)
        assert response.status_code == 200, response.text
        return dict(response.json or {})

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a *token*, verified under the published keys."""
        published: Any = self.app.test_client().get("/oauth/jwks").json
        keys = KeySet.import_key_set(published)
        return jwt.decode(token, keys, algorithms=["RS256"]).claims


class Visitor:
    """A browser: cookies, forms, and addresses that it is sent to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.http: FlaskClient = house.app.test_client()

    def get(self, address: str) -> TestResponse:
        """Navigate to *address*."""
        return self.http.get(address, headers={"Sec-Fetch-Mode": "navigate"})

    def submit(self, page: str, action: str | None = None, **fields: str) -> TestResponse:
        """Open *page* and post its form with *fields*."""
        shown = self.get(page)
        token = _CSRF.search(shown.text)
        assert token, shown.text
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', shown.text))
        return self.http.post(
            action or page,
            data={**hidden, **fields},
            headers={"Sec-Fetch-Mode": "navigate"},
        )

    def sign_in(self, name: str, password: str = PASSWORD, page: str = "/sign-in") -> TestResponse:
        """Sign in by the form at *page*."""
        return self.submit(page, username=name, password=password)

    def ask(self, **asked: str | None) -> TestResponse:
        """Send an authorization request as the first client; None leaves a parameter out."""
        return self.get(f"/oauth/authorize?{urlencode(request_of(self.house.client, **asked))}")

    def follow(self, response: TestResponse) -> TestResponse:
        """Follow redirects among our own pages and return what comes last."""
        while response.status_code == 303 and response.location.startswith("/"):
            response = self.get(response.location)
        return response

    def code(self, **asked: str | None) -> str:
        """Return the code of a request that needs nothing of the person."""
        return str(answer_of(self.follow(self.ask(**asked)))["code"])


def request_of(client: App, **asked: str | None) -> dict[str, str]:
    """Return the parameters of an ordinary request; None leaves one out."""
    given: dict[str, str | None] = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        **asked,
    }
    return {name: value for name, value in given.items() if value is not None}


def challenge(verifier: str) -> str:
    """Return the S256 challenge of *verifier*."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def answer_of(response: TestResponse) -> dict[str, str]:
    """Return the members of an authorization response at the registered address."""
    assert response.status_code == 303, response.text
    assert response.location.startswith(f"{CALLBACK}?"), response.location
    pairs = parse_qsl(urlsplit(response.location).query)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def link_in(message: EmailMessage) -> str:
    """Return the address in a letter, as a browser would open it from here."""
    found = re.search(
        rf"^{re.escape(ISSUER)}(/\S+\?token=\S+)\r?$", message.get_content(), re.MULTILINE
    )
    assert found, message.get_content()
    return found[1]


def query_of(address: str) -> dict[str, list[str]]:
    """Return the query of *address*."""
    return parse_qs(urlsplit(address).query)
