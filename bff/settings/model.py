"""What may be set, its default, and what is refused. Times are seconds, sizes bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bff.settings.base import Frozen, Words
from bff.settings.frontends import Frontend, require_apart, require_provable
from bff.settings.limits import LimitSettings
from bff.settings.routes import RouteSettings
from bff.settings.rules import (
    COOKIE_PREFIX,
    lines_or_list,
    require_cookie_name,
    require_http_url,
    require_origin,
    require_plain_path,
    require_private_key,
    require_resource,
    require_scopes,
    words_or_list,
)
from bff.settings.store_url import require_store_url

_SECRET_KEY_CHARS_MIN = 32
_HOST_PREFIX = "__Host-"
_TEN_YEARS_S = 10 * 366 * 86400


class SessionSettings(Frozen):
    """How long a session lives and how its cookie looks."""

    idle_ttl_s: int = Field(default=1800, gt=0, le=_TEN_YEARS_S)
    absolute_ttl_s: int = Field(default=28800, gt=0, le=_TEN_YEARS_S)
    max_per_person: int = Field(default=0, ge=0)
    cookie_same_site: Literal["strict", "lax"] = "strict"
    cookie_name: str = "__Host-Http-session"

    @field_validator("cookie_name")
    @classmethod
    def _name(cls, value: str) -> str:
        return require_cookie_name(value)


class ProviderSettings(Frozen):
    """One OpenID provider that people sign in at."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    plain_http: bool = False  # a named exception for a private network; stands before its user
    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    private_key_file: Path | None = None
    scopes: Words = ("openid", "profile", "email", "offline_access")
    resource: str | None = None
    par: Literal["auto", "never", "required"] | None = None
    dpop: bool | Literal["auto"] = False
    max_per_person: int | None = Field(default=None, ge=0)

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str, info: ValidationInfo) -> str:
        require_http_url(value, plain_http=bool(info.data.get("plain_http")))
        return value

    @field_validator("client_secret")
    @classmethod
    def _client_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value():
            raise ValueError("is empty")
        return value

    @field_validator("private_key_file")
    @classmethod
    def _private_key_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            require_private_key(value)
        return value

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError('must contain "openid"')
        return require_scopes(value)

    @field_validator("resource")
    @classmethod
    def _resource(cls, value: str | None) -> str | None:
        return None if value is None else require_resource(value)

    @field_validator("dpop", mode="before")
    @classmethod
    def _dpop(cls, value: object) -> object:
        if str(value).lower() not in {"true", "false", "auto"}:
            raise ValueError('must be true, false or "auto"')
        return value

    @model_validator(mode="after")
    def _credential(self) -> ProviderSettings:
        if (self.client_secret is None) == (self.private_key_file is None):
            # A gateway that holds other people's tokens is never a public client (B-01).
            raise ValueError("needs a client_secret or a private_key_file, and not both")
        return self


