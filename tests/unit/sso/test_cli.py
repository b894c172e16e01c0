"""The command line, as an operator and a start-up script use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sso.cli import cli
from sso.clients.initial_tokens import InitialTokens
from sso.clients.registration import TOKEN_EXCHANGE
from sso.storage.audit import AuditEntry
from sso.storage.migrate import is_current, migrate, unmigrate

if TYPE_CHECKING:
    from click.testing import Result

    from tests.unit.sso.house import House


@pytest.fixture
def environ(either_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The environment of an operator who set the same as the running server has."""
    settings = either_house.settings
    monkeypatch.setenv("SSO_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("SSO_REDIS_URL", settings.redis_url.get_secret_value())
    keys = [key.get_secret_value() for key in settings.secret_keys]
    monkeypatch.setenv("SSO_SECRET_KEYS", json.dumps(keys))
    return either_house


def run(*arguments: str, typed: str = "") -> Result:
    """Run ``sso`` with *arguments*."""
    return CliRunner().invoke(cli, arguments, input=typed)


def test_a_client_is_made_beside_the_running_server(environ: House) -> None:
    """One JSON object, the secret once, and the server knows it at once."""
    result = run(
        *("client", "create", "--name", "Cloakroom", "--first-party"),
        *("--redirect-uri", "http://localhost:8000/bff/callback/sso"),
        *("--post-logout-redirect-uri", "http://localhost:8000/"),
        *("--backchannel-logout-uri", "http://localhost:8000/bff/backchannel-logout/sso"),
        *("--scope", "openid offline_access", "--access-token-ttl", "1", "--format", "json"),
    )
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert set(made) == {"client_id", "client_secret"}
    response = environ.refresh(
        "x", client_id=made["client_id"], client_secret=made["client_secret"]
    )
    assert response.status_code == 400


def test_what_a_client_may_ask_for_can_change(environ: House) -> None:
    """An operator alone gives `internal:users`; what is no scope changes nothing."""
    client = environ.new_client(scope="openid")
    changed = run("client", "scope", client.client_id, "openid  internal:users")
    assert changed.exit_code == 0, changed.output
    assert run("client", "scope", client.client_id, "no:such").exit_code == 1
    assert run("client", "scope", "nobody", "openid").exit_code == 1
    found = environ.base.clients.find(client.client_id)
    assert found is not None
    assert found.scope == "openid internal:users"


def test_a_public_client_has_no_secret(environ: House) -> None:
    """There is nothing to show."""
    result = run(
        *("client", "create", "--name", "App", "--public", "--redirect-uri"),
        *("http://127.0.0.1/back", "--format", "json"),
    )
    assert set(json.loads(result.stdout)) == {"client_id"}


@pytest.mark.rule("A-02", "A-04", "S-008", "S-100")
@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/back",
        "https://app.example.com/back#x",
        "https://*.example.com/back",
        "https://user@app.example.com/back",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "app:/back",
        "/back",
        "https://",
        "https://app.example.com/\u00e9",
        "https://[bad/back",
        "https://app.example.com\\@evil.example/",
    ],
)
def test_dangerous_addresses_cannot_be_registered(environ: House, uri: str) -> None:
    """One line says why, and the status is not 0."""
    result = run("client", "create", "--name", "App", "--redirect-uri", uri)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1 + uri.count("\n")


def test_an_account_is_made_with_a_password_from_standard_input(environ: House) -> None:
    """One line; the newline is not part of it."""
    result = run(
        *("user", "create", "--username", "grace", "--email", "g@example.org"),
        *("--password-stdin", "--admin", "--verified", "--format", "json"),
        typed="correct horse battery staple\n",
    )
    assert result.exit_code == 0, result.output
    assert environ.visitor().sign_in("grace").status_code == 303
    user = environ.base.users.find_by_name("grace")
    assert user
    assert user.is_admin
    assert user.email_verified


def test_a_name_twice_is_one_line_and_a_status(environ: House) -> None:
    """A script sees that it failed."""
    arguments = ("user", "create", "--username", "ada", "--email", "a@example.org")
    result = run(*arguments, "--password-stdin", typed="a long enough one\n")
    assert result.exit_code == 1
    assert result.stderr == "username: taken\n"


@pytest.mark.rule("A-35")
def test_keys_are_rotated_beside_the_running_server(environ: House) -> None:
    """The next key is published at once, and what the old one signed stays valid."""
    token = environ.tokens()["access_token"]
    result = run("keys", "rotate", "--format", "json")
    assert result.exit_code == 0, result.output
    kid = json.loads(result.stdout)["kid"]
    url = environ.settings.database_url.get_secret_value()
    environ.app = type(environ).node(url, environ.settings.redis_url.get_secret_value())
    published = (environ.app.test_client().get("/oauth/jwks").json or {})["keys"]
    assert kid in {key["kid"] for key in published}
    headers = {"Authorization": f"Bearer {token}"}
    told = environ.app.test_client().get("/oauth/userinfo", headers=headers)
    assert told.status_code == 200


def test_wrong_settings_are_explained_and_status_is_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """As every party does."""
    monkeypatch.setenv("SSO_NONSENSE", "1")
    result = run("migrate")
    assert result.exit_code == 2
    assert "SSO_NONSENSE: is no setting" in result.stderr


def test_migrations_run_twice_back_and_forth(environ: House) -> None:
    """The second run finds nothing to do; down and up again leaves a working schema."""
    assert run("migrate").exit_code == 0
    storage = environ.base.storage
    assert is_current(storage)
    unmigrate(storage, "base")
    assert not is_current(storage)
    early = run("client", "scope", environ.client.client_id, "openid")
    assert (early.exit_code, early.stdout) == (1, "")
    assert "run `python app.py sso migrate` first" in early.stderr
    migrate(storage)
    assert is_current(storage)


def test_leave_to_register_is_made_at_the_command_line(environ: House) -> None:
    """One object, the token once; the log tells who made it."""
    result = run("registration", "allow", "--uses", "2", "--format", "json")
    token = json.loads(result.stdout)["initial_access_token"]
    assert InitialTokens(environ.base.storage, environ.clock).is_good(token)
    with environ.base.storage.reading() as session:
        entry = session.query(AuditEntry).filter_by(action="registration_token.made").one()
    assert entry.actor.startswith("cli:")
    assert token not in entry.object


@pytest.mark.rule("A-49")
def test_exchanges_are_allowed_listed_and_forbidden(environ: House) -> None:
    """A line replaces one of the same clients and APIs; what cannot be is said in words."""
    made = run(
        *("client", "create", "--name", "Desk", "--format", "json", "--par-required"),
        *("--grant-type", TOKEN_EXCHANGE, "--dpop-required"),
    )
    desk = json.loads(made.stdout)["client_id"]
    line = ["exchange", "allow", "--client", desk, "--of", environ.client.client_id]
    line += ["--from", "http://127.0.0.1:7000", "--to", "https://cards.example", "--scope"]
    for scope in ("users:read", "users:read email"):
        assert run(*line, scope).exit_code == 0
    [kept] = [json.loads(each) for each in run("exchange", "list").stdout.splitlines()]
    assert kept["client_id"] == desk
    assert kept["scope"] == "users:read email"
    refused = run(*line, "nonsense")
    assert refused.exit_code == 1
    assert "nonsense" in refused.stderr
    assert run("exchange", "forbid", kept["id"]).exit_code == 0
    assert run("exchange", "forbid", kept["id"]).exit_code == 1
    assert run("exchange", "list").stdout == ""
    client = environ.base.clients.find(desk)
    assert client
    assert (client.par_required, client.dpop_required) == (True, True)
