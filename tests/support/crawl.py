"""Walks an API by nothing but its OpenAPI document: fills it with marked things, then knocks.

Rooms that are added later are walked as well: whatever `POST` promises a 201 is created, and every
operation of the document is called.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.unit.workbench.conftest import Someone

# Only the front half is ever sent by a stranger, so that the whole never comes from an echo.
SOUGHT = "zanzibar"
MARK = f"{SOUGHT}quokka"
ID = re.compile(r"\b[a-z]{1,2}_[0-9a-f]{24}\b")
_ID_PATTERN = re.compile(r"\^([a-z]{1,2})_\[0-9a-f\]")
_COMBINATIONS = 3


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return its `operationId`."""
        return str(self.described["operationId"])

    @property
    def scope(self) -> str:
        """Return what its token must hold."""
        return str(self.described["security"][0]["oauth"][0])

    @property
    def parameters(self) -> list[str]:
        """Return the names in the path."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def body(self) -> Mapping[str, Any] | None:
        """Return the schema of its JSON body."""
        content = self.described.get("requestBody", {}).get("content", {})
        found: Mapping[str, Any] | None = content.get("application/json", {}).get("schema")
        return found

    @property
    def streams(self) -> bool:
        """Return whether it answers for as long as one listens."""
        content = self.described["responses"].get("200", {}).get("content", {})
        return "text/event-stream" in content

    def at(self, values: Mapping[str, str]) -> str:
        """Return its path with *values* in it."""
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], self.path)


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return every operation; what makes comes before what ends."""
    found = [
        Operation(method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if method != "parameters"
    ]
    return sorted(found, key=lambda each: each.method == "DELETE")


@dataclass
class Known:
    """Public ids, by the parameter that they go into and by their letter."""

    by_parameter: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_letter: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def learn(self, text: str) -> None:
        """Remember every id in *text*."""
        for one in ID.findall(text):
            self.by_letter[one.partition("_")[0]].add(one)

    def learn_place(self, location: str, paths: Iterable[str]) -> None:
        """Remember which parameters the ids in *location* stand for, by the paths that begin so."""
        there = location.strip("/").split("/")
        for path in paths:
            for said, found in zip(path.strip("/").split("/"), there, strict=False):
                if said.startswith("{") and ID.fullmatch(found):
                    self.by_parameter[f"{path.strip('/').split('/')[0]} {said[1:-1]}"].add(found)
                elif said != found:
                    break

    def of(self, operation: Operation, parameter: str) -> list[str]:
        """Return what fits *parameter* of *operation*."""
        if parameter == "number":
            return ["1"]
        if parameter == "kind":
            return ["document", "file", "project"]
        if parameter == "user":
            return sorted(self.by_letter["u"])
        room = operation.path.strip("/").split("/")[0]
        found = self.by_parameter.get(f"{room} {parameter}") or {
            one
            for name, ids in self.by_parameter.items()
            for one in ids
            if name.endswith(f" {parameter}")
        }
        letters = {one.partition("_")[0] for one in found} or self.by_letter.keys()
        return sorted(itertools.chain(*(self.by_letter[letter] for letter in letters)))

    def places(self, operation: Operation) -> Iterator[dict[str, str]]:
        """Yield some values for the path of *operation*, newest knowledge included."""
        names = operation.parameters
        pools = [self.of(operation, name) for name in names]
        every = itertools.product(*pools)
        chosen = list(itertools.islice(every, 200))
        step = max(1, len(chosen) // _COMBINATIONS)
        yield from (dict(zip(names, values, strict=True)) for values in chosen[::step])


def seed(
    owner: Someone,
    document: Mapping[str, Any],
    known: Known,
    by_hand: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    """Create one of everything as *owner*, marked; return what would not be made, and why.

    *by_hand* has fields that a schema cannot tell, by `operationId`.
    """
    waiting = [
        each
        for each in operations(document)
        if each.method == "POST" and "201" in each.described["responses"]
    ]
    failed: dict[str, str] = {}
    while waiting:
        # A comment needs a document, which the document may describe further down.
        failed = {
            each.name: said
            for each in waiting
            if (said := _sow(owner, each, document, known, by_hand))
        }
        if len(failed) == len(waiting):
            break
        waiting = [each for each in waiting if each.name in failed]
    return failed


def _sow(
    owner: Someone,
    operation: Operation,
    document: Mapping[str, Any],
    known: Known,
    by_hand: Mapping[str, Mapping[str, Any]],
) -> str | None:
    """Do one creation; return why it would not be done."""
    said = ""
    for place in known.places(operation):
        body = marked(operation, known) | dict(by_hand.get(operation.name, {}))
        answer = owner.post(operation.at(place), body)
        said = answer.text
        if answer.status_code == HTTPStatus.CREATED:
            known.learn(said)
            known.learn_place(answer.headers.get("Location", ""), document["paths"])
            return None
    return said


def marked(operation: Operation, known: Known) -> dict[str, Any]:
    """Return a body with the mark in every free text; no two operations' texts are the same."""
    properties = (operation.body or {}).get("properties", {})
    text = f"{MARK} {operation.name}"
    filled = {name: _value(each, known, text) for name, each in properties.items()}
    return {name: value for name, value in filled.items() if value is not None}


def letter_of(schema: Mapping[str, Any]) -> str | None:
    """Return the letter of the ids that *schema* takes, or None."""
    for each in [schema, *schema.get("anyOf", ())]:
        if found := _ID_PATTERN.match(str(each.get("pattern", ""))):
            return found[1]
    return None


def _value(schema: Mapping[str, Any], known: Known, text: str) -> object:
    if "default" in schema and schema["default"] is None:
        kinds = schema.get("anyOf", ())
        free = [each for each in kinds if each.get("type") == "string" and "pattern" not in each]
        return _value(free[0], known, text) if free and free[0].get("maxLength", 0) >= 100 else None
    if "enum" in schema or "const" in schema:
        return schema.get("default", schema.get("const") or schema["enum"][0])
    if letter := letter_of(schema):
        return next(iter(known.by_letter[letter]), None)
    if schema.get("type") == "string":
        return text
    if schema.get("type") == "integer":
        return schema.get("default", max(1, schema.get("minimum", 1)))
    return schema.get("default")
