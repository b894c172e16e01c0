"""What is long over goes, in small batches, by one process; what is needed stays."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from sso.cli import cli
from sso.housekeeping import sweeper as sweeping
from sso.housekeeping.sweeper import SWEPT, Sweeper
from sso.mounting import keeper_of
from sso.settings import Housekeeping
from sso.storage.base import Base
from sso.storage.grants import RevokedAccessToken
from tests.unit.sso.house import House

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DAY_S = 86_400


def count(house: House) -> int:
    """Return how many revoked tokens are kept."""
    with house.base.storage.reading() as session:
        return session.scalar(select(func.count()).select_from(RevokedAccessToken)) or 0


def revoke(house: House, number: int) -> None:
    """Write down *number* tokens that will have expired in an hour."""
    expires_at = house.clock() + timedelta(hours=1)

    def work(session: Session) -> None:
        session.add_all(
            RevokedAccessToken(jti=f"{expires_at.timestamp()}-{n}", expires_at=expires_at)
            for n in range(number)
        )

    house.base.storage.write(work)


def test_every_table_that_ends_is_swept() -> None:
    """A table whose rows expire is in the list, so that none grows for ever."""
    ends = {t.name for t in Base.metadata.tables.values() if "expires_at" in t.columns}
    assert ends == {each.model.__tablename__ for each in SWEPT}


def test_what_is_over_goes_and_what_is_needed_stays(either_house: House) -> None:
    """Tokens of today work after a sweep; those of two months ago left nothing."""
    house = either_house
    house.tokens()
    house.clock.pass_s(60 * DAY_S)
    fresh = house.tokens()
    counts = Sweeper(house.base.storage, house.clock).sweep()
    assert counts["grants"] == 1
    assert counts["browser_sessions"] == 1
    assert counts["authorization_codes"] == 1
    assert Sweeper(house.base.storage, house.clock).sweep() == {}
    assert house.refresh(fresh["refresh_token"]).status_code == 200


def test_it_goes_in_small_batches(either_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many a transaction, so many transactions a round; the rest is for the next."""
    house = either_house
    monkeypatch.setattr(sweeping, "_BATCH", 10)
    monkeypatch.setattr(sweeping, "_MAX_BATCHES", 3)
    revoke(house, 45)
    house.clock.pass_s(3_601)
    sweeper = Sweeper(house.base.storage, house.clock)
    assert sweeper.sweep() == {"revoked_access_tokens": 30}
    assert sweeper.sweep() == {"revoked_access_tokens": 15}


def test_a_round_may_take_more_than_a_busy_server_makes() -> None:
    """Three hundred refreshes a second leave as many rows; else the table grew for ever."""
    a_round = sweeping._BATCH * sweeping._MAX_BATCHES
    assert a_round / Housekeeping().sweep_every_s > 300


def test_two_sweepers_at_once_disturb_nobody(either_house: House) -> None:
    """Each row goes once."""
    house = either_house
    revoke(house, 300)
    house.clock.pass_s(3_601)
    swept: list[int] = []
    start = threading.Barrier(3)

    def sweep() -> None:
        start.wait()
        counts = Sweeper(house.base.storage, house.clock).sweep()
        swept.append(counts.get("revoked_access_tokens", 0))

    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(swept) == 3
    assert count(house) == 0


def test_one_process_takes_the_turn_and_tells_how_much(either_house: House) -> None:
    """The second finds it done; the metric says what went."""
    house = either_house
    registry = CollectorRegistry()
    keepers = [keeper_of(house.base, registry), keeper_of(house.base, CollectorRegistry())]
    keepers[0].look()
    revoke(house, 7)
    house.clock.pass_s(3_601)
    for keeper in keepers:
        keeper.look()
    told = registry.get_sample_value("sso_rows_swept_total", {"table": "revoked_access_tokens"})
    assert told == 7
    assert count(house) == 0


@pytest.mark.rule("A-35")
def test_the_keeper_rotates_old_keys(house: House) -> None:
    """After ninety days; the metric counts."""
    registry = CollectorRegistry()
    keeper = keeper_of(house.base, registry)
    keeper.look()
    assert registry.get_sample_value("sso_keys_rotated_total") == 0
    house.clock.pass_s(90 * DAY_S + 1)
    keeper.look()
    keeper.look()
    assert registry.get_sample_value("sso_keys_rotated_total") == 2


def test_never_is_never(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> None:
    """0 switches either off."""
    file = tmp_path_factory.mktemp("never") / "sso.sqlite3"
    house = House(
        f"sqlite:///{file}",
        valkey_url,
        housekeeping={"rotate_keys_after_s": 0, "sweep_every_s": 0},
    )
    revoke(house, 1)
    house.clock.pass_s(400 * DAY_S)
    registry = CollectorRegistry()
    keeper_of(house.base, registry).look()
    assert count(house) == 1
    assert registry.get_sample_value("sso_keys_rotated_total") == 0


def test_the_command_line_sweeps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the running server; it says what went."""
    revoke(house, 3)
    monkeypatch.setenv("SSO_DATABASE_URL", house.settings.database_url.get_secret_value())
    monkeypatch.setenv("SSO_REDIS_URL", house.settings.redis_url.get_secret_value())
    monkeypatch.setenv(
        "SSO_SECRET_KEYS",
        json.dumps([key.get_secret_value() for key in house.settings.secret_keys]),
    )
    monkeypatch.setattr("sso.operators.utc_now", lambda: house.clock() + timedelta(hours=2))
    result = CliRunner().invoke(cli, ["sweep", "--format", "json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"revoked_access_tokens": "3"}
