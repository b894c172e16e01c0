"""The SSO from the command line: ``python app.py sso …``. Works beside a running server."""

from __future__ import annotations

import getpass
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from flask import Flask

from httpkit.problems import Unavailable
from sso.accounts.factors import reseal_all
from sso.accounts.invitations import (
    DEFAULT_TTL_S,
    MAX_TTL_S,
    MAX_USES,
    InvitationInvalid,
    Invitations,
)
from sso.accounts.users import NewUser, NewUserInvalid
from sso.clients.exchange_policies import NewPolicy, PolicyInvalid
from sso.clients.initial_tokens import InitialTokens
from sso.clients.registration import (
    AUTHORIZATION_CODE,
    GRANT_TYPES,
    MAX_ACCESS_TOKEN_S,
    REFRESH_TOKEN,
    NewClient,
    NewClientInvalid,
)
from sso.clock import utc_now
from sso.housekeeping.sweeper import Sweeper
from sso.keys.pairs import ALGORITHMS, PUBLISH_LEAD_S
from sso.keys.ring import Unsealable
from sso.services import lay_foundation
from sso.settings import SettingsInvalid, load_settings
from sso.storage.audit import act_as
from sso.storage.migrate import migrate as run_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sso.services import Foundation

EXIT_SETTINGS = 2
EXIT_REFUSED = 1
_MIGRATE_FIRST = "The database has no tables yet: run `python app.py sso migrate` first."

_config = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file; else SSO_CONFIG names it.",
)
_format = click.option("--format", "as_format", type=click.Choice(["text", "json"]), default="text")


def _key_set(_ctx: object, _option: object, file: IO[bytes] | None) -> object:
    if file is None:
        return None
    try:
        return json.load(file)
    except ValueError as error:
        raise click.BadParameter("is not JSON") from error


@click.group(help="The single sign-on server.")
def cli() -> None:
    """Hold the sub commands."""


@cli.command()
@_config
def migrate(config: Path | None) -> None:
    """Bring the database to the newest schema. Safe to repeat, also by two at once."""
    with _foundation(config) as base:
        run_migrations(base.storage)
    click.echo("The SSO's database is up to date.")


@cli.command()
@_format
@_config
def sweep(config: Path | None, as_format: str) -> None:
    """Delete what is long over. The running server does it by itself, too."""
    with _foundation(config) as base:
        counts = Sweeper(base.storage, base.clock).sweep()
    _show({table: str(count) for table, count in counts.items()}, as_format)


@cli.group()
def client() -> None:
    """Registered clients."""


@client.command("create")
@click.option("--name", required=True, help="What people see when it asks.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Where codes go. Repeatable.")
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True)
@click.option("--backchannel-logout-uri", help="Is told by a post when somebody signs out.")
@click.option("--frontchannel-logout-uri", help="Is shown in a frame when somebody signs out.")
@click.option("--public", is_flag=True, help="It cannot keep a secret.")
@click.option("--first-party", is_flag=True, help="Ours: nobody is asked for consent.")
@click.option("--scope", default="", help="All that it may ask for, separated by spaces.")
@click.option(
    "--grant-type",
    "grant_types",
    multiple=True,
    default=(AUTHORIZATION_CODE, REFRESH_TOKEN),
    type=click.Choice(GRANT_TYPES),
)
@click.option("--audience", "audiences", multiple=True, help="An API that its tokens are for.")
@click.option("--introspects", multiple=True, help="An API that it is; it may ask about tokens.")
@click.option("--response-mode", "response_modes", multiple=True)
@click.option("--id-token-alg", type=click.Choice(ALGORITHMS), help="RS256 unless given.")
@click.option("--access-token-alg", type=click.Choice(ALGORITHMS), help="RS256 unless given.")
@click.option("--opaque", is_flag=True, help="Its access tokens say nothing by themselves.")
@click.option(
    "--jwks-file",
    "jwks",
    type=click.File("rb"),
    callback=_key_set,
    help="Public keys: it proves itself by private_key_jwt and has no secret.",
)
@click.option(
    "--pkce-optional",
    "pkce_required",
    is_flag=True,
    default=True,
    flag_value=False,
    help="It relies on nonce alone; for confidential OpenID clients that cannot do PKCE.",
)
@click.option("--par-required", is_flag=True, help="Its requests are pushed, or refused.")
@click.option("--dpop-required", is_flag=True, help="Its tokens are bound to a key of its own.")
@click.option("--code-ttl", "code_ttl_s", type=click.IntRange(1, 600), metavar="S")
@click.option("--access-token-ttl", "access_token_ttl_s", type=click.IntRange(1), metavar="S")
@click.option("--refresh-token-ttl", "refresh_token_ttl_s", type=click.IntRange(1), metavar="S")
@_format
@_config
def create_client(config: Path | None, as_format: str, **registered: Any) -> None:  # noqa: ANN401 - each option is declared above
    """Register a client; its secret is shown this once."""
    with _foundation(config) as base:
        made = base.clients.create(NewClient(**registered))
    shown = {"client_id": made.client.client_id}
    if made.client_secret is not None:
        shown["client_secret"] = made.client_secret
    _show(shown, as_format)


