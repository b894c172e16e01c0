"""S-042, S-043: the store gives nothing away, and what is planted in it does nothing."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.forged_world import ForgedWorld


@pytest.mark.rule("B-36", "S-042")
def test_the_store_tells_a_thief_nothing(forged: ForgedWorld) -> None:
    """S-042: neither ticket, nor token, nor name is in the dump, whole or in part."""
    visitor = forged.signed_in("ada-the-unmistakable")
    ticket = visitor.ticket() or ""
    dumped = b"\n".join(key + b"\n" + value for key, value in forged.store.dump().items())
    assert dumped
    for secret in [ticket, ticket[:21], ticket[-21:], "ada-the-unmistakable", *forged.secrets()]:
        assert secret.encode() not in dumped


class Bomb:
    """Unpickled, it leaves a file; see the test below."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.rule("S-043")
def test_planted_values_are_not_run(forged: ForgedWorld, tmp_path: Path) -> None:
    """S-043: foreign bytes in a session's place are dropped, never executed: 401, not 500."""
    fuse = tmp_path / "fuse"
    values = [pickle.dumps(Bomb(str(fuse))), b"", b"\x00" * 64, b"{}", b"\x80" * 5000]
    for value in values:
        visitor = forged.signed_in()
        (key,) = forged.sessions.keys()
        with forged.store.client() as client:
            for field in client.hgetall(key):
                client.hset(key, field, value)
        assert visitor.api().status == 401
        assert visitor.user().status == 401
        forged.store.flush()
    assert not fuse.exists()


@pytest.mark.rule("S-043")
def test_a_session_of_another_type_in_its_place_is_dropped(forged: ForgedWorld) -> None:
    """S-043: a string or a list where a hash should be is nobody's session."""
    visitor = forged.signed_in()
    (key,) = forged.sessions.keys()
    for plant in ("set", "rpush"):
        with forged.store.client() as client:
            client.delete(key)
            getattr(client, plant)(key, b"foreign")
        assert visitor.api().status in {401, 503}
        assert visitor.user().status in {401, 503}


def test_sealed_values_do_not_fit_another_session(forged: ForgedWorld) -> None:
    """A thief who can write to the store cannot give one session another's tokens."""
    victim, thief = forged.signed_in("ada"), forged.signed_in("mallory")
    keys = forged.sessions.keys()
    with forged.store.client() as client:
        stolen = {key: client.hgetall(key) for key in keys}
        for key, other in zip(keys, reversed(keys), strict=True):
            client.hset(key, mapping=stolen[other])
    for visitor in (victim, thief):
        assert visitor.api().status == 401
