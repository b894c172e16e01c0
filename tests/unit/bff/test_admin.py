"""What an operator does from the command line, against a real store."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bff.cli import cli
from bff.parts import Parts, build_parts, build_shared
from bff.sessions.model import AccessToken, Device, SessionRecord, Ticket, TokenSet
from bff.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ISSUER = "https://sso.example.com"
OLD, NEW = "o" * 32, "n" * 32


class Operator:
    """The command line with the settings of a running gateway."""

    def __init__(self, redis_url: str) -> None:
        self.environ = {
            "BFF_REDIS_URL": redis_url,
            "BFF_SECRET_KEYS": OLD,
            "BFF_PROVIDERS": f'[{{"name":"sso","issuer":"{ISSUER}","client_id":"c",'
            '"client_secret":"s"}]',
        }
        shared = build_shared(load_settings(environ=self.environ))
        self.parts: Parts = build_parts(shared, shared.settings.all_frontends()[0])

    def run(self, *arguments: str, status: int = 0) -> str:
        """Return what `python app.py bff …` prints."""
        result = CliRunner().invoke(cli, list(arguments), env=self.environ)
        assert result.exit_code == status, result.output
        return result.stdout

    def sign_in(self, sub: str) -> Ticket:
        """Return the ticket of a new session of *sub*."""
        now = time.time()
        tokens = TokenSet(1, "sso", sub, {"": AccessToken("token", now + 600)})
        record = SessionRecord("sso", ISSUER, sub, now, now, now + 3600)
        return self.parts.store.create(record, tokens, Device(ip="127.0.0.1"))

    def close(self) -> None:
        """Let go of the store."""
        self.parts.close()
        self.parts.shared.client.close()


@pytest.fixture
def operator(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """An operator; nothing of the machine's own settings shines through."""
    monkeypatch.delenv("BFF_CONFIG", raising=False)
    operator = Operator(valkey_url)
    yield operator
    operator.close()


def test_sessions_of_one_person_are_listed_and_ended(operator: Operator) -> None:
    """Only that person's, and dead at once."""
    mine, other = [operator.sign_in("ada") for _ in range(2)], operator.sign_in("bob")
    listed = json.loads(operator.run("sessions", "list", "--subject", "ada", "--format", "json"))
    assert {each["id"] for each in listed["sessions"]} == {ticket.public_id for ticket in mine}
    one = mine[0]
    ended = operator.run("sessions", "revoke", "--subject", "ada", "--id", one.public_id)
    assert ended == "1 sessions ended\n"
    assert operator.parts.store.load(one) is None
    assert operator.run("sessions", "revoke", "--subject", "ada") == "1 sessions ended\n"
    assert operator.parts.store.load(other) is not None


def test_usage_tells_when_an_old_key_may_go(operator: Operator) -> None:
    """Sessions are counted under the key that seals them, by its place in the ring."""
    ticket = operator.sign_in("ada")
    operator.environ["BFF_SECRET_KEYS"] = f"{NEW}\n{OLD}"
    assert operator.run("keys", "usage") == "key 2: 1 sessions\n"
    shared = build_shared(load_settings(environ=operator.environ))
    build_parts(shared, shared.settings.all_frontends()[0]).store.touch(ticket)
    assert operator.run("keys", "usage") == "key 1: 1 sessions\n"


def test_new_key_is_accepted_by_the_settings(operator: Operator) -> None:
    """What is printed may be put into `secret_keys` as it is, and differs each time."""
    first, second = operator.run("keys", "new").strip(), operator.run("keys", "new").strip()
    assert first != second
    operator.environ["BFF_SECRET_KEYS"] = first
    assert load_settings(environ=operator.environ)


def test_trace_tells_one_request_of_all_parties(operator: Operator, tmp_path: Path) -> None:
    """Lines of other requests and of no JSON are passed over; nothing found is exit 1."""
    request_id = "a" * 32
    log = tmp_path / "bff.log"
    lines = [
        {
            "at": "t1",
            "party": "bff",
            "event": "http.refused",
            "request_id": request_id,
            "hint": "x",
        },
        {"at": "t2", "party": "bff", "event": "http.refused", "request_id": "b" * 32},
    ]
    log.write_text("no json\n" + "\n".join(json.dumps(line) for line in lines))
    told = operator.run("trace", request_id, "--log", str(log))
    assert told == "t1  bff  http.refused: hint x\n"
    operator.run("trace", "c" * 32, "--log", str(log), status=1)


def test_outage_is_said_in_words(operator: Operator) -> None:
    """No traceback where Redis is down."""
    operator.environ["BFF_REDIS_URL"] = "redis://127.0.0.1:1/0"
    result = CliRunner().invoke(cli, ["keys", "usage"], env=operator.environ)
    assert (result.exit_code, result.stderr) == (1, "Redis gives no answer (ConnectionError).\n")
