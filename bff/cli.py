"""`python app.py bff …`: what an operator asks of the gateway."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from bff.doctor import examine
from bff.settings import SettingsInvalid, load_settings

_EXIT_FAULTS = 1


@click.group(help="The gateway. Without a command it is started.")
def cli() -> None:
    """Mount point of the commands."""


@cli.command(help="Check settings, Redis, providers and upstreams; exit 1 if anything is wrong.")
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
