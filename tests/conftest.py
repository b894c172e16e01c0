"""Fixtures for every test; what they start is stopped whatever happens."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support import links, needs, programs
from tests.support.forged_world import ForgedWorld, forged_world
from tests.support.mariadb import MariaDb
from tests.support.stores import Store, redis_binary, started, valkey_binary
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

_left_out = pytest.StashKey[list[str]]()
_LOG_TAIL = 3000

links.end_with_their_owners()
# The same examples at every run, and none too slow; chance is for the long forms, which are asked
# for by number.
settings.register_profile(
    "cloakroom",
    derandomize=not {"CLOAKROOM_FUZZ", "FUZZ_EXAMPLES", "CLOAKROOM_EXCHANGES"} & os.environ.keys(),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("cloakroom")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One Valkey for the whole run."""
    with started(Store(valkey_binary(), tmp_path_factory.mktemp("valkey"))) as store:
        yield store


@pytest.fixture
def valkey_url(valkey: Store) -> str:
    """The address of a real, empty Valkey."""
    valkey.flush()
    return valkey.url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One Redis of Debian's for the whole run."""
    with started(Store(redis_binary(), tmp_path_factory.mktemp("redis"))) as store:
        yield store


@pytest.fixture
def redis_server_url(redis_server: Store) -> str:
    """The address of a real, empty Redis."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """One private MariaDB for the whole run; ``fresh_database()`` makes an empty database."""
    server = MariaDb(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.program.stop()


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind in turn, as an SQLAlchemy address."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'room.sqlite3'}"
    server: MariaDb = request.getfixturevalue("mariadb")
    return server.fresh_database()


@pytest.fixture
def durable_store(tmp_path: Path) -> Iterator[Store]:
    """A Valkey of this test alone that keeps its data over a crash; kill and restart it freely."""
    with started(Store(valkey_binary(), tmp_path / "durable", durable=True)) as store:
        yield store


@pytest.fixture(scope="session")
def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with started(Store(valkey_binary(), folder / "store")) as store:
        world = World(folder, store)
        try:
            world.start()
            yield world
        finally:
            world.stop()


@pytest.fixture
def world(_house: World) -> World:
    """BFF, SSO and workbench as running processes; nobody is signed in."""
    _house.reset()
    return _house


@pytest.fixture(scope="session")
def _forged_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForgedWorld]:
    folder = tmp_path_factory.mktemp("forged")
    with (
        started(Store(valkey_binary(), folder / "store")) as store,
        forged_world(folder / "bff", store) as forged,
    ):
        yield forged


@pytest.fixture
def forged(_forged_house: ForgedWorld) -> ForgedWorld:
    """The BFF between a provider that can forge and an upstream that records."""
    _forged_house.reset()
    return _forged_house


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what is left out; show the logs of what runs when a test fails."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and call.excinfo is not None:
        item.config.stash.setdefault(_left_out, []).append(f"{item.nodeid}: {call.excinfo.value}")
    if report.failed:
        for program in programs.running():
            report.sections.append((f"log of {program.name}", program.log()[-_LOG_TAIL:]))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List by name every test that could not run."""
    if left_out := config.stash.get(_left_out, []):
        terminalreporter.section("could not run here")
        for line in left_out:
            terminalreporter.line(line)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Stop every program; with ``CI=true`` a test that could not run is a failure."""
    programs.stop_all()
    if (
        needs.in_ci()
        and session.config.stash.get(_left_out, [])
        and exitstatus == pytest.ExitCode.OK
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that returns a free loopback port."""
    from tests.support import ports  # noqa: PLC0415 - the fixture carries the function's own name

    return ports.free_port


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Let no test that sets logging up decide where the next one's lines go."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
