"""F-15, F-19 … F-21: a database that is slow, locked, demoted, overrun or full; nothing is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from sqlalchemy import event, func, select, text

from sso.storage.digests import digest
from sso.storage.grants import RefreshToken
from tests.support.mariadb import MariaDb
from tests.unit.sso.house import House, request_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.support.stores import Store

PATIENCE_S = 120  # far less than what the database would take


class Desk:
    """The database's own operator, and an SSO that is there as an ordinary user of it."""

    def __init__(self, server: MariaDb, store: Store) -> None:
        self.server = server
        operator = server.fresh_database()
        self.name = operator.rpartition("/")[2].partition("?")[0]
        self.do("CREATE USER app@'127.0.0.1'", f"GRANT ALL ON {self.name}.* TO app@'127.0.0.1'")
        self.house = House(operator.replace("tests@", "app@"), store.url, threads=4)

    def connect(self, user: str = "tests") -> pymysql.Connection[Any]:
        """Return a connection of *user*, in which every statement is committed."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.server.port,
            user=user,
            database=self.name,
            autocommit=True,
            read_timeout=PATIENCE_S,
        )

    def do(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run *statements* as the operator; return what the last one answers."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def take_all(self, held: contextlib.ExitStack) -> None:
        """Open connections as an ordinary user until the server gives no more."""
        while True:
            held.enter_context(self.connect("app"))

    def wait_until_idle(self) -> None:
        """Return when the server works on no statement of the SSO any more."""
        query = (
            "SELECT COUNT(*) FROM information_schema.processlist "
            "WHERE USER = 'app' AND COMMAND = 'Query'"
        )
        given_up_at = time.monotonic() + PATIENCE_S
        while self.do(query) != [(0,)]:
            assert time.monotonic() < given_up_at, "the server still works on it"
            time.sleep(0.1)

    def introspect(self, tokens: dict[str, Any]) -> TestResponse:
        """Ask about an access token: a request that writes nothing."""
        app = self.house.client
        form = {"client_id": app.client_id, "client_secret": app.client_secret}
        form["token"] = tokens["access_token"]
        return self.house.app.test_client().post("/oauth/introspect", data=form)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, valkey: Store) -> Iterator[Desk]:
    """An SSO over a MariaDB of this module alone."""
    server = MariaDb(tmp_path_factory.mktemp("database"))
    server.start()
    desk = Desk(server, valkey)
    yield desk
    desk.house.close()
    server.program.stop()


def assert_unavailable(response: TestResponse) -> None:
    """Assert that the answer is an outage in the words of the protocol, and when to come back."""
    assert response.status_code == 503, response.text
    assert (response.json or {})["error"] == "temporarily_unavailable"
    assert int(response.headers["Retry-After"]) >= 1


def answer_in_time(ask: Any) -> TestResponse:  # noqa: ANN401 - a call
    """Return what *ask* answers; it must, long before the database would."""
    answers: list[TestResponse] = []
    asking = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    asking.start()
    asking.join(PATIENCE_S)
    assert answers, "no answer"
    return answers[0]


def successors(desk: Desk, token: str) -> int:
    """Return how many refresh tokens the grant of *token* has."""
    with desk.house.base.storage.reading() as session:
        grant_id = session.get_one(RefreshToken, digest(token)).grant_id
        counting = select(func.count()).where(RefreshToken.grant_id == grant_id)
        return int(session.scalar(counting) or 0)


@pytest.mark.rule("F-15")
def test_a_lock_that_is_not_let_go_is_an_outage_and_nothing_is_issued_twice(desk: Desk) -> None:
    """Whoever waits is told to come back; then the same token has its one successor."""
    token = desk.house.tokens()["refresh_token"]
    with desk.connect() as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT * FROM refresh_tokens WHERE digest = %s FOR UPDATE", (digest(token),)
        )
        assert_unavailable(answer_in_time(lambda: desk.house.refresh(token)))
        cursor.execute("ROLLBACK")
    assert successors(desk, token) == 1
    assert desk.house.refresh(token).status_code == 200
    assert successors(desk, token) == 2


@pytest.mark.rule("F-15")
def test_a_statement_that_takes_too_long_is_ended_by_the_server(desk: Desk) -> None:
    """Nothing of it goes on behind the answer, and what it would have done is not done."""
    token = desk.house.tokens()["refresh_token"]
    desk.do(
        "CREATE TRIGGER slow BEFORE UPDATE ON refresh_tokens FOR EACH ROW SET @slept = SLEEP(600)"
    )
    try:
        assert_unavailable(answer_in_time(lambda: desk.house.refresh(token)))
        desk.wait_until_idle()
    finally:
        desk.do("DROP TRIGGER slow")
    assert desk.house.refresh(token).status_code == 200
    assert successors(desk, token) == 2


@pytest.mark.rule("F-19")
def test_a_server_that_was_demoted_is_left_and_codes_are_found_again(desk: Desk) -> None:
    """Reading goes on, writing is 503; the next attempt asks whoever is behind the name by then."""
    storage = desk.house.app.extensions["sso"].base.storage
    tokens, code = desk.house.tokens(), desk.house.signed_in().code()

    def connection_id() -> int:
        with storage.reading() as session:
            return int(session.scalar(text("SELECT CONNECTION_ID()")) or 0)

    desk.do("SET GLOBAL read_only = 1")
    try:
        before = {connection_id() for _ in range(4)}
        assert_unavailable(desk.house.redeem(code))
        assert connection_id() not in before
        assert (desk.introspect(tokens).json or {})["active"] is True
        assert desk.house.app.test_client().get("/oauth/jwks").status_code == 200
    finally:
        desk.do("SET GLOBAL read_only = 0")
    assert desk.house.redeem(code).status_code == 200


@pytest.mark.rule("F-20")
def test_a_server_with_too_many_connections_is_an_outage(desk: Desk) -> None:
    """Told at once, without a connection of ours more than there are threads."""
    house = desk.house
    tokens = house.tokens()
    engine = house.app.extensions["sso"].base.storage.engine
    with contextlib.ExitStack() as held:
        desk.do("SET GLOBAL max_connections = 10")
        held.callback(desk.do, "SET GLOBAL max_connections = 300")
        engine.dispose()
        house.base.storage.engine.dispose()
        with pytest.raises(pymysql.OperationalError, match="Too many connections"):
            desk.take_all(held)
        assert_unavailable(house.refresh(tokens["refresh_token"]))
        assert house.app.test_client().get("/oauth/jwks").status_code == 200
    assert house.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.rule("F-20")
def test_the_pool_is_bounded_and_waiting_for_it_too(desk: Desk) -> None:
    """As many connections as threads; whoever finds none free in time is told so."""
    house = desk.house
    tokens = house.tokens()
    engine = house.app.extensions["sso"].base.storage.engine
    with contextlib.ExitStack() as held:
        for _ in range(house.settings.threads):
            held.enter_context(engine.connect())
        assert_unavailable(answer_in_time(lambda: desk.introspect(tokens)))
    assert (desk.introspect(tokens).json or {})["active"] is True


@pytest.mark.rule("F-21")
@pytest.mark.parametrize("code", [3, 1021, 1114])
def test_a_full_disk_stops_writing_and_nothing_else(desk: Desk, code: int) -> None:
    """Whatever number the server has for it; once there is room, the same token is good."""
    tokens = desk.house.tokens()
    desk.do(
        "CREATE TRIGGER full BEFORE INSERT ON refresh_tokens FOR EACH ROW "
        f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'No space left'"
    )
    try:
        assert_unavailable(desk.house.refresh(tokens["refresh_token"]))
        assert (desk.introspect(tokens).json or {})["active"] is True
    finally:
        desk.do("DROP TRIGGER full")
    assert desk.house.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.rule("F-21")
def test_a_full_file_stops_writing_and_nothing_else(tmp_path: Path, valkey_url: str) -> None:
    """SQLite says so itself; reading goes on, and so does writing once there is room."""
    house = House(f"sqlite:///{tmp_path / 'sso.sqlite3'}", valkey_url)
    tokens, http = house.tokens(), house.app.test_client()
    engine = house.app.extensions["sso"].base.storage.engine
    room = [1]  # SQLite takes what is there already for the least

    def limit(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - the driver's own
        connection.execute(f"PRAGMA max_page_count = {room[0]}")

    event.listen(engine, "checkout", limit)
    wide = " ".join(letter * 4_000 for letter in "abcdefghij")
    asked = request_of(house.client, acr_values=wide)
    asked |= {"client_secret": str(house.client.client_secret)}
    assert_unavailable(http.post("/oauth/par", data=asked))
    introspected = http.post("/oauth/introspect", data={**asked, "token": tokens["access_token"]})
    assert (introspected.json or {})["active"] is True
    room[0] = 1_000_000
    assert http.post("/oauth/par", data=asked).status_code == 201
    house.close()
