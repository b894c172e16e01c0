"""Everything an operator can set, typed and frozen.

`load_settings` reads TOML and environment and reports every fault at once. Durations are whole
seconds (``…_s``).
"""

from __future__ import annotations

import re
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    model_validator,
)

from sso.redis_connection import SCHEMES
from sso.settings_sources import SettingsInvalid, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

__all__ = [
    "Housekeeping",
    "Lifetimes",
    "Mail",
    "Passwords",
    "Settings",
    "SettingsInvalid",
    "Throttles",
    "load_settings",
]

MIN_KEY_LENGTH = 32
# Opens the administration. No developer can register it; an operator does, at the command line.
ADMIN_SCOPE = "sso:admin"
# A key is published for ten minutes before it signs; it should then sign for a while.
MIN_KEY_AGE_S = 3_600
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_DAY_S = 86_400


# Segments that nobody on the way rewrites; ``.`` and ``..`` are none.
_ISSUER_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError("must be an address like https://sso.example.com")
    if not _ISSUER_PATH.fullmatch(parts.path) or parts.query or parts.fragment:
        raise ValueError("must end after host and port, or in a plain path without a last slash")
    if value != f"{parts.scheme}://{parts.netloc}{parts.path}":
        raise ValueError("must be written as clients will compare it: no space, no empty parts")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_HOSTS:
        raise ValueError("must be https; plain http is accepted on loopback only")
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_KEY_LENGTH:
        raise ValueError(f"must have {MIN_KEY_LENGTH} characters or more")
    return value


def _database_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("sqlite:///", "mysql+pymysql://")):
        raise ValueError("must start with mysql+pymysql:// or sqlite:///")
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(SCHEMES):
        raise ValueError(
            f"must start with one of {', '.join(SCHEMES)} (only `python app.py` starts "
            "an embedded server and names it here)"
        )
    return value


def _sender(value: str) -> str:
    name, address = parseaddr(value)
    plain = value.isprintable() and address.count("@") == 1 and address.isascii()
    if not plain or not all(address.split("@")) or " " in address or '"' in name:
        raise ValueError('must be an address like "Cloakroom <no-reply@example.com>"')
    return value


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


_GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]


class Lifetimes(_Section):
    """How long what is issued is good for, in seconds; clients may have their own."""

    code_s: int = Field(60, ge=1, le=600)
    access_token_s: int = Field(3_600, ge=1, le=_DAY_S)
    access_token_by_grant_s: dict[_GrantType, Annotated[int, Field(ge=1, le=_DAY_S)]] = {}
    id_token_s: int = Field(3_600, ge=1, le=_DAY_S)
    refresh_idle_s: int = Field(14 * _DAY_S, ge=1)
    refresh_absolute_s: int = Field(30 * _DAY_S, ge=1)
    refresh_grace_s: int = Field(10, ge=0, le=30)
    session_idle_s: int = Field(_DAY_S, ge=60)
    session_absolute_s: int = Field(14 * _DAY_S, ge=60)
    request_s: int = Field(3_600, ge=60)
    pushed_request_s: int = Field(60, ge=5, le=600)
    device_code_s: int = Field(600, ge=30, le=3_600)
    reauthentication_s: int = Field(600, ge=60)
    email_link_s: int = Field(_DAY_S, ge=60)
    password_link_s: int = Field(1_800, ge=60, le=_DAY_S)


class Passwords(_Section):
    """What a password must be, and what one check of it costs this machine."""

    min_length: int = Field(8, ge=8, le=64)
    memory_kib: int = Field(19_456, ge=19_456)
    rounds: int = Field(2, ge=2, le=10)
    parallel_checks: int = Field(2, ge=1, le=64)
    queue_s: float = Field(2.0, gt=0, le=30)


