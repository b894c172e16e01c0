"""What to run and with which settings: embedded defaults below, the operator's own above.

Layers, later wins: the defaults here, `[party]` of `--config FILE`, the file that `PARTY_CONFIG`
names, and in the party itself its environment. Only what one party must know of another is worked
out here: addresses.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher.words import CannotStart

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTIES = ("bff", "sso", "workbench")
EMBEDDED = "embedded"
_PORTS = {"bff": 8000, "sso": 9000, "workbench": 7000}
_PORT_MAX = 65535
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Party:
    """One party as the operator wants it.

    Attributes:
        own: what the operator set in files; it stands above every default.
        environ: the variables that start with the party's prefix.
    """

    name: str
    own: Mapping[str, Any]
    environ: Mapping[str, str] = field(repr=False)

    @property
    def prefix(self) -> str:
        """The start of the party's variables."""
        return f"{self.name.upper()}_"

    def given(self, key: str) -> object:
        """Return what the operator set for *key*, or None. A secret in a file counts as set."""
        for name in (f"{self.prefix}{key.upper()}", f"{self.prefix}{key.upper()}_FILE"):
            if name in self.environ:
                return self.environ[name]
        if any(name.startswith(f"{self.prefix}{key.upper()}__") for name in self.environ):
            return {}
        return self.own.get(key, self.own.get(f"{key}_file"))

    @property
    def host(self) -> str:
        """The address that the party listens on."""
        return str(self.given("host") or "127.0.0.1")

    @property
    def port(self) -> int:
        """The port that the party listens on.

        Raises:
            CannotStart: it is no port.
        """
        value = str(self.given("port") or _PORTS[self.name])
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= _PORT_MAX):
            raise CannotStart(
                f"{self.prefix}PORT is {value!r}; write a number from 1 to {_PORT_MAX}."
            )
        return int(value)

    @property
    def reached_at(self) -> str:
        """The address at which this machine reaches the party, as `host:port` in a URL."""
        host = _ANY_ADDRESS.get(self.host, self.host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def wants_embedded_store(self) -> bool:
        """Whether the launcher is to run this party's Redis."""
        return self.name != "workbench" and self.given("redis_url") in (None, EMBEDDED)


@dataclass(frozen=True, slots=True)
class Plan:
    """All three parties."""

    bff: Party
    sso: Party
    workbench: Party

    @property
    def parties(self) -> tuple[Party, Party, Party]:
        """The parties, the gateway last: it needs the others."""
        return self.sso, self.workbench, self.bff

    @property
    def public_url(self) -> str:
        """Where people go."""
        return str(self.bff.given("public_url") or f"http://localhost:{self.bff.port}")

    @property
    def issuer(self) -> str:
        """Where people sign in."""
        return str(self.sso.given("issuer") or f"http://127.0.0.1:{self.sso.port}")

    @property
    def identifier(self) -> str:
        """What access tokens for the workbench name as their audience."""
        given = self.workbench.given("identifier")
        return str(given or f"http://127.0.0.1:{self.workbench.port}")

    @property
    def registers_first_party(self) -> bool:
        """Whether the BFF signs in through our own SSO, as the client that we register there."""
        return self.bff.given("providers") is None

    def defaults(self, party: Party) -> dict[str, Any]:
        """Return the embedded defaults of *party*, secrets and stores aside."""
        common = {"host": party.host, "port": party.port}
        match party.name:
            case "sso":
                return common | {"issuer": self.issuer, "default_audience": self.identifier}
            case "workbench":
                own = {"issuer": self.issuer, "identifier": self.identifier}
                return common | own | {"front_end_url": self.public_url}
            case _:
                upstream = f"http://{self.workbench.reached_at}"
                route = {"path": "/api", "upstream": upstream, "strip_prefix": True}
                return common | {
                    "public_url": self.public_url,
                    "routes": [{**route, "token": "user"}],
                    "shell": "workbench",
                }


def read_plan(config: Path | None, environ: Mapping[str, str]) -> Plan:
    """Return the plan of *config* (tables `[bff]`, `[sso]`, `[workbench]`) and *environ*.

    Raises:
        CannotStart: a file cannot be read, or two parties are to share one port.
    """
    tables = _read(config) if config else {}
    if strangers := set(tables) - set(PARTIES):
        raise CannotStart(
            f"{config}: no such table: {', '.join(sorted(strangers))}. "
            "Write [bff], [sso] and [workbench]."
        )
    plan = Plan(*(_party(name, tables.get(name, {}), environ) for name in PARTIES))
    taken: dict[int, str] = {}
    for party in plan.parties:
        first = taken.setdefault(party.port, party.prefix)
        if first != party.prefix:
            raise CannotStart(
                f"{first}PORT and {party.prefix}PORT are both {party.port}; give each its own."
            )
    return plan


def _party(name: str, table: object, environ: Mapping[str, str]) -> Party:
    if not isinstance(table, dict):
        raise CannotStart(f"[{name}] must be a table.")
    prefix = f"{name.upper()}_"
    own = dict(table)
    if file := environ.get(f"{prefix}CONFIG"):
        own |= _read(Path(file))
    variables = {
        key: value
        for key, value in environ.items()
        if key.startswith(prefix) and key != f"{prefix}CONFIG"
    }
    return Party(name, own, variables)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotStart(f"{file} is not TOML: {error}.") from None
