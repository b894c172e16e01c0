"""`python app.py bff …`: what an operator asks of the gateway."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from bff import admin
from bff.doctor import examine
from bff.edges import WRITERS, EdgeImpossible, plan_of
from bff.problems import Unavailable
from bff.settings import Settings, SettingsInvalid, load_settings
from httpkit.events import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXIT_FAULTS = 1
_EXIT_SETTINGS = 2


@click.group(help="The gateway. Without a command it is started.")
def cli() -> None:
    """Mount point of the commands."""


@cli.command(help="Check settings, Redis, providers and upstreams. Exit 1 if anything is wrong.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="The TOML file.")
def doctor(config: Path | None) -> None:
    """Print one line a finding, and how to mend what is wrong."""
    try:
        settings = load_settings(config, os.environ)
    except SettingsInvalid as invalid:
        for fault in invalid.faults:
            click.echo(f"wrong  settings: {fault}")
        sys.exit(_EXIT_FAULTS)
    healthy = True
    for finding in examine(settings):
        mark = "ok   " if finding.remedy is None else "wrong"
        click.echo(f"{mark}  {finding.part}: {finding.state}")
        if finding.remedy is not None:
            healthy = False
            click.echo(f"       {finding.remedy}")
    sys.exit(0 if healthy else _EXIT_FAULTS)


@cli.group(help="Sessions of one person: list them, end them.")
def sessions() -> None:
    """Mount point of the commands."""


@sessions.command(name="list", help="Print one line a session.")
@click.option("--issuer", help="Of the provider; the first one's unless given.")
@click.option("--subject", required=True, help="The person's `sub` at that provider.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def list_sessions(issuer: str | None, subject: str, form: str) -> None:
    """Print the sessions of one person."""
    settings = _settings()
    with _outages():
        found = list(admin.sessions_of(settings, issuer=_issuer(settings, issuer), subject=subject))
    if form == "json":
        click.echo(json.dumps({"sessions": found}))
        return
    for session in found:
        click.echo("  ".join(str(value) for value in session.values() if value))
    click.echo(f"{len(found)} sessions")


@sessions.command(help="End all sessions of one person, or one of them. Dead on every node.")
@click.option("--issuer", help="Of the provider; the first one's unless given.")
@click.option("--subject", required=True, help="The person's `sub` at that provider.")
@click.option("--id", "session_id", help="Only the session with this id.")
def revoke(issuer: str | None, subject: str, session_id: str | None) -> None:
    """End sessions and say how many."""
    settings = _settings()
    with _outages():
        ended = admin.revoke(
            settings, issuer=_issuer(settings, issuer), subject=subject, session_id=session_id
        )
    click.echo(f"{ended} sessions ended")


@cli.group(help="The key ring (`secret_keys`).")
def keys() -> None:
    """Mount point of the commands."""


@keys.command(help="Print a new key, to be put before the others. The first seals, all open.")
def new() -> None:
    """Print a key and nothing else."""
    click.echo(admin.new_key())


@keys.command(help="Count the sessions under each key. One without any may be dropped.")
def usage() -> None:
    """Print one line a key in use."""
    with _outages():
        counted = admin.key_usage(_settings())
    for key, count in sorted(counted.items()):
        click.echo(f"{key}: {count} sessions")
    if not counted:
        click.echo("no sessions")


@cli.command(help="Say in words what the logs tell of a request id.")
@click.argument("request_id")
@click.option(
    "--log",
    "logs",
    type=click.File(encoding="utf-8"),
    multiple=True,
    help="A log file; may be given for each party. Standard input unless given.",
)
def trace(request_id: str, logs: tuple[TextIO, ...]) -> None:
    """Print what is known of the request; exit 1 where that is nothing."""
    told = list(admin.trace(admin.read_lines(logs or (sys.stdin,)), request_id))
    for line in told:
        click.echo(line)
    if not told:
        click.echo("The log says nothing of this request.", err=True)
        sys.exit(_EXIT_FAULTS)


@cli.group(help="Print configuration for a proxy that carries calls itself.")
def edge() -> None:
    """Mount point of the commands, one a proxy."""


def _edge_command(proxy: str) -> click.Command:
    @click.option("--gateway", help="Where the proxy reaches the gateway: host:port.")
    @click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="TOML file.")
    def write(gateway: str | None, config: Path | None) -> None:
        settings = _settings(config)
        try:
            style = "path" if proxy == "envoy" else "headers"
            plan = plan_of(settings, gateway or f"{settings.host}:{settings.port}", style)
        except EdgeImpossible as impossible:
            click.echo(str(impossible), err=True)
            sys.exit(_EXIT_SETTINGS)
        click.echo(WRITERS[proxy](plan), nl=False)

    return click.command(proxy, help=f"Print configuration for {proxy}.")(write)


for _proxy in WRITERS:
    edge.add_command(_edge_command(_proxy))


def _settings(config: Path | None = None) -> Settings:
    try:
        settings = load_settings(config, os.environ)
    except SettingsInvalid as invalid:
        for fault in invalid.faults:
            click.echo(fault, err=True)
        sys.exit(_EXIT_SETTINGS)
    configure_logging("bff", level=settings.log_level)  # what is ended here is logged too
    return settings


def _issuer(settings: Settings, given: str | None) -> str:
    return given or settings.providers[0].issuer


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except Unavailable as outage:
        click.echo(f"Redis gives no answer ({outage.hint}).", err=True)
        sys.exit(_EXIT_FAULTS)
