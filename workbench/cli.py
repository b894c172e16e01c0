"""The workbench from the command line: `python app.py workbench …`."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
import structlog
from flask_migrate import upgrade
from sqlalchemy.exc import SQLAlchemyError

from workbench.demo.people import PeopleInvalid, parse_accounts
from workbench.demo.story import PEOPLE
from workbench.demo.telling import NotTold, tell
from workbench.factory import MIGRATIONS, build_app, sender_of
from workbench.notifications.digests import send_all
from workbench.notifications.retention import forget_all
from workbench.problems import Unavailable
from workbench.projects.limits import Limits
from workbench.projects.storage import storage_of
from workbench.projects.upkeep import sweep as sweep_projects
from workbench.settings import SettingsInvalid, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.settings import Settings

EXIT_SETTINGS = 2


@click.group(help="The team's API.")
def cli() -> None:
    """Hold the sub commands."""


_config = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file."
)


@cli.command()
@_config
def migrate(config: Path | None) -> None:
    """Bring the database to the newest schema. Safe to repeat, also by two at once."""
    with _application(config, "migrated"):
        upgrade(directory=str(MIGRATIONS))
    click.echo("The workbench's database is up to date.")


@cli.command()
@_config
def sweep(config: Path | None) -> None:
    """Forget what is too old. In trash, feed and inbox, and abandoned uploads; for a timer."""
    with _application(config, "swept") as settings:
        swept = sweep_projects(storage_of(settings), Limits.of(settings))
        forgotten = forget_all(settings.feed_retention_s)
    click.echo(
        f"Gone for good: {swept.entries} from the trash, {swept.projects} projects, "
        f"{swept.uploads} uploads, {swept.blobs} blobs, {forgotten} events."
    )


@cli.command()
@click.option("--people", type=click.File(encoding="utf-8"), required=True, help="Their accounts.")
@click.option("--beside-others", is_flag=True, help="Although there are other people.")
@_config
def demo(config: Path | None, people: IO[str], *, beside_others: bool) -> None:
    """Make a lively team. PEOPLE is a JSON list of {sub, username, email}. Safe to repeat."""
    # Its own requests are of no interest to whoever typed this.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with _application(config, "filled") as settings:
        try:
            accounts = parse_accounts(people.read(), len(PEOPLE))
            code = tell(settings, accounts, beside_others=beside_others)
        except (PeopleInvalid, NotTold) as reason:
            raise click.ClickException(str(reason)) from None
    if code is None:
        click.echo("The demo's team is there already.")
    else:
        link = f"{settings.front_end_url.rstrip('/')}/join#{code}"
        click.echo(f"The demo's team is there. Anybody else joins it at {link}")


@cli.group()
def digests() -> None:
    """Send the daily e-mail."""


@digests.command("send")
@_config
def send_digests(config: Path | None) -> None:
    """Send every letter that is due: to be run by a timer, once an hour or a day."""
    with _application(config, "read") as settings:
        outcome = send_all(sender_of(settings))
    click.echo(f"{outcome.sent} sent, {outcome.failed} could not leave.")
    if outcome.failed:
        sys.exit(1)


@contextmanager
def _application(config: Path | None, done: str) -> Iterator[Settings]:
    """Hold an application's context; say in one line why the database cannot be *done*."""
    try:
        settings = load_settings(config)
    except SettingsInvalid as invalid:
        for fault in invalid.faults:
            click.echo(fault, err=True)
        sys.exit(EXIT_SETTINGS)
    app = build_app(settings)
    try:
        with app.app_context():
            yield settings
    except (SQLAlchemyError, Unavailable) as error:
        cause = error.__cause__ or error
        reason = str(getattr(cause, "orig", None) or type(cause).__name__)
        raise click.ClickException(f"The database cannot be {done}: {reason}") from None
