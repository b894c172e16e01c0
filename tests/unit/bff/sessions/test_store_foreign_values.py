"""What others planted in Redis is nobody's session: not executed, not a crash, not a sign-in."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.bff.sessions.conftest import ISSUER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.bff.sessions.conftest import Desk


class _Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return (_explode, (self.path,))


def _explode(path: Path) -> None:
    path.touch()


@pytest.mark.rule("S-043")
def test_a_planted_pickle_is_not_executed(desk: Desk, tmp_path: Path) -> None:
    """Foreign bytes in every field are no session, whatever they would do elsewhere (S-043)."""
    trace = tmp_path / "executed"
    bomb = pickle.dumps(_Bomb(trace))
    ticket = desk.sign_in()
    desk.client.hset(ticket.key, mapping={"r": bomb, "t": bomb, "d": bomb})
    assert desk.store.load(ticket) is None
    assert desk.store.load_tokens(ticket) is None
    assert desk.store.sessions_of_subject(ISSUER, "ada") == []
    assert not trace.exists()
    pickle.loads(bomb)
    assert trace.exists()  # the bomb was live


@pytest.mark.rule("F-11")
@pytest.mark.parametrize("plant", ["string", "list", "set", "zset"])
def test_a_value_of_another_kind_under_our_name_is_no_session(desk: Desk, plant: str) -> None:
    """Somebody else's key of another Redis type signs nobody in and breaks nothing (F-11)."""
    ticket, living = desk.sign_in(), desk.sign_in()
    desk.client.delete(ticket.key)
    match plant:
        case "string":
            desk.client.set(ticket.key, b"\x80\x04K\x01.")
        case "list":
            desk.client.rpush(ticket.key, b"x")
        case "set":
            desk.client.sadd(ticket.key, b"x")
        case _:
            desk.client.zadd(ticket.key, {b"x": 1})
    assert desk.store.load(ticket) is None
    assert desk.store.load_tokens(ticket) is None
    assert desk.store.touch(ticket) is False
    [listed] = desk.store.sessions_of_subject(ISSUER, "ada")
    assert listed.digest == living.digest


@pytest.mark.parametrize("field", ["r", "t", "v"])
@pytest.mark.parametrize("value", [b"", b"x", b"\x01\x02\x03\x04"])
def test_a_damaged_field_is_no_session(desk: Desk, field: str, value: bytes) -> None:
    """One damaged field of a session drops that session and no other."""
    damaged, whole = desk.sign_in(), desk.sign_in()
    desk.client.hset(damaged.key, field, value)
    assert desk.store.load(damaged) is None
    assert desk.store.load(whole) is not None


@pytest.mark.parametrize("field", ["r", "t", "v"])
def test_a_missing_field_is_no_session(desk: Desk, field: str) -> None:
    """Half a session is none."""
    ticket = desk.sign_in()
    desk.client.hdel(ticket.key, field)
    assert desk.store.load(ticket) is None


def test_fields_of_one_session_do_not_work_in_another(desk: Desk) -> None:
    """Whoever writes to Redis cannot hand one person's tokens to another."""
    mine, theirs = desk.sign_in("mallory"), desk.sign_in("ada")
    for field, value in desk.client.hgetall(theirs.key).items():
        desk.client.hset(mine.key, field, value)
    assert desk.store.load(mine) is None
    assert desk.store.load_tokens(mine) is None
