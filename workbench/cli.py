"""The workbench from the command line: `python app.py workbench …`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask_migrate import upgrade
from sqlalchemy.exc import SQLAlchemyError

from workbench.factory import MIGRATIONS, build_app
from workbench.settings import SettingsInvalid, load_settings

EXIT_SETTINGS = 2


@click.group(help="The team's API.")
def cli() -> None:
    """Hold the sub commands."""


@cli.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file.")
def migrate(config: Path | None) -> None:
    """Bring the database to the newest schema; safe to repeat, also by two at once."""
    try:
        app = build_app(load_settings(config))
    except SettingsInvalid as invalid:
        for fault in invalid.faults:
            click.echo(fault, err=True)
        sys.exit(EXIT_SETTINGS)
    try:
        with app.app_context():
            upgrade(directory=str(MIGRATIONS))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        raise click.ClickException(f"The database cannot be migrated: {reason}") from None
    click.echo("The workbench's database is up to date.")