class AdministratorSettings(Frozen):
    """Somebody who may list and end sessions over the management listener."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")
    secret: SecretStr = Field(min_length=_SECRET_KEY_CHARS_MIN)


class FrontendSettings(Frozen):
    """A further front end beside the first: by host (`public_url`), by `path`, or both."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    public_url: str | None = None
    path: str = "/"
    providers: Words = ()
    cookie_name: str | None = None
    routes: tuple[RouteSettings, ...] = ()
    static_dir: Path | None = None

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        return None if value is None else require_origin(value)

    @field_validator("path")
    @classmethod
    def _path(cls, value: str) -> str:
        return require_plain_path(value)

    @field_validator("cookie_name")
    @classmethod
    def _cookie_name(cls, value: str | None) -> str | None:
        return None if value is None else require_cookie_name(value)

    @field_validator("routes")
    @classmethod
    def _routes(cls, value: tuple[RouteSettings, ...]) -> tuple[RouteSettings, ...]:
        _require_unique("path", [route.path for route in value])
        return value

    @field_validator("static_dir")
    @classmethod
    def _static_dir(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is no folder")
        return value

    @model_validator(mode="after")
    def _within(self) -> FrontendSettings:
        base = self.path.rstrip("/")
        paths = [route.path for route in self.routes]
        outside = [path for path in paths if not f"{path}/".startswith(f"{base}/")]
        own = [path for path in paths if f"{path}/".startswith(f"{base}/bff/")]
        if own:
            raise ValueError(f"{base}/bff is the front end's own, not a route: {', '.join(own)}")
        if outside:
            raise ValueError(f"routes must lie beneath {self.path}: {', '.join(outside)}")
        return self


class Settings(Frozen):
    """Everything the BFF is told from outside."""

    public_url: str = "http://localhost:8000"
    secret_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(lines_or_list)]
    redis_url: SecretStr
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    management_host: str = "127.0.0.1"
    management_port: int = Field(default=0, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], BeforeValidator(words_or_list)] = ()
    forward_auth: Literal["headers", "path", "off"] = "headers"
    session: SessionSettings = SessionSettings()
    limits: LimitSettings = LimitSettings()
    providers: tuple[ProviderSettings, ...]
    routes: tuple[RouteSettings, ...] = ()
    frontends: tuple[FrontendSettings, ...] = ()
    administrators: tuple[AdministratorSettings, ...] = ()
    shell: Literal["ticket", "workbench"] = "ticket"

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        return require_origin(value)

    @field_validator("secret_keys")
    @classmethod
    def _secret_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        keys = [key.get_secret_value() for key in value]
        if not keys or min(map(len, keys)) < _SECRET_KEY_CHARS_MIN:
            raise ValueError(
                f"must hold at least one key, each of {_SECRET_KEY_CHARS_MIN} characters or more"
            )
        if len(set(keys)) != len(keys):
            raise ValueError("must not hold the same key twice")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_url(cls, value: SecretStr) -> SecretStr:
        require_store_url(value.get_secret_value())
        return value

    @field_validator("providers")
    @classmethod
    def _providers(cls, value: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        if not value:
            raise ValueError("must name at least one provider")
        _require_unique("name", [provider.name for provider in value])
        return value

    @field_validator("routes")
    @classmethod
    def _routes(cls, value: tuple[RouteSettings, ...]) -> tuple[RouteSettings, ...]:
        _require_unique("path", [route.path for route in value])
        return value

    @field_validator("administrators")
    @classmethod
    def _administrators(
        cls, value: tuple[AdministratorSettings, ...]
    ) -> tuple[AdministratorSettings, ...]:
        _require_unique("name", [one.name for one in value])
        if len({one.secret.get_secret_value() for one in value}) != len(value):
            raise ValueError("two administrators must not share a secret")
        return value

    @model_validator(mode="after")
    def _apart(self) -> Settings:
        frontends = self.all_frontends()
        require_apart(frontends)
        for frontend in frontends:
            if frontend.https and not frontend.cookie_name.startswith(_HOST_PREFIX):
                place = f"frontend {frontend.name}" if frontend.name else "session"
                raise ValueError(f"{place}.cookie_name: must begin with {_HOST_PREFIX} under https")
            require_provable(frontend)
        return self

    def all_frontends(self) -> tuple[Frontend, ...]:
        """Return every front end, the settings' own first."""
        own = Frontend(
            name="",
            public_url=self.public_url,
            base_path="",
            cookie_name=_spelt(self.session.cookie_name, self.public_url),
            providers=self.providers,
            routes=self.routes,
            workbench=self.shell == "workbench",
        )
        return (own, *(self._resolved(frontend) for frontend in self.frontends))

    def _resolved(self, frontend: FrontendSettings) -> Frontend:
        by_name = {provider.name: provider for provider in self.providers}
        unknown = [name for name in frontend.providers if name not in by_name]
        if unknown:
            raise ValueError(f"frontends: no provider is called {', '.join(unknown)}")
        public_url = frontend.public_url or self.public_url
        cookie_name = frontend.cookie_name or f"{self.session.cookie_name}-{frontend.name}"
        return Frontend(
            name=frontend.name,
            public_url=public_url,
            base_path=frontend.path.rstrip("/"),
            cookie_name=_spelt(cookie_name, public_url),
            providers=tuple(by_name[name] for name in frontend.providers or by_name),
            routes=frontend.routes,
            static_dir=frontend.static_dir,
        )


def _spelt(cookie_name: str, public_url: str) -> str:
    """Return the name as browsers accept it: without its prefix on plain http."""
    return cookie_name if public_url.startswith("https://") else COOKIE_PREFIX.sub("", cookie_name)


def _require_unique(name: str, values: list[str]) -> None:
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise ValueError(f"the same {name} stands twice: {', '.join(doubled)}")
