"""One command: a person signs in, everything ends, and at the next start all is still there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from bff.sessions.model import Ticket
from tests.support.house import House, environ_of
from tests.support.programs import ROOT, answers
from tests.support.visitor import Person, Visitor, new_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that runs, ready for whatever a test does to it."""
    house = House(tmp_path_factory.mktemp("house"))
    house.start()
    yield house
    house.program.stop()


@pytest.fixture
def running(house: House) -> House:
    """The house, started again if the test before ended it."""
    if not house.program.is_running():
        house.start()
    return house


def _eventually(what: Callable[[], bool], within_s: float = 40) -> bool:
    deadline = time.monotonic() + within_s
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _signed_up(house: House) -> Visitor:
    visitor = house.new_visitor()
    visitor.open(visitor.login_url())
    visitor.sign_up()
    assert visitor.ticket() is not None
    return visitor


def _refusal(house: House, *arguments: str) -> str:
    """Start *house*, which cannot start; return what it says on standard error."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        env=environ_of(house),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("Cloakroom cannot run. ")
    assert "Traceback" not in done.stderr
    assert house.processes() == {}
    return done.stderr


def test_a_person_signs_up_and_reads_their_name(running: House) -> None:
    """From an empty folder: the terminal names the address, the address leads to a name."""
    assert f"Open      {running.url}" in running.program.log()
    visitor = _signed_up(running)
    answer = visitor.api("/users/me")
    assert answer.status == 200
    assert answer.json()["name"] == visitor.person.username
    assert "/static/workbench/main.js" in visitor.open(running.url + "/inbox").text
    visitor.sign_out()
    assert visitor.api("/users/me").status == 401


def test_no_party_names_its_server(running: House) -> None:
    """What serves a party, and in which version, is nobody's business."""
    for port in running.ports.values():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez") as answer:
            assert answer.headers["Server"] is None


def test_everything_ends_and_is_still_there_afterwards(running: House) -> None:
    """SIGTERM ends all; the next start knows the same cookie."""
    visitor = _signed_up(running)
    assert visitor.api("/users/me").status == 200
    assert running.program.stop() == 0
    assert running.processes() == {}
    running.start()
    assert visitor.api("/users/me").status == 200


def test_a_folder_of_an_older_version_learns_new_scopes(running: House) -> None:
    """Whoever signs in after the next start can use what was added since."""
    file = running.var / "secrets" / "first-party.json"
    clients = json.loads(file.read_text("utf-8"))
    for client in clients.values():
        client.pop("scope")
        done = subprocess.run(
            [
                *(sys.executable, str(ROOT / "app.py"), "sso", "client", "scope"),
                *(client["client_id"], "openid profile email offline_access users:read"),
            ],
            env=environ_of(running),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert running.program.stop() == 0
    file.write_text(json.dumps(clients), "utf-8")
    running.start()
    assert _signed_up(running).api("/teams").status == 200
    assert all("scope" in client for client in json.loads(file.read_text("utf-8")).values())


def test_an_accepted_request_is_finished(running: House) -> None:
    """A request whose body is still on its way when the end comes gets its answer."""
    body = b"csrf_token=x&username=a&password=b"
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:{running.ports['sso']}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.ports["sso"])) as link:
        link.settimeout(30)
        link.sendall(head.encode() + body[:10])
        os.kill(running.program.pid, signal.SIGINT)
        assert _eventually(lambda: "Stopping" in running.program.log())
        link.sendall(body[10:])
        assert link.recv(100).startswith(b"HTTP/1.1 403 ")
    assert running.program.stop() == 0
    assert running.processes() == {}


@pytest.mark.parametrize(
    ("party", "what"),
    [("bff", "app.py bff"), ("sso", "app.py sso"), ("workbench", "app.py workbench")],
)
def test_a_killed_party_comes_back(running: House, party: str, what: str) -> None:
    """SIGKILL one: it is started again, and says so on the terminal."""
    first = running.pid_of(what)
    os.kill(first, signal.SIGKILL)
    ready = f"http://127.0.0.1:{running.ports[party]}/readyz"
    assert _eventually(lambda: _newcomer(running, what, first) and answers(ready))
    assert "ended by signal SIGKILL; it is started again" in running.program.log()


