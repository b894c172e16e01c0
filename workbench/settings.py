"""Typed settings of the workbench: a TOML file below, the environment above.

Every fault is reported at once, each with its place and what would be right; never with a value
that may be secret.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "WORKBENCH_"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_BACKENDS = frozenset({"mysql", "sqlite"})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(/[A-Za-z0-9._-]+)*/?")
_CENTURY_S = 3_155_760_000  # far enough, and no date is without a name
_MEDIA_TYPE = re.compile(r"\*/\*|[a-z0-9.+-]+/(\*|[a-z0-9.+-]+)")


class SettingsInvalid(Exception):  # noqa: N818 - the name that all parties share
    """The settings cannot be used; `faults` has one line for each reason."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def is_loopback(url: str) -> bool:
    """Return whether *url* names this machine."""
    return urlsplit(url).hostname in _LOOPBACK


def _origin(value: str) -> str:
    """Return *value* when it is an absolute URL that tokens can safely be bound to."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write an absolute URL, such as https://sso.example.com")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("write a URL without user, query or fragment")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("plain http is accepted on loopback only; write https://")
    return value


def _database_url(value: str) -> str:
    try:
        backend = make_url(value).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in _BACKENDS:
        raise ValueError("write mysql+pymysql://user:password@host/name or sqlite:///file")
    return value


def _var() -> Path:
    named = os.environ.get("CLOAKROOM_VAR")
    return Path(named) if named else Path(__file__).resolve().parent.parent / "var"


def _default_database_url() -> str:
    return f"sqlite:///{_var()}/workbench.sqlite3"


def _files_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("write an address without user, query or fragment")
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return value
    if parts.scheme == "s3" and _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(parts.path):
        return value
    raise ValueError("write file:///folder or s3://bucket/prefix")


def _default_outbox() -> Path:
    return _var() / "outbox"


def _default_files_url() -> str:
    return f"file://{quote(str(_var().absolute()))}/files"


def _media_types(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not all(_MEDIA_TYPE.fullmatch(each) for each in value):
        raise ValueError("write media types, such as image/png, image/* or */*")
    return value


class Settings(BaseModel):
    """Everything an operator may decide. Durations are seconds.

    Attributes:
        issuer: the one authorization server whose tokens are accepted, exactly as `iss` says it.
        identifier: what `aud` must contain; by default the address people of this machine use.
        streams: how many pages of a process may follow the feed; each takes a thread more.
        front_end_url: where people open the workbench; letters lead there.
        mail_smtp_host: who takes letters; without one they are put into `mail_outbox`.
        leeway_s: how far the clocks of the two machines may be apart.
        keys_ttl_s: age at which the issuer's keys are asked for again.
        keys_max_age_s: age at which keys are no longer trusted although the issuer is silent.
        profile_ttl_s: age at which a person's name is asked for again at their next visit.
        files_url: where the bytes of files lie: a folder, or a bucket that speaks S3.
        s3_endpoint: the server of the bucket, addressed by path.
        document_limit_bytes: the longest text of a document, in UTF-8.
        project_nodes: the most folders, documents and files of one project.
        project_bytes: the most that its files take, in the trash and to come as well.
        upload_limit_bytes: the largest file.
        upload_chunk_bytes: the length of an upload's chunks; below the gateway's body limit.
        upload_types: media types that may be uploaded.
        upload_ttl_s: how long an upload that nobody goes on with is kept.
        trash_retention_s: how long what was thrown away can be brought back.
        feed_retention_s: how far feed and inbox reach back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=7000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    threads: int = Field(default=16, ge=1, le=256)
    streams: int = Field(default=64, ge=0, le=1024)
    management_host: str = "127.0.0.1"
    management_port: int = Field(default=0, ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    issuer: Annotated[str, AfterValidator(_origin)] = "http://127.0.0.1:9000"
    identifier: str = Field(default="http://127.0.0.1:7000", min_length=1)
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default_factory=_default_database_url, validate_default=True, repr=False
    )

    leeway_s: int = Field(default=30, ge=0, le=300)
    keys_ttl_s: int = Field(default=300, ge=10)
    keys_max_age_s: int = Field(default=86_400, ge=60)
    profile_ttl_s: int = Field(default=900, ge=1)

    front_end_url: Annotated[str, AfterValidator(_origin)] = "http://localhost:8000"
    mail_smtp_host: str | None = None
    mail_smtp_port: int = Field(default=587, ge=1, le=65535)
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_username: str | None = None
    mail_password: SecretStr | None = None
    mail_from: str = Field(default="Cloakroom <workbench@localhost>", min_length=3)
    mail_outbox: Path = Field(default_factory=_default_outbox)

    files_url: Annotated[str, AfterValidator(_files_url)] = Field(
        default_factory=_default_files_url, validate_default=True
    )
    s3_endpoint: Annotated[str, AfterValidator(_origin)] = "https://s3.amazonaws.com"
    s3_region: str = Field(default="us-east-1", pattern="^[a-z0-9-]+$")
    s3_access_key: str = Field(default="", repr=False)
    s3_secret_key: str = Field(default="", repr=False)
    document_limit_bytes: int = Field(default=1_048_576, ge=1024, le=16_777_215)
    project_nodes: int = Field(default=10_000, ge=1)
    project_bytes: int = Field(default=53_687_091_200, ge=1)
    upload_limit_bytes: int = Field(default=1_073_741_824, ge=1)
    upload_chunk_bytes: int = Field(default=8_388_608, ge=65_536, le=67_108_864)
    upload_types: Annotated[tuple[str, ...], AfterValidator(_media_types)] = ("*/*",)
    upload_ttl_s: int = Field(default=172_800, ge=3600, le=_CENTURY_S)
    trash_retention_s: int = Field(default=2_592_000, ge=0, le=_CENTURY_S)
    feed_retention_s: int = Field(default=31_536_000, ge=86_400, le=_CENTURY_S)

    @model_validator(mode="after")
    def _a_bucket_has_keys(self) -> Self:
        if self.files_url.startswith("s3:") and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError("files_url names a bucket: set s3_access_key and s3_secret_key")
        return self


