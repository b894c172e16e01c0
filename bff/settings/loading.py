"""Layers the sources of settings and explains every fault in one line.

Later wins: defaults, TOML file, environment. ``BFF_SESSION__IDLE_TTL_S`` names ``idle_ttl_s`` of
``[session]``, ``BFF_PROVIDERS__0__CLIENT_SECRET`` that of the first provider; a list may also be
given whole as JSON. A secret may come from a file: ``BFF_SECRET_KEYS_FILE``, or
``client_secret_file`` in the TOML.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from bff.settings.limits import LimitSettings, RateLimitSettings
from bff.settings.model import (
    AdministratorSettings,
    FrontendSettings,
    ProviderSettings,
    SessionSettings,
    Settings,
)
from bff.settings.routes import RouteSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

S = TypeVar("S", bound=Settings)

_PREFIX = "BFF_"
_CONFIG = "BFF_CONFIG"
_FILE = "_file"
_SECRETS = frozenset({"client_secret", "redis_url", "secret", "secret_keys"})
_TABLES: Mapping[str, type[BaseModel]] = {
    "administrators": AdministratorSettings,
    "frontends": FrontendSettings,
    "limits": LimitSettings,
    "session": SessionSettings,
    "providers": ProviderSettings,
    "rate_limits": RateLimitSettings,
    "routes": RouteSettings,
}
# Where pydantic speaks of Python, and an operator writes TOML.
_PLAINER = {
    "model_type": "must be a table",
    "tuple_type": "must be a list; in TOML each table of it begins with [[…]]",
}


class SettingsInvalid(Exception):  # noqa: N818 - the operator's fault, not ours
    """The settings cannot be used; *faults* has one line a fault and never a secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def load_settings(
    config_file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings of *config_file* (or ``BFF_CONFIG``) with *environ* over them.

    Raises:
        SettingsInvalid: with every fault found.
    """
    if config_file is None and environ.get(_CONFIG):
        config_file = Path(environ[_CONFIG])
    layers = _Layers(config_file)
    layers.add_environment(environ)
    values = layers.values
    if "public_url" not in values and str(values.get("port", "")).isdigit():
        values["public_url"] = f"http://localhost:{values['port']}"
    return layers.settle(Settings)


def settings_of(model: type[S], values: Mapping[str, Any], *, source: str) -> S:
    """Return the settings that a host application gives as one mapping.

    Args:
        model: what may be set.
        values: nested as the TOML file is.
        source: where the mapping stands, for the faults.

    Raises:
        SettingsInvalid: with every fault found.
    """
    layers = _Layers(None, source=source)
    layers.values = deepcopy(dict(values))
    return layers.settle(model)


class _Layers:
    """The sources laid over one another, remembering where each value came from."""

    def __init__(self, config_file: Path | None, *, source: str | None = None) -> None:
        self.faults: list[str] = []
        self._named = source
        self._model: type[Settings] = Settings
        self.values: dict[str, Any] = {}
        self._file = config_file
        self._variables: dict[str, str] = {}
        if config_file is not None:
            self._read_toml(config_file)

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Lay every ``BFF_…`` variable over the file."""
        for variable, text in sorted(environ.items()):
            if variable.startswith(_PREFIX) and variable != _CONFIG:
                path = variable.removeprefix(_PREFIX).lower().split("__")
                self._variables[".".join(path)] = variable
                self._put(variable, path, _parsed(text))

    def read_secret_files(self) -> None:
        """Replace each ``<secret>_file`` by what the file holds."""
        tables = [("", self.values)]
        providers = self.values.get("providers")
        for index, provider in enumerate(providers if isinstance(providers, list) else ()):
            if isinstance(provider, dict):
                tables.append((f"providers.{index}.", provider))
        administrators = self.values.get("administrators")
        for index, one in enumerate(administrators if isinstance(administrators, list) else ()):
            if isinstance(one, dict):
                tables.append((f"administrators.{index}.", one))
        for prefix, table in tables:
            for key in [f"{name}{_FILE}" for name in _SECRETS if f"{name}{_FILE}" in table]:
                self._read_secret(f"{prefix}{key}", table, key)

    def settle(self, model: type[S]) -> S:
        """Return the *model* of what was laid over; raises `SettingsInvalid`."""
        self._model = model
        if self.faults and not self.values:
            raise SettingsInvalid(self.faults)  # no file, so that nothing else is worth saying
        self.read_secret_files()
        settings = None
        try:
            settings = model.model_validate(self.values)
        except ValidationError as error:
            self.faults += [self.explain(fault) for fault in error.errors()]
        if settings is None or self.faults:
            raise SettingsInvalid(self.faults)
        return settings

    def explain(self, fault: ErrorDetails) -> str:
        """Return one line: where it is, what is wrong, what would be right."""
        location = ".".join(str(step) for step in fault["loc"])
        if fault["type"] == "extra_forbidden":
            return f"{self._where(location)}: unknown key{_suggestion(self._model, fault['loc'])}"
        if fault["type"] == "missing":
            if self._named is not None:
                return f"{self._where(location)}: is missing"
            variable = f"{_PREFIX}{location.replace('.', '__').upper()}"
            return f"{self._where(location)}: is missing; set it there or as {variable}"
        message = _PLAINER.get(fault["type"], fault["msg"]).removeprefix("Value error, ")
        if not location and ": " in message:  # a rule of several settings names the one to mend
            location, _, message = message.partition(": ")
        where = self._where(location) if location else self._source()
        return f"{where}: {message}"

    def _where(self, location: str) -> str:
        steps = location.split(".")
        # A list given whole as JSON holds places that have no variable of their own.
        for length in range(len(steps), 0, -1):
            variable = self._variables.get(".".join(steps[:length]))
            if variable is not None:
                rest = ".".join(steps[length:])
                return f"{variable}: {rest}" if rest else variable
        return f"{self._source()}: {location}"

    def _source(self) -> str:
        return str(self._file or self._named or "settings")

    def _read_toml(self, path: Path) -> None:
        try:
            self.values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            self.faults.append(f"{path}: cannot be read ({error.strerror})")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.faults.append(f"{path}: is not TOML ({error})")

    def _put(self, variable: str, path: list[str], value: object) -> None:
        here: Any = self.values
        for step, following in zip(path, [*path[1:], ""], strict=True):
            last = following == ""
            if isinstance(here, list) and step.isdigit() and int(step) <= len(here):
                if int(step) == len(here):
                    here.append({})
                key: Any = int(step)
            elif isinstance(here, dict):
                key = step
                if not last:
                    here.setdefault(step, [] if following.isdigit() else {})
            else:
                self.faults.append(f"{variable}: names no place in the settings")
                return
            if last:
                here[key] = value
            else:
                here = here[key]

    def _read_secret(self, location: str, table: dict[str, Any], key: str) -> None:
        path = Path(str(table.pop(key)))
        try:
            table[key.removesuffix(_FILE)] = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            self.faults.append(f"{self._where(location)}: {path} cannot be read ({reason})")


def _parsed(text: str) -> object:
    if text[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _suggestion(model: type[Settings], location: tuple[int | str, ...]) -> str:
    table = next((_TABLES[step] for step in location[:-1] if step in _TABLES), model)  # type: ignore[index]
    near = difflib.get_close_matches(str(location[-1]), list(table.model_fields), n=1)
    return f"; did you mean {near[0]}?" if near else ""
