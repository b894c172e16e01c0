"""What may be set for a route: one prefix, where it leads, and what is allowed on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, cast

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bff.settings.base import Frozen, Words
from bff.settings.limits import RateLimitSettings
from bff.settings.openapi import parse_operations
from bff.settings.rules import (
    require_http_url,
    require_plain_path,
    require_resource,
    require_scopes,
    require_upstreams,
)
from bff.settings.tls import UpstreamTls
from bff.settings.token_target import token_target

TokenMode = Literal["none", "user", "client", "user-or-none"]
Balance = Literal["least-outstanding", "round-robin"]

_OWN_PATHS = ("/bff", "/livez", "/readyz")
_CONNECT_S_MAX = 5.0
_YEAR_S = 366 * 86400


def _seconds(default: float | None = None) -> float:
    """Return the definition of a time that is more than nothing and ends."""
    definition: Any = Field(default=default, gt=0, le=_YEAR_S, allow_inf_nan=False)
    return cast("float", definition)


class RouteSettings(Frozen):
    """One prefix that is proxied, to where, and with which token."""

    path: str
    plain_http: bool = False  # a named exception for a private network; stands before its user
    upstream: Words
    upstream_host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.:_\[\]-]+$")
    upstream_tls_name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.:_-]+$")
    upstream_ca_file: Path | None = None
    upstream_certificate_file: Path | None = None
    upstream_key_file: Path | None = None
    balance: Balance = "least-outstanding"
    resolve_every_s: float = _seconds(30)
    kept_connections: int = Field(default=64, ge=0)
    kept_idle_s: float = _seconds(20)
    eject_after: int = Field(default=5, ge=0)
    eject_s: float = _seconds(10)
    eject_s_max: float = _seconds(300)
    break_after: int = Field(default=20, ge=0)
    break_s: float = _seconds(1)
    break_s_max: float = _seconds(5)
    strip_prefix: bool = True
    token: TokenMode = "user"  # noqa: S105 - a mode
    methods: Words = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    openapi: str | None = None
    openapi_refresh_s: float = _seconds(300)
    timeout_s: float = _seconds(30)
    connect_timeout_s: float | None = _seconds()
    first_byte_timeout_s: float | None = _seconds()
    idle_timeout_s: float | None = _seconds()
    total_timeout_s: float | None = _seconds()
    stream_total_timeout_s: float | None = _seconds()
    concurrent_requests: int = Field(default=0, ge=0)
    concurrent_per_session: int = Field(default=0, ge=0)
    rate_limits: tuple[RateLimitSettings, ...] = ()
    body_limit_bytes: int = Field(default=10 * 1024 * 1024, ge=0)
    allow_set_cookie: bool = False
    audience: str | None = None
    resource: str | None = None
    scopes: Words = ()
    websocket: bool = False
    websocket_idle_s: float = _seconds(300)
    websocket_message_limit_bytes: int = Field(default=1024 * 1024, ge=0)
    websockets_per_session: int = Field(default=16, ge=1)

    @property
    def token_target(self) -> str:
        """What this route's token is for, as one string; empty for the provider's default."""
        return token_target(self.audience, self.resource, self.scopes)

    @property
    def tls(self) -> UpstreamTls:
        """How its upstream is known, where it is https."""
        return UpstreamTls(
            ca_file=self.upstream_ca_file,
            certificate_file=self.upstream_certificate_file,
            key_file=self.upstream_key_file,
            name=self.upstream_tls_name,
        )

    @property
    def connect_s(self) -> float:
        """How long one address may take to accept a connection."""
        return self.connect_timeout_s or min(_CONNECT_S_MAX, self.timeout_s)

    @field_validator("path")
    @classmethod
    def _path(cls, value: str) -> str:
        bare = require_plain_path(value)
        if bare in _OWN_PATHS or bare.startswith("/bff/"):
            raise ValueError(f"is one of the gateway's own paths ({', '.join(_OWN_PATHS)})")
        return bare

    @field_validator("methods")
    @classmethod
    def _methods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("must name at least one method")
        refused = {"CONNECT", "TRACE"} & {method.upper() for method in value}
        if refused or not all(method.isalpha() and method.isupper() for method in value):
            raise ValueError("must be upper-case method names; CONNECT and TRACE never pass")
        return value

    @field_validator("scopes")
    @classmethod
    def _scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return require_scopes(value)

    @field_validator("resource")
    @classmethod
    def _resource(cls, value: str | None) -> str | None:
        return None if value is None else require_resource(value)

    @field_validator("upstream")
    @classmethod
    def _upstream(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        require_upstreams(value, plain_http=bool(info.data.get("plain_http")))
        return value

    @field_validator("openapi")
    @classmethod
    def _openapi(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if value.startswith(("http://", "https://")):
            require_http_url(value, plain_http=bool(info.data.get("plain_http")))
            return value
        try:
            parse_operations(Path(value).read_bytes())
        except OSError as error:
            raise ValueError(f"{value} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise ValueError(f"{value} {error}") from error
        return value

    @field_validator("rate_limits")
    @classmethod
    def _rate_limits(cls, value: tuple[RateLimitSettings, ...]) -> tuple[RateLimitSettings, ...]:
        if len({limit.by for limit in value}) != len(value):
            raise ValueError("at most one limit each by session, address and route")
        return value

    @model_validator(mode="after")
    def _tls(self) -> RouteSettings:
        if self.upstream_key_file is not None and self.upstream_certificate_file is None:
            raise ValueError("upstream_key_file: needs upstream_certificate_file")
        if self.tls != UpstreamTls():
            if not all(url.startswith("https://") for url in self.upstream):
                raise ValueError("upstream_…_file and upstream_tls_name: are for https upstreams")
            self.tls.context()
        return self
