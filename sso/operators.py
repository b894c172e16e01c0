"""What every command of an operator needs: the foundation, words for a refusal, one way to show.

A refusal is a line a fault on standard error, and an exit status.
"""

from __future__ import annotations

import getpass
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from flask import Flask

from httpkit.problems import Unavailable
from sso.accounts.invitations import InvitationInvalid
from sso.accounts.users import NewUserInvalid
from sso.clients.exchange_policies import PolicyInvalid
from sso.clients.registration import NewClientInvalid
from sso.clock import utc_now
from sso.keys.ring import Unsealable
from sso.services import lay_foundation
from sso.settings import SettingsInvalid, load_settings
from sso.storage.audit import act_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso.services import Foundation

EXIT_SETTINGS: Final = 2
EXIT_REFUSED: Final = 1
_MIGRATE_FIRST: Final = "The database has no tables yet: run `python app.py sso migrate` first."

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file; else SSO_CONFIG names it.",
)
format_option = click.option(
    "--format", "as_format", type=click.Choice(["text", "json"]), default="text"
)


@contextmanager
def foundation(config: Path | None) -> Iterator[Foundation]:
    """Give the foundation; every refusal is a line a fault and an exit status."""
    act_as(f"cli:{_operator()}")
    try:
        yield lay_foundation(Flask("sso"), load_settings(config), utc_now)
    except SettingsInvalid as invalid:
        give_up(invalid.faults, EXIT_SETTINGS)
    except (NewClientInvalid, PolicyInvalid) as invalid:
        give_up(invalid.faults)
    except NewUserInvalid as invalid:
        give_up([f"{field}: {code}" for field, code in invalid.faults.items()])
    except InvitationInvalid as invalid:
        give_up([str(invalid)])
    except Unsealable:
        give_up(["Something is sealed under a key that secret_keys lacks."])
    except Unavailable as outage:
        hint = outage.hint or "the database does not answer"
        early = "no such table" in hint or "(1146," in hint
        give_up([_MIGRATE_FIRST if early else hint])


def _operator() -> str:
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):
        return "unnamed"  # a container's user without a name


def give_up(lines: list[str], status: int = EXIT_REFUSED) -> None:
    """End the command with *lines* on standard error."""
    for line in lines:
        click.echo(line, err=True)
    sys.exit(status)


def show(members: dict[str, str], as_format: str) -> None:
    """Print *members*: a line each, or one object."""
    if as_format == "json":
        click.echo(json.dumps(members))
        return
    for name, value in members.items():
        click.echo(f"{name}: {value}")
