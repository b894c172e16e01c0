"""Where settings come from: a TOML file, then ``SSO_…`` variables, then ``SSO_…_FILE`` secrets."""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

PREFIX: Final = "SSO_"
CONFIG_VARIABLE: Final = "SSO_CONFIG"
VAR_VARIABLE: Final = "CLOAKROOM_VAR"
_FILE_SUFFIX = "_FILE"
_ROOT = Path(__file__).resolve().parent.parent

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class SettingsInvalid(Exception):  # noqa: N818 - an outcome that names several errors
    """The settings cannot be used.

    Attributes:
        faults: one line each: where, what is wrong, what would be right. Never a secret.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class _Environment(EnvSettingsSource):
    """`EnvSettingsSource` over a mapping of ours instead of the process's own environment."""

    def __init__(self, shape: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(shape, case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter="__")

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items()}


def read_settings(
    model: type[SettingsT], *, config_file: Path | None, environ: Mapping[str, str] | None
) -> SettingsT:
    """Return *model* filled from every source; the environment wins over the file.

    Raises:
        SettingsInvalid: with every fault that was found.
    """
    environ = os.environ if environ is None else environ
    if config_file is None and (named := environ.get(CONFIG_VARIABLE)):
        config_file = Path(named)
    from_file = _read_toml(config_file) if config_file else {}
    variables, faults = _with_secret_files(environ)
    faults += _unknown_variables(model, variables)
    values = _merged(from_file, _from_environment(model, variables, faults))
    folder = Path(environ.get(VAR_VARIABLE) or _ROOT / "var").resolve()
    values.setdefault("database_url", f"sqlite:///{folder / 'sso.sqlite3'}")
    if isinstance(mail := values.setdefault("mail", {}), dict):
        mail.setdefault("outbox", folder / "outbox")
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        known = error.errors(include_url=False, include_input=False, include_context=False)
        places = _Places(model, config_file, from_file)
        raise SettingsInvalid(faults + [places.fault(each) for each in known]) from None
    if faults:
        raise SettingsInvalid(faults)
    return settings


def _read_toml(config_file: Path) -> dict[str, Any]:
    try:
        with config_file.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SettingsInvalid([f"{config_file}: cannot be read ({error.strerror})"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid([f"{config_file}: is not TOML: {error}"]) from error


def _with_secret_files(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return our variables with each ``SSO_X_FILE`` turned into ``SSO_X``, and faults met."""
    variables: dict[str, str] = {}
    faults: list[str] = []
    ours = {n: v for n, v in environ.items() if n.startswith(PREFIX) and n != CONFIG_VARIABLE}
    for name, value in ours.items():
        if not name.endswith(_FILE_SUFFIX):
            variables[name] = value
            continue
        try:
            text = Path(value).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            faults.append(f"{name}: names a file that cannot be read as text")
        else:
            variables.setdefault(name.removesuffix(_FILE_SUFFIX), text.strip())
    return variables, faults


def _unknown_variables(model: type[BaseModel], variables: Mapping[str, str]) -> list[str]:
    known = set(model.model_fields)
    return [
        f"{name}: is no setting of the SSO"
        for name in variables
        if name.removeprefix(PREFIX).lower().split("__")[0] not in known
    ]


def _from_environment(
    model: type[BaseModel], variables: Mapping[str, str], faults: list[str]
) -> dict[str, Any]:
    shape: Any = type(
        "Shape", (model, BaseSettings), {"model_config": SettingsConfigDict(extra="forbid")}
    )
    try:
        return _Environment(shape, variables)()
    except SettingsError as error:
        faults.append(f"environment: {error}; lists and tables are written as JSON")
        return {}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        beneath = merged.get(name)
        if isinstance(beneath, dict) and isinstance(value, dict):
            merged[name] = _merged(beneath, value)
        else:
            merged[name] = value
    return merged


class _Places:
    """Where each value came from, so that a fault names the place to mend it."""

    def __init__(
        self, model: type[BaseModel], config_file: Path | None, from_file: Mapping[str, Any]
    ) -> None:
        self._model = model
        self._file = config_file
        self._from_file = from_file

    def fault(self, error: ErrorDetails) -> str:
        """Return one line: where it is, what is wrong, what would be right; never the value."""
        where = ".".join(str(part) for part in error["loc"]) or "settings"
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            message = f"is no setting of the SSO{self._meant(error['loc'])}"
        if error["type"] == "missing":
            variable = f"{PREFIX}{where.replace('.', '__').upper()}"
            message = f"is missing; set it in the file, or as {variable}"
        inside = f"{self._file}: " if self._file and self._stands_in_file(error["loc"]) else ""
        return f"{inside}{where}: {message}"

    def _stands_in_file(self, location: tuple[int | str, ...]) -> bool:
        here: Any = self._from_file
        for step in location:
            if isinstance(here, dict):
                if step not in here:
                    return False
                here = here[step]
            elif not (isinstance(here, list) and isinstance(step, int) and step < len(here)):
                return False
            else:
                here = here[step]
        return True

    def _meant(self, location: tuple[int | str, ...]) -> str:
        names = self._model.model_fields
        if len(location) > 1:
            table = names[str(location[0])].annotation
            names = getattr(table, "model_fields", {})
        near = difflib.get_close_matches(str(location[-1]), list(names), n=1)
        return f"; did you mean {near[0]}?" if near else ""
