"""What an operator is told about a deployment: one finding a part, and how to mend what is wrong.

Speaks to the live Redis, providers and upstreams, and changes nothing.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from bff.problems import Refused, Unavailable
from bff.sessions.connect import connect, store_errors
from bff.tokens.provider import Provider
from bff.tokens.wire import BoundedTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bff.settings import ProviderSettings, RouteSettings, Settings

_CONNECT_TIMEOUT_S = 3.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIS_LEAST = (6, 2)
# Of a call that a proxy carries itself the gateway sees the beginning alone.
_FOR_CARRIED_CALLS = (
    *("concurrent_per_session", "total_timeout_s", "stream_total_timeout_s"),
    *("websocket_idle_s", "websocket_message_limit_bytes", "websockets_per_session"),
    *("eject_after", "break_after"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; *remedy* is given where something is wrong."""

    part: str
    state: str
    remedy: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for Redis, for each provider and for each upstream."""
    yield Finding("settings", f"complete; the gateway is {settings.public_url}")
    if settings.trusted_proxies and settings.forward_auth != "off":
        yield Finding(
            "forward-auth",
            "answers trusted_proxies with tokens: close /bff/forward-auth to browsers there, or"
            ' set forward_auth = "off"',
        )
        yield from _examine_edge(settings)
    yield from _examine_redis(settings.redis_url.get_secret_value())
    for provider in settings.providers:
        yield from _examine_provider(settings, provider)
    for frontend in settings.all_frontends():
        for route in frontend.routes:
            for url in route.upstream:
                yield _examine_upstream(route, url)


def _examine_edge(settings: Settings) -> Iterator[Finding]:
    """Name what routes ask for and a proxy that carries the calls does not get."""
    for frontend in settings.all_frontends():
        for route in frontend.routes:
            named = [name for name in _FOR_CARRIED_CALLS if name in route.model_fields_set]
            if named:
                yield Finding(
                    f"route {route.path}",
                    f"calls that a proxy carries by forward-auth are not bound by "
                    f"{', '.join(named)}: those hold for calls that the gateway carries",
                )


def _examine_redis(url: str) -> Iterator[Finding]:
    try:
        client = connect(url)
        with closing(client), store_errors():
            info = cast("dict[str, object]", client.info())
    except Unavailable as outage:
        yield Finding(
            "redis",
            f"gives no answer ({outage.hint})",
            "Start it, or correct redis_url: host, port, password and rediss:// for TLS.",
        )
        return
    # Valkey states the Redis version that it is compatible with.
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < _REDIS_LEAST:
        yield Finding("redis", f"is version {version}", "Use Redis 6.2 or newer, or Valkey.")
        return
    yield Finding("redis", f"answers (compatible with Redis {version})")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield Finding(
            "redis",
            f"evicts under memory pressure ({policy}): people would be signed out",
            "Set maxmemory-policy noeviction and enough maxmemory.",
        )


def _examine_provider(settings: Settings, provider: ProviderSettings) -> Iterator[Finding]:
    part = f"provider {provider.name}"
    callbacks = [
        frontend.callback_url(provider.name)
        for frontend in settings.all_frontends()
        if provider in frontend.providers
    ]
    try:
        with closing(BoundedTransport()) as transport:
            examined = Provider(provider, redirect_uri=callbacks[0], transport=transport)
            metadata = examined.metadata()
            examined.published_keys()
    except (OSError, ValueError) as error:
        yield Finding(part, f"private_key_file: {error}", "Name a readable RSA or EC key in PEM.")
        return
    except Unavailable as outage:
        yield Finding(
            part,
            f"{provider.issuer} gives no answer ({outage.hint})",
            "Check the issuer's address, DNS, firewall and certificate from this machine.",
        )
        return
    except Refused as fault:
        yield Finding(
            part,
            f"{provider.issuer}: {fault.hint}",
            "The issuer must be spelt exactly as the provider spells it in its own metadata.",
        )
        return
    yield Finding(part, f"publishes metadata and keys; register {' and '.join(callbacks)} there")
    methods = metadata.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        yield Finding(part, "does not offer PKCE S256", "Enable it; we do not sign in without.")
    if settings.trusted_proxies and settings.forward_auth != "off" and provider.dpop:
        yield Finding(
            part,
            "binds tokens to keys: forward-auth answers 403 for them",
            "Let the gateway carry the calls, or set dpop = false.",
        )
    if metadata.end_session_endpoint is None:
        yield Finding(part, "offers no sign-out of its own; people stay signed in there")


def _examine_upstream(route: RouteSettings, url: str) -> Finding:
    part = f"route {route.path}"
    try:
        with _connected(url) as link:
            if url.startswith("https:"):
                name = route.upstream_tls_name or urlsplit(url).hostname
                with route.tls.context().wrap_socket(link, server_hostname=name):
                    pass
    except ssl.SSLError as error:
        return Finding(
            part,
            f"{url}: its certificate is not accepted, or ours is not ({error.reason})",
            "Name its certificate authority in upstream_ca_file, or install it on this machine.",
        )
    except OSError as error:
        return Finding(
            part,
            f"{url} cannot be reached ({error.strerror or type(error).__name__})",
            "Start the upstream, or correct its address.",
        )
    return Finding(part, f"{url} accepts connections")


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(_CONNECT_TIMEOUT_S)
        link.connect(parts.path)
        return link
    address = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    return socket.create_connection(address, _CONNECT_TIMEOUT_S)
