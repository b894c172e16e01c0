"""Commands about clients: what they are, who may register them, whose tokens they may exchange."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

import click

from sso.clients.exchange_policies import NewPolicy
from sso.clients.initial_tokens import InitialTokens
from sso.clients.registration import (
    AUTHORIZATION_CODE,
    GRANT_TYPES,
    REFRESH_TOKEN,
    NewClient,
)
from sso.keys.pairs import ALGORITHMS
from sso.operators import config_option, format_option, foundation, give_up, show

if TYPE_CHECKING:
    from pathlib import Path


def _key_set(_ctx: object, _option: object, file: IO[bytes] | None) -> object:
    if file is None:
        return None
    try:
        return json.load(file)
    except ValueError as error:
        raise click.BadParameter("is not JSON") from error


@click.group()
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
@format_option
@config_option
def create_client(config: Path | None, as_format: str, **registered: Any) -> None:  # noqa: ANN401 - each option is declared above
    """Register a client; its secret is shown this once."""
    with foundation(config) as base:
        made = base.clients.create(NewClient(**registered))
    shown = {"client_id": made.client.client_id}
    if made.client_secret is not None:
        shown["client_secret"] = made.client_secret
    show(shown, as_format)


@client.command("scope")
@click.argument("client_id")
@click.argument("scope")
@config_option
def change_client_scope(config: Path | None, client_id: str, scope: str) -> None:
    """Say anew what a client may ask for. Whoever is signed in keeps what they granted."""
    with foundation(config) as base:
        base.clients.change_scope(client_id, scope)
    click.echo("The client may ask for these scopes.")


@click.group()
def registration() -> None:
    """Leave for programs to register clients."""


@registration.command("allow")
@click.option("--uses", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option("--ttl", "ttl_s", type=click.IntRange(1), default=86_400, show_default=True)
@format_option
@config_option
def allow_registration(config: Path | None, as_format: str, uses: int, ttl_s: int) -> None:
    """Make an initial access token; it is shown this once."""
    with foundation(config) as base:
        token = InitialTokens(base.storage, base.clock).create(uses=uses, ttl_s=ttl_s)
    show({"initial_access_token": token}, as_format)


@click.group()
def exchange() -> None:
    """Who may exchange whose tokens for which API (RFC 8693)."""


@exchange.command("allow")
@click.option("--client", "client_id", required=True, help="Who exchanges.")
@click.option("--of", "subject_client_id", required=True, help="Whose tokens.")
@click.option("--from", "from_audience", required=True, help="The API that they are for.")
@click.option("--to", "to_audience", required=True, help="The API that they become for.")
@click.option("--scope", required=True, help="All that may be left of them, separated by spaces.")
@format_option
@config_option
def allow_exchange(config: Path | None, as_format: str, **line: str) -> None:
    """Let a client exchange tokens of another. The same clients and APIs have one line."""
    with foundation(config) as base:
        made = base.exchange_policies.allow(NewPolicy(**line))
    show({"id": made.id}, as_format)


@exchange.command("list")
@config_option
def list_exchanges(config: Path | None) -> None:
    """Print each line as a JSON object."""
    with foundation(config) as base:
        for row in base.exchange_policies.all():
            names = ("id", "client_id", "subject_client_id", "from_audience", "to_audience")
            click.echo(json.dumps({name: getattr(row, name) for name in (*names, "scope")}))


@exchange.command("forbid")
@click.argument("policy_id")
@config_option
def forbid_exchange(config: Path | None, policy_id: str) -> None:
    """Take a line away by its id."""
    with foundation(config) as base:
        if not base.exchange_policies.forbid(policy_id):
            give_up(["There is no such line."])
    click.echo("The exchange is no longer allowed.")
