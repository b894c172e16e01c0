"""The reference says everything, and nothing that is not there."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import app
import sso.errors
import sso.factory
import sso.settings
import workbench.factory
import workbench.settings
from bff import settings as bff_settings
from bff.factory import build_control_plane
from bff.metrics import BffMetrics
from bff.parts import build_parts, build_shared
from httpkit.metrics import HttpMetrics
from httpkit.problems import ProblemType
from sso.housekeeping.keeper import KeeperMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parents[2]
PARTIES = ("bff", "sso", "workbench")
KEY = "k" * 32
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
COMMAND = re.compile(r"(?:python3?|\$P) app\.py((?: [a-z]+)*)")
TARGET = re.compile(r"(?:^|[`\s])make ([a-z]+)")
# A page that only leads back to the list of devices.
UNSAID = {"/static/<path:filename>", "/bff/devices/<path:_form>"}


@cache
def reference(party: str) -> str:
    """Return the reference of *party*."""
    return (ROOT / "docs" / "reference" / f"{party}.md").read_text("utf-8")


def pages() -> list[Path]:
    """Return every page for people that has links or commands in it."""
    return [ROOT / "README.md", ROOT / "deploy" / "README.md", *(ROOT / "docs").rglob("*.md")]


def documented(party: str) -> set[str]:
    """Return everything that the reference of *party* sets in code."""
    text = FENCE.sub("", reference(party))
    spans = re.findall(r"`([^`]+)`", text)
    return {*spans, *(re.split(r"[?\[]", span)[0] for span in spans)}


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted name and definition of each setting, tables of the first level opened."""
    for name, field in model.model_fields.items():
        table, many = _table_of(field.annotation)
        if table is None or prefix:
            yield f"{prefix}{name}", field
        else:
            yield from fields(table, f"{name}{'[]' if many else ''}.")


def _table_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:  # noqa: ANN401 - any type
    inside = getattr(annotation, "__args__", ())
    for each, many in ((annotation, False), *((one, True) for one in inside)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each, many
    return None, False


def spelt(default: object) -> str | None:
    """Return how a table says *default*; None where it says it in words."""
    if default is PydanticUndefined or default in (None, (), "") or callable(default):
        return None
    if isinstance(default, bool):
        return str(default).lower()
    return " ".join(default) if isinstance(default, list | tuple) else str(default)


@pytest.mark.parametrize(
    ("party", "model"),
    [
        ("bff", bff_settings.Settings),
        ("sso", sso.settings.Settings),
        ("workbench", workbench.settings.Settings),
    ],
)
def test_every_setting_has_a_row_with_its_default(party: str, model: type[BaseModel]) -> None:
    """Nothing can be set that the reference does not explain, and no default is told wrong."""
    rows = {
        name.strip("`"): rest
        for name, rest in re.findall(r"^\| (`[^`]+`) \|(.*)$", reference(party), re.MULTILINE)
    }
    wrong = {
        name: spelt(field.default)
        for name, field in fields(model)
        if name not in rows or f"`{spelt(field.default) or ''}" not in f"{rows[name]}`"
    }
    assert wrong == {}


def endpoints(flask: Flask) -> set[str]:
    """Return the addresses that *flask* answers, as the reference spells them."""
    rules = {rule.rule for rule in flask.url_map.iter_rules()} - UNSAID
    return {re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule) for rule in rules}


@pytest.fixture
def flask_of(tmp_path: Path) -> dict[str, Flask]:
    """The Flask application of each party; none is asked anything."""
    provider = {"name": "sso", "issuer": "http://127.0.0.1:9", "client_id": "c"}
    environ = {
        "BFF_REDIS_URL": "redis://127.0.0.1:1",
        "BFF_SECRET_KEYS": KEY,
        "BFF_PROVIDERS": json.dumps([provider | {"client_secret": "s"}]),
        "SSO_REDIS_URL": "redis://127.0.0.1:1",
        "SSO_SECRET_KEYS": json.dumps([KEY]),
        "SSO_DATABASE_URL": f"sqlite:///{tmp_path / 'sso.sqlite3'}",
        "WORKBENCH_DATABASE_URL": f"sqlite:///{tmp_path / 'workbench.sqlite3'}",
    }
    gateway = bff_settings.load_settings(environ=environ)
    return {
        "bff": build_control_plane(build_parts(build_shared(gateway), gateway.all_frontends()[0])),
        "sso": sso.factory.build_app(sso.settings.load_settings(environ=environ)),
        "workbench": workbench.factory.build_app(workbench.settings.load_settings(environ=environ)),
    }