def load_settings(
    config_file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings of *config_file* (else of `WORKBENCH_CONFIG`) below those of *environ*.

    Raises:
        SettingsInvalid: something is unknown, missing or wrong; nothing was started.
    """
    named = environ.get(f"{PREFIX}CONFIG")
    file = config_file or (Path(named) if named else None)
    from_file = _read_toml(file) if file else {}
    from_environ = _read_environ(environ)
    try:
        return Settings.model_validate(from_file | from_environ)
    except ValidationError as error:
        where = str(file) if file else "settings"
        raise SettingsInvalid(
            [_fault(dict(one), where, from_environ) for one in error.errors(include_url=False)]
        ) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsInvalid([f"{file}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid([f"{file}: not TOML: {error}"]) from None


def _read_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what `WORKBENCH_…` says; lists and tables are JSON, `…_FILE` names a secret's file."""
    found: dict[str, Any] = {}
    for name, value in environ.items():
        key = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX) or key == "config":
            continue
        if key.endswith("_file") and key.removesuffix("_file") in Settings.model_fields:
            found[key.removesuffix("_file")] = _read_secret(name, Path(value))
        else:
            found.setdefault(key, _parsed(value))
    return found


def _read_secret(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsInvalid([f"{name}: {file} cannot be read: {error.strerror}"]) from None


def _parsed(value: str) -> object:
    if value[:1] not in {"[", "{"}:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _fault(error: Mapping[str, Any], where: str, from_environ: Mapping[str, object]) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if path in from_environ:
        path, where = f"{PREFIX}{path.upper()}", "environment"
    if error["type"] == "extra_forbidden":
        return f"{where}: {path}: no such setting; known are {', '.join(Settings.model_fields)}"
    return f"{where}: {path}: {str(error['msg']).removeprefix('Value error, ')}"
