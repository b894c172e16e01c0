"""The one entry point of the house.

`python app.py` runs everything on embedded defaults; `python app.py bff|sso|workbench` runs one
party, and with a further word one of its commands. Server processes load `app:bff` (ASGI),
`app:sso` and `app:workbench` (WSGI).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from launcher import guard

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent
EXIT_SETTINGS = 2
EXIT_WORKER_BOOT = 3  # gunicorn's own: no worker is started in its place
# Named, not imported: a worker loads it, and only the gateway's.
_EDGE = "bff.proxy.edge:StrictHttpProtocol"
_HELP = {
    "bff": "Run the gateway, or one of its commands.",
    "sso": "Run the sign-in server, or one of its commands.",
    "workbench": "Run the workbench's API, or one of its commands.",
}
_FACTORIES = {"bff": "bff.asgi", "sso": "sso.factory", "workbench": "workbench.factory"}


def __getattr__(name: str) -> object:
    """Make a party's application when a server process asks for it (PEP 562)."""
    if name not in _FACTORIES:
        raise AttributeError(f"module 'app' has no attribute {name!r}")
    guard.follow_leader()
    return importlib.import_module(_FACTORIES[name]).create_app()


class _Entry(click.Group):
    """Mounts a party's own commands when they are asked for; no party loads another's code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return ["all", "demo", *_FACTORIES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name == "all":
            return _everything
        if cmd_name == "demo":
            return _demo
        return _party(cmd_name) if cmd_name in _FACTORIES else None


_config = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file: a party's own settings, or for all with tables [bff], [sso], [workbench].",
)


@click.command(cls=_Entry, invoke_without_command=True)
@_config
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """Cloakroom: hand your tokens in at the door and carry only a ticket."""
    if ctx.invoked_subcommand is None:
        _run_everything(config)


@click.command(name="all", help="Run all three parties on embedded defaults.")
@_config
def _everything(config: Path | None) -> None:
    _run_everything(config)


@click.command(name="demo", help="Make accounts and a lively team, beside the house.")
@click.option("--beside-others", is_flag=True, help="Although there are other people.")
def _demo(*, beside_others: bool) -> None:
    from launcher import demo, house, words  # noqa: PLC0415 - nothing else needs it

    try:
        demo.run(house.var_path(os.environ), os.environ, beside_others=beside_others)
    except words.CannotStart as reason:
        words.complain(str(reason))
        sys.exit(1)


def _run_everything(config: Path | None) -> None:
    from launcher import house  # noqa: PLC0415 - a single party needs none of it

    sys.exit(house.run(config))


class _PartyCommands(click.Group):
    """The commands of one party; their code is loaded when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._own().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._own().get_command(ctx, cmd_name)

    def _own(self) -> click.Group:
        own: click.Group = importlib.import_module(f"{self.name}.cli").cli
        return own


def _party(name: str) -> click.Group:
    """Return the group that runs the party *name* when no command of it is given."""

    @click.group(name=name, cls=_PartyCommands, invoke_without_command=True, help=_HELP[name])
    @_config
    @click.pass_context
    def group(ctx: click.Context, config: Path | None) -> None:
        variable = f"{name.upper()}_CONFIG"
        if config is not None:
            os.environ[variable] = str(config)
        if ctx.invoked_subcommand is None:
            _serve(name)
        elif variable not in os.environ:
            _speak_to_the_running_house(name, variable)

    return group


def _speak_to_the_running_house(name: str, variable: str) -> None:
    """Let a command beside `python app.py` find the settings that the launcher generated."""
    var = Path(os.environ.get("CLOAKROOM_VAR") or ROOT / "var")
    generated = var / "run" / f"{name}.toml"
    if generated.is_file():
        os.environ[variable] = str(generated)


def _serve(name: str) -> None:
    from launcher import servers, words  # noqa: PLC0415 - a party's commands need neither

    settings = _settings_of(name)
    prefix = f"{name.upper()}_"
    try:
        if name == "bff":
            servers.run_asgi("app:bff", settings, setting=prefix, http=_EDGE)
        else:
            # A stream holds its thread for as long as it lasts.
            threads = settings.threads + getattr(settings, "streams", 0)
            servers.run_wsgi(lambda: _application(name), settings, setting=prefix, threads=threads)
    except words.CannotStart as reason:
        words.complain(str(reason))
        sys.exit(1)


def _settings_of(name: str) -> Any:  # noqa: ANN401 - each party has settings of its own type
    party = importlib.import_module(f"{name}.settings")
    with _faults_told(party, EXIT_SETTINGS):
        return party.load_settings()


def _application(name: str) -> object:
    """Return the application in a worker, where settings may turn out not to fit the data."""
    with _faults_told(importlib.import_module(f"{name}.settings"), EXIT_WORKER_BOOT):
        return __getattr__(name)


@contextlib.contextmanager
def _faults_told(party: Any, status: int) -> Iterator[None]:  # noqa: ANN401 - as above
    try:
        yield
    except party.SettingsInvalid as invalid:
        for fault in invalid.faults:
            click.echo(fault, err=True)
        sys.exit(status)


if __name__ == "__main__":
    main()
