"""The SSO from the command line: ``python app.py sso …``. Works beside a running server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sso.accounts.factors import reseal_all
from sso.accounts.invitations import DEFAULT_TTL_S, MAX_TTL_S, MAX_USES, Invitations
from sso.accounts.users import NewUser
from sso.client_commands import client, exchange, registration
from sso.clients.registration import MAX_ACCESS_TOKEN_S
from sso.housekeeping.sweeper import Sweeper
from sso.keys.pairs import ALGORITHMS, PUBLISH_LEAD_S
from sso.operators import config_option, format_option, foundation, give_up, show
from sso.storage.migrate import migrate as run_migrations

if TYPE_CHECKING:
    from pathlib import Path

    from sso.services import Foundation


@click.group(help="The single sign-on server.")
def cli() -> None:
    """Hold the sub commands."""


@cli.command()
@config_option
def migrate(config: Path | None) -> None:
    """Bring the database to the newest schema. Safe to repeat, also by two at once."""
    with foundation(config) as base:
        run_migrations(base.storage)
    click.echo("The SSO's database is up to date.")


@cli.command()
@format_option
@config_option
def sweep(config: Path | None, as_format: str) -> None:
    """Delete what is long over. The running server does it by itself, too."""
    with foundation(config) as base:
        counts = Sweeper(base.storage, base.clock).sweep()
    show({table: str(count) for table, count in counts.items()}, as_format)


@cli.group()
def user() -> None:
    """Accounts."""


@user.command("create")
@click.option("--username", required=True)
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True, required=True, help="One line on standard input.")
@click.option("--admin", "is_admin", is_flag=True)
@click.option("--verified", "email_verified", is_flag=True, help="The address is known as theirs.")
@format_option
@config_option
def create_user(
    config: Path | None, as_format: str, username: str, email: str, **flags: bool
) -> None:
    """Make an account; the password is one line on standard input."""
    flags.pop("password_stdin")
    password = sys.stdin.readline().rstrip("\r\n")
    with foundation(config) as base:
        made = base.users.create(NewUser(username, email, password, **flags))
    show({"sub": made.sub, "username": made.username}, as_format)


@cli.group()
def keys() -> None:
    """Signing keys."""


@keys.command("rotate")
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default=ALGORITHMS[0])
@format_option
@config_option
def rotate_keys(config: Path | None, as_format: str, algorithm: str) -> None:
    """Publish a new signing key. It signs in ten minutes; no validation fails on the way."""
    with foundation(config) as base:
        kid = base.keys.rotate(keep_s=MAX_ACCESS_TOKEN_S, algorithm=algorithm)
    show({"kid": kid, "signs_in_s": str(PUBLISH_LEAD_S)}, as_format)


@keys.command("reseal")
@format_option
@config_option
def reseal_keys(config: Path | None, as_format: str) -> None:
    """Seal anew under the newest of secret_keys. The older ones can be dropped then."""
    with foundation(config) as base:
        pairs = base.keys.reseal()
        secrets = base.storage.write(lambda session: reseal_all(session, base.ring))
    show({"signing_keys": str(pairs), "totp_secrets": str(secrets)}, as_format)


@cli.group()
def invitation() -> None:
    """Links by which people make accounts."""


@invitation.command("create")
@click.option("--uses", type=click.IntRange(1, MAX_USES), default=1, show_default=True)
@click.option(
    "--ttl", "ttl_s", type=click.IntRange(60, MAX_TTL_S), default=DEFAULT_TTL_S, show_default=True
)
@click.option("--note", default="", help="For yourself: who it is for.")
@format_option
@config_option
def create_invitation(
    config: Path | None, as_format: str, uses: int, ttl_s: int, note: str
) -> None:
    """Make an invitation; its link is shown this once."""
    with foundation(config) as base:
        made = _invitations(base).create(uses=uses, ttl_s=ttl_s, note=note)
    show({"id": made.id, "link": made.link}, as_format)


@invitation.command("withdraw")
@click.argument("id")
@config_option
def withdraw_invitation(config: Path | None, id: str) -> None:  # noqa: A002 - the word of the usage
    """End an invitation before its time."""
    with foundation(config) as base:
        if not _invitations(base).revoke(id):
            give_up(["There is no such invitation, or it was withdrawn already."])
    click.echo("The invitation is withdrawn.")


def _invitations(base: Foundation) -> Invitations:
    return Invitations(base.storage, base.clock, issuer=base.settings.origin)


for _group in (client, registration, exchange):
    cli.add_command(_group)
