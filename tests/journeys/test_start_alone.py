"""The BFF starts alone with any provider and upstream, or says in one line why it does not."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import parties
from tests.support.browser import exchange
from tests.support.ports import free_port
from tests.support.programs import answers, listens
from tests.support.upstream import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.forged_world import ForgedWorld
    from tests.support.stores import Store

PROVIDER = {
    "name": "any",
    "issuer": "https://sso.example.com",
    "client_id": "c",
    "client_secret": "known-to-nobody-else-and-never-printed",
}
ROUTE = {"path": "/api", "upstream": "http://127.0.0.1:1", "token": "user"}


def alone(folder: Path, store_url: str, **changes: Any) -> parties.Party:  # noqa: ANN401 - settings
    """Return a BFF with right settings but for *changes*."""
    given: dict[str, Any] = {"redis_url": store_url, "providers": [PROVIDER], "routes": [ROUTE]}
    return parties.bff(folder, **{**given, **changes})


def test_bff_starts_without_its_provider_and_upstream(tmp_path: Path, valkey_url: str) -> None:
    """It needs neither at the start; what needs them says that they are away."""
    bff = alone(tmp_path, valkey_url)
    bff.start("/livez")
    try:
        assert answers(f"{bff.url}/readyz")
        assert exchange(f"{bff.url}/api/x", "GET", {"X-CSRF": "1"}).status == 401
        assert exchange(f"{bff.url}/bff/login?return_to=/").status == 503
        assert exchange(f"{bff.url}/").status == 200
    finally:
        assert bff.program.stop() in {0, -15}
    assert not listens(bff.settings["port"])


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"pubic_url": "http://localhost:1"}, "pubic_url"),
    "unknown key of a route": ({"routes": [{**ROUTE, "upsteam": "x"}]}, "upsteam"),
    "plain http elsewhere": ({"public_url": "http://app.example.com"}, "public_url"),
    "address with a path": ({"public_url": "https://app.example.com/x"}, "public_url"),
    "short secret": ({"secret_keys": ["hunter2-hunter2"]}, "secret_keys"),
    "no secret": ({"secret_keys": []}, "secret_keys"),
    "no client secret": (
        {"providers": [{k: v for k, v in PROVIDER.items() if k != "client_secret"}]},
        "client_secret",
    ),
    "plain http issuer": (
        {"providers": [{**PROVIDER, "issuer": "http://sso.example.com"}]},
        "issuer",
    ),
    "two providers of a name": ({"providers": [PROVIDER, PROVIDER]}, "name"),
    "plain http upstream": (
        {"routes": [{**ROUTE, "upstream": "http://api.example.com"}]},
        "upstream",
    ),
    "unknown token mode": ({"routes": [{**ROUTE, "token": "usr"}]}, "token"),
    "text for a number": ({"session": {"idle_ttl_s": "soon"}}, "idle_ttl_s"),
    "negative time": ({"session": {"idle_ttl_s": -1}}, "idle_ttl_s"),
    "unknown SameSite": ({"session": {"cookie_same_site": "none"}}, "cookie_same_site"),
    "foreign store scheme": ({"redis_url": "memcached://127.0.0.1"}, "redis_url"),
}


@pytest.mark.parametrize(("changes", "place"), WRONG.values(), ids=WRONG)
def test_wrong_setting_is_explained_in_one_line(
    tmp_path: Path, changes: dict[str, Any], place: str
) -> None:
    """Exit status 2, one line a fault that names the place; no traceback, no secret."""
    given = {"redis_url": "redis://127.0.0.1:1/0", **changes}
    redis_url = given.pop("redis_url")
    bff = alone(tmp_path, redis_url, **given)
    done = parties.run_app(["bff", "--config", str(bff.config)], bff.environ())
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    lines = [line for line in said.splitlines() if line.strip()]
    assert any(place in line for line in lines), said
    assert len(lines) <= 2, said
    assert "Traceback" not in said
    for secret in (PROVIDER["client_secret"], parties.SECRET_KEYS[0], "hunter2"):
        assert secret not in said


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Three faults, three lines: nobody mends settings one start at a time."""
    bff = alone(
        tmp_path,
        "redis://127.0.0.1:1/0",
        secret_keys=["short"],
        session={"idle_ttl_s": "soon"},
        routes=[{**ROUTE, "token": "usr"}],
    )
    done = parties.run_app(["bff", "--config", str(bff.config)], bff.environ())
    assert done.returncode == 2
    for place in ("secret_keys", "idle_ttl_s", "token"):
        assert sum(place in line for line in done.stderr.splitlines()) == 1, done.stderr