@client.command("scope")
@click.argument("client_id")
@click.argument("scope")
@_config
def change_client_scope(config: Path | None, client_id: str, scope: str) -> None:
    """Say anew what a client may ask for. Whoever is signed in keeps what they granted."""
    with _foundation(config) as base:
        base.clients.change_scope(client_id, scope)
    click.echo("The client may ask for these scopes.")


@cli.group()
def user() -> None:
    """Accounts."""


@user.command("create")
@click.option("--username", required=True)
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True, required=True, help="One line on standard input.")
@click.option("--admin", "is_admin", is_flag=True)
@click.option("--verified", "email_verified", is_flag=True, help="The address is known as theirs.")
@_format
@_config
def create_user(
    config: Path | None, as_format: str, username: str, email: str, **flags: bool
) -> None:
    """Make an account; the password is one line on standard input."""
    flags.pop("password_stdin")
    password = sys.stdin.readline().rstrip("\r\n")
    with _foundation(config) as base:
        made = base.users.create(NewUser(username, email, password, **flags))
    _show({"sub": made.sub, "username": made.username}, as_format)


@cli.group()
def keys() -> None:
    """Signing keys."""


@keys.command("rotate")
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default=ALGORITHMS[0])
@_format
@_config
def rotate_keys(config: Path | None, as_format: str, algorithm: str) -> None:
    """Publish a new signing key. It signs in ten minutes; no validation fails on the way."""
    with _foundation(config) as base:
        kid = base.keys.rotate(keep_s=MAX_ACCESS_TOKEN_S, algorithm=algorithm)
    _show({"kid": kid, "signs_in_s": str(PUBLISH_LEAD_S)}, as_format)


@keys.command("reseal")
@_format
@_config
def reseal_keys(config: Path | None, as_format: str) -> None:
    """Seal anew under the newest of secret_keys. The older ones can be dropped then."""
    with _foundation(config) as base:
        pairs = base.keys.reseal()
        secrets = base.storage.write(lambda session: reseal_all(session, base.ring))
    _show({"signing_keys": str(pairs), "totp_secrets": str(secrets)}, as_format)


@cli.group()
def invitation() -> None:
    """Links by which people make accounts."""


@invitation.command("create")
@click.option("--uses", type=click.IntRange(1, MAX_USES), default=1, show_default=True)
@click.option(
    "--ttl", "ttl_s", type=click.IntRange(60, MAX_TTL_S), default=DEFAULT_TTL_S, show_default=True
)
@click.option("--note", default="", help="For yourself: who it is for.")
@_format
@_config
def create_invitation(
    config: Path | None, as_format: str, uses: int, ttl_s: int, note: str
) -> None:
    """Make an invitation; its link is shown this once."""
    with _foundation(config) as base:
        made = _invitations(base).create(uses=uses, ttl_s=ttl_s, note=note)
    _show({"id": made.id, "link": made.link}, as_format)


