"""Idempotency keys: retried requests and double clicks do nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from workbench.database import db
from workbench.kit.clock import utc_now
from workbench.kit.idempotency import IdempotencyKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Someone


@pytest.fixture
def ann(person: Callable[[str], Someone]) -> Someone:
    return person("ann")


def teams_of(someone: Someone) -> list[str]:
    """Return the names of their teams."""
    page = someone.get("/teams").json
    assert page is not None
    return [team["name"] for team in page["items"]]


def test_a_retry_gets_the_same_answer(ann: Someone) -> None:
    """Byte for byte, headers that matter included; there is one team."""
    first = ann.post("/teams", {"name": "One"}, key="k-1")
    again = ann.post("/teams", {"name": "One"}, key="k-1")
    assert first.status_code == again.status_code == 201
    assert first.data == again.data
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["ETag"] == again.headers["ETag"]
    assert teams_of(ann) == ["One"]


def test_simultaneous_requests_make_one(ann: Someone) -> None:
    """Eight clicks at once: one team, eight equal answers."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: ann.post("/teams", {"name": "One"}, key="click"), range(8))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert teams_of(ann) == ["One"]


def test_a_key_is_for_one_request(ann: Someone) -> None:
    """Another body under the same key is a mistake, and changes nothing."""
    ann.post("/teams", {"name": "One"}, key="k")
    answer = ann.post("/teams", {"name": "Two"}, key="k")
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == "idempotency_key_reused"
    assert teams_of(ann) == ["One"]


def test_a_key_is_its_callers_own(ann: Someone, person: Callable[[str], Someone]) -> None:
    """Somebody else's key of the same spelling is another key."""
    bob = person("bob")
    ann.post("/teams", {"name": "One"}, key="k")
    assert bob.post("/teams", {"name": "One"}, key="k").status_code == 201
    assert teams_of(bob) == ["One"]


def test_a_refusal_is_not_remembered(ann: Someone) -> None:
    """What was refused may be sent again, mended, under the same key."""
    assert ann.post("/teams", {"name": ""}, key="k").status_code == 422
    assert ann.post("/teams", {"name": "One"}, key="k").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "k" * 256])
def test_a_malformed_key_is_named(ann: Someone, key: str) -> None:
    """400, and nothing is done."""
    answer = ann.post("/teams", {"name": "One"}, key=key)
    assert answer.status_code == 400
    assert teams_of(ann) == []


def test_a_key_expires(ann: Someone, api: FlaskClient) -> None:
    """After its time the same key stands for a new request."""
    ann.post("/teams", {"name": "One"}, key="k")
    with api.application.app_context():
        db.session.execute(update(IdempotencyKey).values(expires_at=utc_now() - timedelta(1)))
        db.session.commit()
    assert ann.post("/teams", {"name": "Two"}, key="k").status_code == 201
    assert teams_of(ann) == ["One", "Two"]


def test_what_is_stored_tells_nothing(ann: Someone, api: FlaskClient) -> None:
    """Neither the key nor the answer can be read in the table."""
    ann.post("/teams", {"name": "Where Ann works"}, key="a-key-of-mine")
    with api.application.app_context():
        row = db.session.scalars(select(IdempotencyKey)).one()
        assert b"Where Ann works" not in row.answer
        assert "a-key-of-mine" not in row.digest


def test_old_rows_are_swept(ann: Someone, api: FlaskClient) -> None:
    """Every fiftieth key takes expired ones along; the table does not grow for ever."""

    def old(number: int, pk: int | None = None) -> IdempotencyKey:
        past = utc_now() - timedelta(hours=1)
        return IdempotencyKey(
            pk=pk, digest=f"{number:064}", request="", answer=b"", expires_at=past
        )

    with api.application.app_context():
        rows = [old(number) for number in range(48)]
        db.session.add_all(rows)
        db.session.flush()
        # Numbers begin wherever the database's tests before this one left them.
        last = max(row.pk for row in rows)
        db.session.add(old(48, pk=(last // 50 + 2) * 50 - 1))
        db.session.commit()
    ann.post("/teams", {"name": "One"}, key="fiftieth")
    with api.application.app_context():
        assert len(db.session.scalars(select(IdempotencyKey)).all()) == 1