@pytest.mark.rule("F-10")
def test_a_killed_store_comes_back_with_its_sessions(running: House) -> None:
    """SIGKILL the embedded Valkey: the same cookie works again."""
    visitor = _signed_up(running)
    ticket = Ticket.parse((visitor.ticket() or "").encode())
    assert ticket is not None
    # What it says is written may wait for a flush of the second before, with it in memory alone.
    files = list(running.var.rglob("*.aof"))
    assert _eventually(lambda: any(ticket.key.encode() in file.read_bytes() for file in files))
    os.kill(running.pid_of("valkey-bff"), signal.SIGKILL)
    assert _eventually(lambda: visitor.api("/users/me").status == 200)
    assert visitor.ticket() is not None


def test_a_killed_launcher_leaves_nothing_behind(running: House) -> None:
    """SIGKILL the launcher: its children end with it, and the next start works."""
    os.kill(running.program.pid, signal.SIGKILL)
    assert _eventually(lambda: running.processes() == {}, within_s=30)
    running.program.kill()
    running.start()
    assert answers(running.url + "/readyz")


def test_commands_work_beside_the_running_house(running: House) -> None:
    """An account made on the command line signs in at once; no settings need to be named."""
    person = new_person("cli")
    arguments = ["sso", "user", "create", "--username", person.username, "--email", person.email]
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *arguments, "--password-stdin"],
        env=environ_of(running),
        input=person.password + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    visitor = Visitor(running.url, Person(person.username, person.password, person.email))
    visitor.sign_in()
    assert visitor.api("/users/me").status == 200


def test_two_instances_run_side_by_side(running: House, tmp_path: Path) -> None:
    """Other ports, another folder: nothing else collides, and neither knows the other's people."""
    other = House(tmp_path / "other")
    other.start()
    try:
        here, there = _signed_up(running), _signed_up(other)
        assert here.api("/users/me").json()["name"] == here.person.username
        assert there.api("/users/me").json()["name"] == there.person.username
    finally:
        other.program.stop()
    assert other.processes() == {}
    assert answers(running.url + "/readyz")


def test_a_moved_port_moves_the_registration(running: House) -> None:
    """With another gateway port people still sign in: the client is registered anew."""
    running.program.stop()
    moved = House(running.var.parent)
    moved.start()
    try:
        assert _signed_up(moved).api("/users/me").status == 200
    finally:
        moved.program.stop()


def test_a_second_launcher_of_one_folder_is_refused(running: House) -> None:
    """The sentence names the first one's process."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        env=environ_of(running),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"process {running.program.pid}" in done.stderr
    assert answers(running.url + "/readyz")


def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    """Which port, and which variable chooses another; nothing is left running."""
    house = House(tmp_path)
    with socket.create_server(("127.0.0.1", house.ports["workbench"])):
        said = _refusal(house)
    assert f"Port {house.ports['workbench']} is in use" in said
    assert "WORKBENCH_PORT" in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BFF_PORT": "eighty"}, "BFF_PORT is 'eighty'"),
        ({"BFF_SESSION__IDLE_TTL": "1"}, "idle_ttl"),
        ({"SSO_ISSUER": "http://sso.example.com"}, "https"),
        ({"WORKBENCH_DATABASE_URL": "postgres://u:hush@h/d"}, "mysql+pymysql"),
        ({"CLOAKROOM_VAR": "/dev/null/var"}, "/dev/null/var"),
    ],
)
def test_a_broken_setting_is_explained(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    """The party's own line is shown, and never a secret; nothing is left running."""
    said = _refusal(House(tmp_path, environ))
    assert words in said
    assert "hush" not in said


def test_settings_of_all_parties_fit_into_one_file(tmp_path: Path) -> None:
    """A wrong key in `--config` is named with its place."""
    file = tmp_path / "all.toml"
    file.write_text("[bff.session]\nidle_ttl = 1\n")
    assert "idle_ttl" in _refusal(House(tmp_path), "--config", str(file))


def _newcomer(house: House, what: str, first: int) -> bool:
    """Return whether only younger processes than *first* do its work."""
    found = [pid for pid, command in house.processes().items() if what in command]
    return bool(found) and min(found) > first
