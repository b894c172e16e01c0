"""The BFF's settings: typed, frozen, every fault reported at once.

`load_settings` reads TOML, environment and secret files; the models say what is right.
"""

from bff.settings.loading import SettingsInvalid, load_settings
from bff.settings.model import (
    ProviderSettings,
    RouteSettings,
    SessionSettings,
    Settings,
    TokenMode,
)

__all__ = [
    "ProviderSettings",
    "RouteSettings",
    "SessionSettings",
    "Settings",
    "SettingsInvalid",
    "TokenMode",
    "load_settings",
]
