"""A private MariaDB server: own data folder, free port, no password, loopback only."""

from __future__ import annotations

import getpass
import itertools
import subprocess
from typing import TYPE_CHECKING

import pymysql

from tests.support import needs
from tests.support.ports import free_port
from tests.support.programs import Program

if TYPE_CHECKING:
    from pathlib import Path


_ACCOUNT = """\
CREATE USER IF NOT EXISTS tests@'127.0.0.1';
GRANT ALL ON *.* TO tests@'127.0.0.1' WITH GRANT OPTION;
"""


class MariaDb:
    """One MariaDB server; every test takes a database of its own from it."""

    def __init__(self, folder: Path) -> None:
        """Prepare a data folder below *folder* (about two seconds)."""
        server = needs.program("mariadbd", package="mariadb-server")
        self.port = free_port()
        self._numbers = itertools.count(1)
        folder.mkdir(parents=True, exist_ok=True)
        _install(folder)
        options = {
            "datadir": folder / "data",
            "socket": folder / "s",
            "init-file": folder / "account.sql",
            "pid-file": folder / "pid",
            "port": self.port,
            "bind-address": "127.0.0.1",
            "user": getpass.getuser(),
            "innodb-flush-log-at-trx-commit": 2,
            "innodb-buffer-pool-size": "64M",
            "innodb-log-file-size": "16M",
            "character-set-server": "utf8mb4",
            "collation-server": "utf8mb4_general_ci",
            "max-connections": 300,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        command = [server, "--no-defaults", "--skip-name-resolve", *arguments]
        self.program = Program("mariadb", command, folder / "mariadb.log", folder=folder)

    def start(self) -> None:
        """Start it, or start it again with its data, and wait until it answers."""
        self.program.start()
        self.program.wait_until(self._is_ready)

    def fresh_database(self) -> str:
        """Make an empty database; return its ``mysql+pymysql://`` address."""
        name = f"room{next(self._numbers)}"
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return f"mysql+pymysql://tests@127.0.0.1:{self.port}/{name}?charset=utf8mb4"

    def _is_ready(self) -> bool:
        try:
            with self._connect():
                return True
        except pymysql.MySQLError:
            return False

    def _connect(self) -> pymysql.Connection:
        return pymysql.connect(host="127.0.0.1", port=self.port, user="tests", connect_timeout=30)


def _install(folder: Path) -> None:
    """Fill the data folder with system tables; write what makes the one account at start."""
    (folder / "account.sql").write_text(_ACCOUNT)
    installer = needs.program("mariadb-install-db", package="mariadb-server")
    subprocess.run(
        [
            installer,
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            f"--user={getpass.getuser()}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        check=True,
        capture_output=True,
        cwd=folder,
    )
