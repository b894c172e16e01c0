"""The whole world of a journey: BFF, SSO, workbench and stores, joined only by HTTP."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.support import parties
from tests.support.ports import free_port
from tests.support.visitor import Visitor, new_person

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.parties import Party
    from tests.support.programs import Program
    from tests.support.stores import Store
    from tests.support.visitor import Person

SCOPES = [
    *("openid", "profile", "email", "offline_access"),
    *("users:read", "users:write", "team:read", "team:write"),
    *("project:read", "project:write", "status:read", "status:write"),
    *("feed:read", "notification:read", "notification:write"),
]


class Sessions:
    """The BFF's sessions as its store holds them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keys(self) -> list[bytes]:
        """Return the key of every session record."""
        return [key for key in self._store.dump() if key.startswith(b"session:{")]

    def count(self) -> int:
        """Return how many sessions there are."""
        return len(self.keys())


class World:
    """One instance of everything below *folder*; `start` it, `stop` it."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        database_url: str | None = None,
        bff_settings: dict[str, Any] | None = None,
        bff_provider: dict[str, Any] | None = None,
        bff_routes: tuple[dict[str, Any], ...] = (),
        sso_settings: dict[str, Any] | None = None,
        client_options: tuple[str, ...] = (),
    ) -> None:
        """Prepare all three parties; the SSO stores in *database_url* (SQLite unless given).

        ``{bff}`` in *client_options* stands for the gateway's address.
        """
        self.folder, self.store = folder, store
        self.sessions = Sessions(store)
        self._bff_provider, self._bff_routes = bff_provider or {}, bff_routes
        self._bff_settings, self._client_options = bff_settings or {}, client_options
        workbench_port, folder_of = free_port(), folder.joinpath
        self.sso: Party = parties.sso(
            folder_of("sso"),
            database_url=database_url or f"sqlite:///{folder / 'sso.sqlite3'}",
            redis_url=store.url.removesuffix("/0") + "/1",
            audience=f"http://127.0.0.1:{workbench_port}",
            **(sso_settings or {}),
        )
        self.workbench: Party = parties.workbench(
            folder_of("workbench"),
            port=workbench_port,
            issuer=self.sso.url,
            database_url=f"sqlite:///{folder / 'workbench.sqlite3'}",
        )
        self._bff_port = free_port()

    def start(self) -> None:
        """Migrate, register the BFF, make one account, start all three and wait for them."""
        self.sso.command("migrate")
        self.sso.launch()
        self.workbench.command("migrate")
        self.workbench.launch()
        self.bff.launch()
        self.person = self.new_account()
        for party in (self.sso, self.workbench, self.bff):
            party.wait()

    def stop(self) -> None:
        """Stop all three."""
        for program in self.programs():
            program.stop()

    def reset(self) -> None:
        """Forget every session and every visitor; accounts and clients stay."""
        self.store.flush()
        self.__dict__.pop("browser", None)

    @cached_property
    def client(self) -> dict[str, str]:
        """The BFF's registration at the SSO."""
        url = f"http://localhost:{self._bff_port}"
        options = [each.replace("{bff}", url) for each in self._client_options]
        return parties.create_client(self.sso, url, *options)

    @cached_property
    def bff(self) -> Party:
        """The BFF; made when its registration is known."""
        provider = {"name": "sso", "issuer": self.sso.url, "scopes": SCOPES}
        provider |= {name: self.client[name] for name in ("client_id", "client_secret")}
        route = {"path": "/api", "upstream": self.workbench.url, "strip_prefix": True}
        return parties.bff(
            self.folder / "bff",
            redis_url=self.store.url,
            providers=[provider | self._bff_provider],
            routes=[{**route, "token": "user"}, *self._bff_routes],
            port=self._bff_port,
            **self._bff_settings,
        )

    @cached_property
    def browser(self) -> Visitor:
        """The first visitor's browser."""
        return self.new_visitor()

    def new_visitor(self) -> Visitor:
        """Return another browser, of somebody who has an account."""
        return Visitor(self.bff.url, self.person)

    def new_account(self, prefix: str = "ada") -> Person:
        """Make an account by the command line; return it."""
        person = new_person(prefix)
        arguments = ["--username", person.username, "--email", person.email, "--password-stdin"]
        self.sso.command("user", "create", *arguments, typed=person.password + "\n")
        return person

    def programs(self) -> list[Program]:
        """Return the processes of the parties."""
        return [party.program for party in (self.bff, self.sso, self.workbench)]

    def logs(self) -> str:
        """Return everything that any party wrote."""
        return "\n".join(program.log() for program in self.programs())