def test_missing_and_broken_files_are_explained(tmp_path: Path) -> None:
    """A settings file that is not there, or is no TOML, is named."""
    broken = tmp_path / "broken.toml"
    broken.write_text("public_url = \n")
    for path in (tmp_path / "absent.toml", broken):
        done = parties.run_app(["bff", "--config", str(path)], {"CLOAKROOM_VAR": str(tmp_path)})
        assert done.returncode == 2
        assert str(path) in done.stderr
        assert "Traceback" not in done.stderr


def test_keys_that_open_nothing_stop_the_sign_in_server(tmp_path: Path, valkey_url: str) -> None:
    """A ring without the key of the database's signing keys: one line, and an end."""
    database = f"sqlite:///{tmp_path / 'sso.sqlite3'}"
    server = parties.sso(tmp_path, database_url=database, redis_url=valkey_url, audience="api")
    server.command("migrate")
    server.command("keys", "rotate")
    environ = {**server.environ(), "SSO_SECRET_KEYS": json.dumps(["another" * 8])}
    done = parties.run_app(["sso"], environ)
    assert done.returncode == 3
    assert "secret_keys: lack the key that the database's signing keys are" in done.stderr
    assert "Traceback" not in done.stderr
    assert "another" not in done.stderr


@pytest.mark.parametrize("variable", ["BFF_PORT", "BFF_MANAGEMENT_PORT"])
def test_busy_port_is_explained(
    tmp_path: Path, forged: ForgedWorld, valkey_url: str, variable: str
) -> None:
    """One clear sentence names the port and its variable; nothing is left running."""
    port = forged.bff.settings["port"]
    bff = alone(tmp_path, valkey_url)
    environ = {**bff.environ(), variable: str(port)}
    done = parties.run_app(["bff", "--config", str(bff.config)], environ)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"Port {port} is in use" in line
    assert line.endswith(f"{variable}.")
    assert exchange(f"{forged.bff.url}/livez").status == 200


def test_environment_wins_over_the_file(tmp_path: Path, valkey_url: str) -> None:
    """``BFF_…``, nested by ``__``, and a secret from a file."""
    bff = alone(tmp_path, "redis://127.0.0.1:1/0")
    port = free_port()
    secret = tmp_path / "keys"
    secret.write_text(json.dumps(["k" * 40]))
    bff.program.environ = {
        **bff.environ(),
        "BFF_PORT": str(port),
        "BFF_PUBLIC_URL": f"http://localhost:{port}",
        "BFF_REDIS_URL": valkey_url,
        "BFF_SESSION__COOKIE_NAME": "ticket",
        "BFF_SECRET_KEYS_FILE": str(secret),
    }
    bff.program.start()
    try:
        bff.program.wait_until(lambda: answers(f"http://localhost:{port}/readyz"))
        two = {"X-CSRF": "1", "Cookie": "session=a; session=b"}
        assert exchange(f"http://localhost:{port}/bff/user", "GET", two).status == 401
    finally:
        bff.program.stop()


def test_two_nodes_share_one_address(tmp_path: Path, forged: ForgedWorld) -> None:
    """A second node with the same public address honours the first one's tickets, and its end."""
    settings = dict(forged.bff.settings)
    second_port = free_port()
    settings |= {"port": second_port, "management_port": free_port()}
    second = parties.Party("bff", f"http://127.0.0.1:{second_port}", tmp_path, settings)
    second.start()
    try:
        visitor = forged.new_visitor()
        visitor.sign_in()
        mine = {"X-CSRF": "1", "Cookie": f"session={visitor.ticket()}"}
        assert exchange(f"{second.url}/api/x", "GET", mine).status == 200
        assert visitor.log_out().status == 200
        assert exchange(f"{second.url}/api/x", "GET", mine).status == 401
    finally:
        second.program.stop()


def test_sigterm_lets_accepted_requests_finish(
    tmp_path: Path, forged: ForgedWorld, durable_store: Store
) -> None:
    """Whoever was let in is served; then everything is down and the port is free."""
    settings = dict(forged.bff.settings)
    port = free_port()
    settings |= {"port": port, "management_port": free_port(), "redis_url": durable_store.url}
    node = parties.Party("bff", f"http://127.0.0.1:{port}", tmp_path, settings)
    node.start()
    arrived, released = threading.Event(), threading.Event()

    def slow(_received: object) -> Answer:
        arrived.set()
        released.wait(15)
        return Answer(body=b'"served"')

    forged.upstream.answer = slow
    with ThreadPoolExecutor(2) as pool:
        pending = pool.submit(exchange, f"{node.url}/public/x", "GET", {"X-CSRF": "1"})
        assert arrived.wait(10)
        ending = pool.submit(node.program.stop)
        node.program.wait_until(lambda: not listens(port))
        released.set()
        assert pending.result().text == '"served"'
        assert ending.result() in {0, -15}
