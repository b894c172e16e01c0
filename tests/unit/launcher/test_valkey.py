"""The embedded store: private, and its data outlives it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from launcher.folder import Folder
from launcher.valkey import Store, embedded_store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["short", "long" * 30])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    """A folder whose path fits into a socket's name, and one whose path does not."""
    with Folder(tmp_path / request.param) as folder:
        yield folder


@pytest.fixture
def stores() -> Iterator[list[Store]]:
    """Stores that are ended whatever the test did."""
    stores: list[Store] = []
    yield stores
    for store in stores:
        store.child.end_now()


def _start(stores: list[Store], folder: Folder) -> Store:
    store = embedded_store(folder, "bff")
    stores.append(store)
    store.child.start()
    deadline = time.monotonic() + 20
    while not store.is_ready() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert store.is_ready()
    return store


def test_data_outlives_a_crash(stores: list[Store], folder: Folder) -> None:
    """SIGKILL, another start: what was written is there."""
    store = _start(stores, folder)
    with redis.Redis.from_url(store.url) as client:
        client.set("session", "sealed")
    store.child.end_now()
    with redis.Redis.from_url(_start(stores, folder).url) as client:
        assert client.get("session") == b"sealed"


def test_nobody_else_gets_in(stores: list[Store], folder: Folder) -> None:
    """A socket in a private folder, or a password that no process list shows."""
    store = _start(stores, folder)
    socket = folder.path / "valkey-bff" / "valkey.sock"
    if store.url.startswith("unix://"):
        assert socket.stat().st_mode & 0o077 == 0
        return
    assert not socket.exists()
    bare = f"redis://{store.url.rpartition('@')[2]}"
    with redis.Redis.from_url(bare) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    assert store.child.process is not None
    arguments = Path(f"/proc/{store.child.process.pid}/cmdline").read_bytes()
    password = store.url.removeprefix("redis://:").partition("@")[0]
    assert password.encode() not in arguments
    config = folder.path / "valkey-bff" / "valkey.conf"
    assert config.stat().st_mode & 0o077 == 0