@invitation.command("withdraw")
@click.argument("id")
@_config
def withdraw_invitation(config: Path | None, id: str) -> None:  # noqa: A002 - the word of the usage
    """End an invitation before its time."""
    with _foundation(config) as base:
        if not _invitations(base).revoke(id):
            _give_up(["There is no such invitation, or it was withdrawn already."], EXIT_REFUSED)
    click.echo("The invitation is withdrawn.")


@cli.group()
def registration() -> None:
    """Leave for programs to register clients."""


@registration.command("allow")
@click.option("--uses", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option("--ttl", "ttl_s", type=click.IntRange(1), default=86_400, show_default=True)
@_format
@_config
def allow_registration(config: Path | None, as_format: str, uses: int, ttl_s: int) -> None:
    """Make an initial access token; it is shown this once."""
    with _foundation(config) as base:
        token = InitialTokens(base.storage, base.clock).create(uses=uses, ttl_s=ttl_s)
    _show({"initial_access_token": token}, as_format)


@cli.group()
def exchange() -> None:
    """Who may exchange whose tokens for which API (RFC 8693)."""


@exchange.command("allow")
@click.option("--client", "client_id", required=True, help="Who exchanges.")
@click.option("--of", "subject_client_id", required=True, help="Whose tokens.")
@click.option("--from", "from_audience", required=True, help="The API that they are for.")
@click.option("--to", "to_audience", required=True, help="The API that they become for.")
@click.option("--scope", required=True, help="All that may be left of them, separated by spaces.")
@_format
@_config
def allow_exchange(config: Path | None, as_format: str, **line: str) -> None:
    """Let a client exchange tokens of another. The same clients and APIs have one line."""
    with _foundation(config) as base:
        made = base.exchange_policies.allow(NewPolicy(**line))
    _show({"id": made.id}, as_format)


@exchange.command("list")
@_config
def list_exchanges(config: Path | None) -> None:
    """Print each line as a JSON object."""
    with _foundation(config) as base:
        for row in base.exchange_policies.all():
            names = ("id", "client_id", "subject_client_id", "from_audience", "to_audience")
            click.echo(json.dumps({name: getattr(row, name) for name in (*names, "scope")}))


@exchange.command("forbid")
@click.argument("policy_id")
@_config
def forbid_exchange(config: Path | None, policy_id: str) -> None:
    """Take a line away by its id."""
    with _foundation(config) as base:
        if not base.exchange_policies.forbid(policy_id):
            _give_up(["There is no such line."], EXIT_REFUSED)
    click.echo("The exchange is no longer allowed.")


@contextmanager
def _foundation(config: Path | None) -> Iterator[Foundation]:
    """Give the foundation; every refusal is a line a fault and an exit status."""
    act_as(f"cli:{_operator()}")
    try:
        yield lay_foundation(Flask("sso"), load_settings(config), utc_now)
    except SettingsInvalid as invalid:
        _give_up(invalid.faults, EXIT_SETTINGS)
    except (NewClientInvalid, PolicyInvalid) as invalid:
        _give_up(invalid.faults, EXIT_REFUSED)
    except NewUserInvalid as invalid:
        _give_up([f"{field}: {code}" for field, code in invalid.faults.items()], EXIT_REFUSED)
    except InvitationInvalid as invalid:
        _give_up([str(invalid)], EXIT_REFUSED)
    except Unsealable:
        _give_up(["Something is sealed under a key that secret_keys lacks."], EXIT_REFUSED)
    except Unavailable as outage:
        hint = outage.hint or "the database does not answer"
        early = "no such table" in hint or "(1146," in hint
        _give_up([_MIGRATE_FIRST if early else hint], EXIT_REFUSED)


def _invitations(base: Foundation) -> Invitations:
    return Invitations(base.storage, base.clock, issuer=base.settings.origin)


def _operator() -> str:
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):
        return "unnamed"  # a container's user without a name


def _give_up(lines: list[str], status: int) -> None:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(status)


def _show(members: dict[str, str], as_format: str) -> None:
    if as_format == "json":
        click.echo(json.dumps(members))
        return
    for name, value in members.items():
        click.echo(f"{name}: {value}")