@pytest.mark.parametrize("party", PARTIES)
def test_every_endpoint_is_in_the_reference(party: str, flask_of: dict[str, Flask]) -> None:
    """What answers is documented; the words around it are left to people."""
    said = {word.removeprefix("GET ").removeprefix("POST ") for word in documented(party)}
    said |= {word.removeprefix("DELETE ") for word in said}
    more = {"/bff/events"} if party == "bff" else set()  # served before Flask
    assert (endpoints(flask_of[party]) | more) - said == set()


@pytest.mark.parametrize(
    ("party", "modules"),
    [
        ("bff", ["bff.problems", "bff.proxy.edge_rules"]),
        ("sso", ["sso.problems"]),
        ("workbench", ["workbench.problems"]),
    ],
)
def test_every_problem_code_is_in_the_reference(party: str, modules: list[str]) -> None:
    """A code that a client may meet has a row."""
    codes = {
        problem.code
        for module in modules
        for problem in vars(import_module(module)).values()
        if isinstance(problem, ProblemType)
    }
    assert codes - documented(party) == set()


def test_every_protocol_error_is_in_the_reference() -> None:
    """So does an error of OAuth."""
    errors = {
        value for name, value in vars(sso.errors).items() if name.isupper() and name[0] != "_"
    }
    assert errors - documented("sso") == set()


def events_of(package: str) -> set[str]:
    """Return the events that *package* names, as constants or where it logs them."""
    found = set()
    for file in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                value = node.value
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {
                *("debug", "info", "warning", "error"),
            }:
                value = node.args[0] if node.args else None
            else:
                continue
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found |= {value.value} if EVENT.fullmatch(value.value) else set()
    return found


@pytest.mark.parametrize("party", PARTIES)
def test_every_event_is_in_the_reference(party: str) -> None:
    """An operator finds what a log line means."""
    assert (events_of(party) | events_of("httpkit")) - documented(party) == set()


@pytest.mark.parametrize("party", PARTIES)
def test_every_metric_is_in_the_reference(party: str) -> None:
    """Names as Prometheus sees them."""
    registry = CollectorRegistry()
    HttpMetrics(registry)
    if party == "bff":
        BffMetrics(registry)
    if party == "sso":
        KeeperMetrics(registry)
    names = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in registry.collect()
    }
    assert names - documented(party) == set()


def commands(group: Any, words: str) -> Iterator[str]:  # noqa: ANN401 - click's group or command
    """Yield each command beneath *group*, as it is typed."""
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{words} {name}")
        else:
            yield f"{words} {name}"


@pytest.mark.parametrize("party", PARTIES)
def test_every_command_is_in_the_reference(party: str) -> None:
    """Whatever an operator can ask for stands in the table of commands."""
    group = import_module(f"{party}.cli").cli
    typed = commands(group, f"python app.py {party}")
    assert [one for one in typed if one not in reference(party)] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of *page*'s headings, as code hosts make them."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files and headings that a page points at are there."""
    dead = []
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists(page: Path) -> None:
    """`make …` is in the Makefile, `python app.py …` in the command line."""
    text = page.read_text("utf-8")
    goals = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    spans = "\n".join(
        [*re.findall(r"`([^`\n]+)`", text), *(body for _, body in FENCE.findall(text))]
    )
    assert set(TARGET.findall(spans)) - goals == set()
    for words in COMMAND.findall(spans):
        command: Any = app.main
        for word in words.split():
            command = command.get_command(None, word) if hasattr(command, "get_command") else None
            assert command is not None, f"app.py{words}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_gateway_file_that_is_shown_is_taken(page: Path, tmp_path: Path) -> None:
    """A TOML block that begins with ``# bff.toml`` is whole: the gateway starts with it."""
    for language, body in FENCE.findall(page.read_text("utf-8")):
        if language == "toml" and body.startswith("# bff.toml"):
            file = tmp_path / "bff.toml"
            file.write_text(body, "utf-8")
            assert tomllib.loads(body)
            secrets = {"BFF_SECRET_KEYS": KEY, "BFF_PROVIDERS__0__CLIENT_SECRET": "s"}
            bff_settings.load_settings(file, secrets)