class Throttles(_Section):
    """How many wrong passwords are heard out within a window."""

    window_s: int = Field(900, ge=1)
    wrong_passwords_per_account: int = Field(10, ge=1)
    wrong_passwords_per_address: int = Field(1_000, ge=1)
    wrong_secrets_per_client: int = Field(100, ge=1)
    wrong_codes_per_account: int = Field(10, ge=1)
    mails_per_address: int = Field(5, ge=1)
    mails_per_visitor: int = Field(50, ge=1)


class Mail(_Section):
    """How letters leave: by an SMTP server, or without one into a folder."""

    sender: Annotated[str, AfterValidator(_sender)] = "Cloakroom <no-reply@localhost>"
    outbox: Path = Field(default_factory=lambda: Path("var") / "outbox")
    smtp_host: str | None = Field(None, min_length=1)
    smtp_port: int = Field(587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    username: str | None = None
    password: SecretStr | None = None
    timeout_s: float = Field(10.0, gt=0, le=60)

    @model_validator(mode="after")
    def _credentials_are_safe(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together; set both or neither")
        if self.username and self.security == "none" and self.smtp_host not in _LOOPBACK_HOSTS:
            raise ValueError('a password needs security = "starttls" or "tls"')
        return self


class Housekeeping(_Section):
    """What is done beside requests, by one process at a time; 0 is never."""

    rotate_keys_after_s: int = Field(90 * _DAY_S, ge=0)
    sweep_every_s: int = Field(300, ge=0)

    @model_validator(mode="after")
    def _keys_have_time(self) -> Self:
        if 0 < self.rotate_keys_after_s < MIN_KEY_AGE_S:
            raise ValueError(f"rotate_keys_after_s: must be {MIN_KEY_AGE_S} or more, or 0")
        return self


class Settings(_Section):
    """The settings of one SSO node."""

    issuer: Annotated[str, AfterValidator(_issuer)] = "http://127.0.0.1:9000"
    database_url: Annotated[SecretStr, AfterValidator(_database_url)]
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)]
    secret_keys: list[Annotated[SecretStr, AfterValidator(_long_enough)]] = Field(min_length=1)
    host: str = "127.0.0.1"
    port: int = Field(9_000, ge=0, le=65_535)
    management_host: str = "127.0.0.1"
    management_port: int = Field(0, ge=0, le=65_535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    workers: int = Field(1, ge=1, le=64)
    threads: int = Field(16, ge=1, le=256)
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    default_audience: str = Field("http://127.0.0.1:7000", min_length=1)
    scopes: list[str] = [
        *("openid", "profile", "email", "offline_access"),
        *("users:read", "users:write", "team:read", "team:write"),
        *("project:read", "project:write", "status:read", "status:write"),
        *("feed:read", "notification:read", "notification:write"),
    ]
    operator_scopes: list[str] = ["internal:users"]
    registration: Literal["open", "invited", "closed"] = "open"
    dynamic_registration: bool = False
    verified_email_required: bool = False
    lifetimes: Lifetimes = Lifetimes()
    passwords: Passwords = Passwords()
    throttles: Throttles = Throttles()
    mail: Mail = Mail()
    housekeeping: Housekeeping = Housekeeping()

    @model_validator(mode="after")
    def _scopes_are_scopes(self) -> Self:
        allowed = {chr(c) for c in range(0x21, 0x7F)} - {'"', "\\"}
        for scope in (*self.scopes, *self.operator_scopes):
            if not scope or not set(scope) <= allowed:
                raise ValueError("scopes: each is printable ASCII without space, quote, backslash")
        return self

    @property
    def origin(self) -> str:
        """Where every page and endpoint is; an issuer with a path is a name beneath it."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def https(self) -> bool:
        """Whether browsers reach this party over TLS."""
        return self.issuer.startswith("https://")


def load_settings(
    config_file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings of *config_file* (else ``SSO_CONFIG``) with the environment on top.

    Raises:
        SettingsInvalid: with one line a fault.
    """
    return read_settings(Settings, config_file=config_file, environ=environ)
