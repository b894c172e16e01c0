"""The administrator's endpoint: on the management listener, behind a secret, written down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydantic import ValidationError

from bff.administration import Administration
from bff.events import ADMINISTRATOR
from bff.settings import AdministratorSettings, Settings, SettingsInvalid, load_settings
from httpkit.metrics import start_management_listener
from tests.support.lobby import open_lobby

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.support.fake_provider import FakeProvider
    from tests.support.lobby import Lobby

SECRET, OTHER = "s" * 40, "t" * 40
WHO = [{"name": "grace", "secret": SECRET}, {"name": "margaret", "secret": OTHER}]


class Office:
    """A node with administrators, and how to call its endpoint."""

    def __init__(self, lobby: Lobby) -> None:
        self.lobby = lobby
        given = [AdministratorSettings.model_validate(one) for one in WHO]
        self.app = Administration([lobby.parts], given).app()

    def ask(self, query: str, method: str = "GET", *, secret: str | None = SECRET) -> TestResponse:
        """Return the answer to somebody who holds *secret*."""
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return self.app.test_client().open(f"/sessions?{query}", method=method, headers=headers)


@pytest.fixture
def office(fake: FakeProvider, valkey_url: str) -> Iterator[Office]:
    """A node with two administrators."""
    with open_lobby(fake, valkey_url) as lobby:
        yield Office(lobby)


def test_sessions_are_listed_by_subject(office: Office) -> None:
    """Of that person alone, without anything that opens one."""
    visitor = office.lobby.signed_in("ada")
    office.lobby.signed_in("bob")
    answer = office.ask("subject=ada")
    assert answer.status_code == 200
    assert answer.json is not None
    [found] = answer.json["sessions"]
    assert visitor.ticket is not None
    assert found["id"] == visitor.ticket.public_id
    assert visitor.ticket.encode() not in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    assert office.ask("subject=ada&issuer=https://other.example").json == {"sessions": []}


def test_one_or_all_sessions_of_a_person_are_ended(office: Office) -> None:
    """At once, and nobody else's."""
    visitors = [office.lobby.signed_in("ada") for _n in range(3)]
    bob = office.lobby.signed_in("bob")
    assert visitors[0].ticket is not None
    first = office.ask(f"subject=ada&id={visitors[0].ticket.public_id}", "DELETE")
    assert first.json == {"revoked": 1}
    assert [one.session() is None for one in visitors] == [True, False, False]
    assert office.ask("subject=ada", "DELETE").json == {"revoked": 2}
    metrics = office.lobby.parts.shared.registry
    labels = {"provider": "sso", "reason": ADMINISTRATOR}
    assert metrics.get_sample_value("bff_sessions_ended_total", labels) == 3
    assert office.ask("subject=ada", "DELETE").json == {"revoked": 0}
    assert bob.session() is not None


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("secret", [None, "", "x" * 40, SECRET[:-1], f"{SECRET}x", f" {SECRET}"])
def test_without_a_secret_nothing_is_told_and_nothing_ends(
    office: Office, method: str, secret: str | None
) -> None:
    """401 with a challenge."""
    visitor = office.lobby.signed_in("ada")
    answer = office.ask("subject=ada", method, secret=secret)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "sessions" not in answer.text
    assert visitor.session() is not None


@pytest.mark.parametrize(
    "query", ["", "subject=", "subject=ada&Id=x", "subject=ada&id=", "subject=ada&subject=bob"]
)
def test_a_call_that_is_not_clear_ends_nothing(office: Office, query: str) -> None:
    """A misspelt or empty id must not mean "all"."""
    visitor = office.lobby.signed_in("ada")
    assert office.ask(query, "DELETE").status_code == 400
    assert visitor.session() is not None


def test_who_did_it_is_written_down(office: Office, capfd: pytest.CaptureFixture[str]) -> None:
    """With the actor and the request id; without the secret and the subject."""
    office.lobby.signed_in("carol-of-accounting")
    capfd.readouterr()
    answer = office.ask("subject=carol-of-accounting", "DELETE", secret=OTHER)
    written = "".join(capfd.readouterr())
    [line] = [one for one in written.splitlines() if "administrator.revoked_sessions" in one]
    assert "margaret" in line
    assert answer.headers["X-Request-Id"] in line
    [ended] = [one for one in written.splitlines() if "session.ended" in one]
    assert answer.headers["X-Request-Id"] in ended
    assert OTHER not in written
    assert "carol" not in written


def test_it_answers_on_the_management_listener_beside_the_metrics(office: Office) -> None:
    """And nowhere on the main one."""
    assert office.lobby.visitor().ask("/sessions?subject=ada").status_code == 404
    registry = office.lobby.parts.shared.registry
    port = start_management_listener(
        registry, host="127.0.0.1", port=0, beside=("/sessions", office.app)
    )
    origin = f"http://127.0.0.1:{port}"
    with urlopen(f"{origin}/metrics", timeout=30) as metrics:
        assert b"bff_logins_total" in metrics.read()
    address, secret = f"{origin}/sessions?subject=ada", {"Authorization": f"Bearer {SECRET}"}
    request = Request(address, headers=secret)
    with urlopen(request, timeout=30) as answer:
        assert json.load(answer) == {"sessions": []}
    with pytest.raises(HTTPError, match="401") as refused:
        urlopen(f"{origin}/sessions?subject=ada", timeout=30)
    refused.value.close()


@pytest.mark.parametrize(
    "wrong",
    [
        [{"name": "grace", "secret": "short"}],
        [{"name": "grace"}],
        [WHO[0], WHO[0]],
        [WHO[0], {"name": "margaret", "secret": SECRET}],
    ],
)
def test_settings_at_fault_are_refused(fake: FakeProvider, wrong: list[dict[str, Any]]) -> None:
    """Short, missing, doubled."""
    given: dict[str, Any] = {"secret_keys": ["k" * 40], "redis_url": "redis://127.0.0.1:1"}
    with pytest.raises(ValidationError):
        Settings.model_validate(given | {"providers": [fake.settings()], "administrators": wrong})


def test_the_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """As every other; and no fault ever tells it."""
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    provider = '{"name":"sso","issuer":"https://a.example","client_id":"c","client_secret":"s"}'
    environ = {"BFF_REDIS_URL": "redis://127.0.0.1:1", "BFF_SECRET_KEYS": "k" * 40}
    environ |= {"BFF_PROVIDERS": f"[{provider}]"}
    kept = json.dumps([{"name": "grace", "secret_file": str(tmp_path / "secret")}])
    settings = load_settings(environ=environ | {"BFF_ADMINISTRATORS": kept})
    assert settings.administrators[0].secret.get_secret_value() == SECRET
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ=environ | {"BFF_ADMINISTRATORS__0__SECRET": "too-short-secret"})
    assert "too-short-secret" not in "".join(caught.value.faults)
