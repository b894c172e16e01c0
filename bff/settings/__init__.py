"""The BFF's settings: typed, frozen, every fault reported at once.

`load_settings` reads TOML, environment and secret files; the models say what is right.
"""

from bff.settings.base import Words
from bff.settings.frontends import Frontend
from bff.settings.limits import LimitSettings, RateLimitSettings
from bff.settings.loading import SettingsInvalid, load_settings, settings_of
from bff.settings.model import (
    AdministratorSettings,
    FrontendSettings,
    ProviderSettings,
    SessionSettings,
    Settings,
)
from bff.settings.routes import RouteSettings, TokenMode
from bff.settings.tls import UpstreamTls
from bff.settings.token_target import token_target

__all__ = [
    "AdministratorSettings",
    "Frontend",
    "FrontendSettings",
    "LimitSettings",
    "ProviderSettings",
    "RateLimitSettings",
    "RouteSettings",
    "SessionSettings",
    "Settings",
    "SettingsInvalid",
    "TokenMode",
    "UpstreamTls",
    "Words",
    "load_settings",
    "settings_of",
    "token_target",
]
