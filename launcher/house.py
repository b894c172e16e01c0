"""The whole house by one command: `python app.py`.

Embedded stores, migrations, the first-party client, three parties; then watching until somebody
wants it to end. Whatever happens, nothing is left running.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher import guard, listening, toml
from launcher.child import Child
from launcher.commands import ROOT, change_scope, party_command, register_first_party
from launcher.crew import Crew, unready
from launcher.folder import Folder, write_private
from launcher.migrations import migrate
from launcher.plan import EMBEDDED, Party, Plan, read_plan
from launcher.signals import Signals, StopAsked
from launcher.valkey import Store, embedded_store
from launcher.words import CannotStart, complain, say

if TYPE_CHECKING:
    from collections.abc import Mapping

_READY_WITHIN_S = 60.0
_STORE_READY_WITHIN_S = 60.0
# Together under 30 s: the gateway drains first, for its requests need the others.
_GATEWAY_ENDS_WITHIN_S = 23.5
_OTHERS_END_WITHIN_S = 4.0
_STORES_END_WITHIN_S = 1.5
_LATE_END_S = 6.0
_TITLES = {"bff": "the gateway (bff)", "sso": "the sign-in server (sso)"}
_SCOPES = (
    *("openid", "profile", "email", "offline_access"),
    *("users:read", "users:write", "team:read", "team:write"),
    *("project:read", "project:write", "status:read", "status:write"),
    *("feed:read", "notification:read", "notification:write"),
)
_CLIENTS = ("secrets", "first-party.json")


def run(config: Path | None, environ: Mapping[str, str] = os.environ) -> int:
    """Run everything until somebody stops it; return the exit status."""
    os.umask(0o077)
    with Signals() as signals:
        guard.follow_parent(environ)
        try:
            plan = read_plan(config, environ)
            with Folder(var_path(environ)) as folder:
                _House(plan, folder, dict(environ), signals).run()
        except StopAsked:
            say("Everything is stopped; the data stays.")
            return 0
        except CannotStart as reason:
            complain(f"Cloakroom cannot run. {reason}")
            return 1
        except OSError as error:
            complain(f"Cloakroom cannot run. {error.filename or 'The system'}: {error.strerror}.")
            return 1
    return 0


def var_path(environ: Mapping[str, str]) -> Path:
    """Return the folder of run-time files: `CLOAKROOM_VAR`, else `var/` beside `app.py`."""
    return Path(environ.get("CLOAKROOM_VAR") or ROOT / "var").absolute()


class _House:
    def __init__(
        self, plan: Plan, folder: Folder, environ: dict[str, str], signals: Signals
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._environ = environ | {"CLOAKROOM_VAR": str(folder.path)}
        self._signals = signals
        self._crew = Crew(signals)
        self._stores: dict[str, Store] = {}

    def run(self) -> None:
        """Start, then watch; on the way out, whatever the reason, end all."""
        try:
            started_at = time.monotonic()
            self._start()
            self._welcome(time.monotonic() - started_at)
            self._crew.watch()
        finally:
            if self._signals.asked:
                say("\nStopping: requests under way are finished first (Ctrl-C again: at once).")
            self._crew.stop()

    def _start(self) -> None:
        say(f"Cloakroom is starting. Its data lives in {self._folder.path}")
        self._require_free_ports()
        self._start_stores()
        is_new = not (self._folder.path / "sso.sqlite3").exists()
        self._configure(self._plan.sso)
        self._configure(self._plan.workbench)
        migrated = (self._plan.sso, self._plan.workbench)
        migrate(migrated, self._folder, self._environ_of, self._signals)
        self._configure(self._plan.bff, **self._providers(fresh_database=is_new))
        self._start_parties()

    def _require_free_ports(self) -> None:
        """Pass when every port is free; parties that a killed launcher left are waited for."""
        give_up_at = time.monotonic() + (_LATE_END_S if self._folder.ended_badly else 0)
        for party in self._plan.parties:
            while True:
                try:
                    listening.require_free(party.host, party.port, setting=party.prefix)
                    break
                except CannotStart:
                    if time.monotonic() >= give_up_at:
                        raise
                    self._signals.pause(0.2)

    def _start_stores(self) -> None:
        wanting = [party.name for party in self._plan.parties if party.wants_embedded_store]
        self._stores = {name: embedded_store(self._folder, name) for name in wanting}
        stores = self._stores.values()
        self._crew.start((store.child for store in stores), end_within_s=_STORES_END_WITHIN_S)
        self._crew.wait_until(
            lambda: next(
                (f"{s.child.title} does not answer" for s in stores if not s.is_ready()), None
            ),
            _STORE_READY_WITHIN_S,
        )

    def _start_parties(self) -> None:
        sso, workbench, bff = (self._child(party) for party in self._plan.parties)
        self._crew.start([sso, workbench], end_within_s=_OTHERS_END_WITHIN_S)
        self._crew.start([bff], end_within_s=_GATEWAY_ENDS_WITHIN_S)
        self._crew.wait_until(lambda: unready([sso, workbench, bff]), _READY_WITHIN_S)

    def _configure(self, party: Party, **more: object) -> None:
        """Write the settings file that the party, and its command line, read."""
        settings: dict[str, Any] = self._plan.defaults(party) | more
        if party.name != "workbench" and party.given("secret_keys") is None:
            settings["secret_keys"] = self._folder.secret_keys(party.name)
        own = {key: value for key, value in party.own.items() if value != EMBEDDED}
        if party.name in self._stores:
            own["redis_url"] = self._stores[party.name].url
        if "port" in own:
            own["port"] = party.port
        write_private(self._config_file(party), toml.dumps(settings | own))

    def _providers(self, *, fresh_database: bool) -> dict[str, Any]:
        """Return the BFF's provider: our SSO, where it is registered under its public address."""
        plan = self._plan
        if not plan.registers_first_party:
            return {}
        clients = {} if fresh_database else self._folder.read_json(*_CLIENTS)
        known, scope = f"{plan.issuer} {plan.public_url}", " ".join(_SCOPES)
        client, environ = clients.get(known), self._environ_of(plan.sso)
        if client is None:
            client = register_first_party(plan.public_url, scope, environ, self._signals)
        elif client.get("scope") != scope:  # an older version registered it
            change_scope(client["client_id"], scope, environ, self._signals)
        if client.get("scope") != scope:
            clients[known] = client | {"scope": scope}
            file = self._folder.below(_CLIENTS[0]) / _CLIENTS[1]
            write_private(file, json.dumps(clients, indent=1))
        provider = {"name": "sso", "issuer": plan.issuer, "scopes": list(_SCOPES)}
        credentials = {name: client[name] for name in ("client_id", "client_secret")}
        return {"providers": [provider | credentials]}

    def _child(self, party: Party) -> Child:
        return Child(
            title=_TITLES.get(party.name, f"the {party.name}"),
            command=party_command(party.name),
            log=self._folder.log_file(party.name),
            environ=self._environ_of(party),
            ready_url=f"http://{party.reached_at}/readyz",
        )

    def _environ_of(self, party: Party) -> dict[str, str]:
        environ = self._environ | {f"{party.prefix}CONFIG": str(self._config_file(party))}
        if party.name in self._stores:
            environ.pop(f"{party.prefix}REDIS_URL", None)  # it said "embedded"
        return environ

    def _config_file(self, party: Party) -> Path:
        return self._folder.below("run") / f"{party.name}.toml"

    def _welcome(self, seconds: float) -> None:
        say(f"""Ready after {seconds:.1f} s.

  Open      {self._plan.public_url}
  Account   press "Sign in", then "Create one"; mail goes to {self._folder.path / "outbox"}
  Logs      {self._folder.path / "log"}
  Stop      Ctrl-C; accounts and sessions are still there at the next start.
""")
