"""The settings in ``app.config["CLOAKROOM"]``: the gateway's own, as far as a host needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import field_validator, model_validator

from bff.settings import Settings, SettingsInvalid, Words, settings_of
from bff.settings.rules import require_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "CLOAKROOM"
SOURCE: Final = f'app.config["{KEY}"]'
_OF_THE_HOST = (
    *("host", "log_level", "management_host", "management_port", "port", "trusted_proxies"),
    "workers",
)


class ExtensionSettings(Settings):
    """What may be set.

    Attributes:
        upstreams: the origins that `Cloakroom.api` may call; nothing else ever gets a token.
        flask_session: let ``flask.session`` live in the visitor's session.
    """

    upstreams: Words = ()
    flask_session: bool = True

    @field_validator("upstreams")
    @classmethod
    def _upstreams(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(require_origin, value))

    @model_validator(mode="before")
    @classmethod
    def _of_this_place(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what would have no effect here: a setting that does nothing misleads."""
        if given := sorted(values.keys() & set(_OF_THE_HOST)):
            raise ValueError(f"{', '.join(given)}: set this where the application is served")
        if "routes" in values:
            raise ValueError("routes: belong to the gateway; list origins in upstreams instead")
        if "frontends" in values:
            raise ValueError("frontends: belong to the gateway; an application is one front end")
        return values


def settings_from(config: Mapping[str, Any]) -> ExtensionSettings:
    """Return the settings in a Flask application's *config*.

    Keys may be in upper case, as ``app.config.from_prefixed_env()`` leaves them.

    Raises:
        SettingsInvalid: with one line a fault, never a secret.
    """
    given = config.get(KEY)
    if not isinstance(given, dict):
        raise SettingsInvalid([f"{SOURCE}: is missing; set it to a dictionary of settings"])
    settings = settings_of(ExtensionSettings, _lowered(given), source=SOURCE)
    frontend = settings.all_frontends()[0]
    if not settings.flask_session and config.get("SESSION_COOKIE_NAME") == frontend.cookie_name:
        fault = f'SESSION_COOKIE_NAME: is "{frontend.cookie_name}", as our own; choose another'
        raise SettingsInvalid([fault])
    return settings


def _lowered(value: Any) -> Any:  # noqa: ANN401 - as deep as it goes
    if isinstance(value, dict):
        return {str(key).lower(): _lowered(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_lowered(inner) for inner in value]
    return value
