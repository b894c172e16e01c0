"""The operations that an OpenAPI document lists, as a judgement over raw bytes.

Spec: OpenAPI 3.1 §4.8.8 (paths: concrete before templated), §4.8.9 (path items); RFC 3986 §2.1.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from bff.problems import METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT_BYTES_MAX: Final = 16 * 1024 * 1024
# Each segment as the words around its parameters; one word where it has none.
_Template = list[tuple[bytes, ...]]
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "query")
_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")
# What stands in a path as it is (RFC 3986 §3.3), escapes included.
_AS_IT_IS: Final = "/-._~!$&'()*+,;=:@%"
_VERSION: Final = re.compile(r"3\.\d+\.\d+.*")


class Operations:
    """Every method and path template of one document."""

    def __init__(self, listed: Mapping[str, frozenset[str]]) -> None:
        """Take upper-case methods by path template."""
        self._concrete: dict[bytes, frozenset[str]] = {}
        self._templated: dict[int, list[tuple[_Template, frozenset[str]]]] = {}
        for path, methods in sorted(listed.items(), key=_rank):
            template = [_literals(segment) for segment in path.split("/")]
            if all(len(literals) == 1 for literals in template):
                self._concrete[b"/".join(literals[0] for literals in template)] = methods
            else:
                self._templated.setdefault(len(template), []).append((template, methods))

    def require(self, method: str, path: bytes) -> None:
        """Return if the document lists *method* for *path*, byte for byte.

        Raises:
            Refused: ``route_not_found`` for a path that it does not list, ``method_not_allowed``
                with ``Allow`` for a method.
        """
        methods = self._concrete.get(path)
        if methods is None:
            segments = path.split(b"/")
            alike = self._templated.get(len(segments), ())
            methods = next((each for one, each in alike if _matches(one, segments)), None)
        if methods is None:
            raise Refused(ROUTE_NOT_FOUND, hint="no listed operation")
        if method not in methods:
            allowed = {"Allow": ", ".join(sorted(methods))}
            raise Refused(METHOD_NOT_ALLOWED, hint="no listed operation", headers=allowed)

    def __len__(self) -> int:
        """Return how many paths there are."""
        return len(self._concrete) + sum(map(len, self._templated.values()))


def _rank(listed: tuple[str, frozenset[str]]) -> tuple[int, int, str]:
    """Order paths: the fewer parameters and the more words, the nearer to concrete."""
    words = _PARAMETER.split(listed[0])
    return len(words), -sum(map(len, words)), listed[0]


def _literals(segment: str) -> tuple[bytes, ...]:
    """Return what stands before, between and after the parameters of *segment*, as sent."""
    return tuple(
        quote(words, safe=_AS_IT_IS).encode("ascii") for words in _PARAMETER.split(segment)
    )


def _matches(template: _Template, segments: list[bytes]) -> bool:
    return all(map(_fits, template, segments))


def _fits(literals: tuple[bytes, ...], segment: bytes) -> bool:
    """Return whether every parameter between *literals* finds a byte or more in *segment*.

    In one go: a parameter takes anything, so that the leftmost place of each literal is as good as
    any other, and nothing is ever tried twice.
    """
    first, *others = literals
    if not others:
        return segment == first
    *between, last = others
    at, end = len(first), len(segment) - len(last)
    if not (segment.startswith(first) and segment.endswith(last)):
        return False
    for literal in between:
        found = segment.find(literal, at + 1, end)
        if found < 0:
            return False
        at = found + len(literal)
    return at < end


def parse_operations(document: bytes) -> Operations:
    """Return the operations that *document* lists.

    Raises:
        ValueError: it is no OpenAPI 3 document in JSON, or points elsewhere for what it lists.
    """
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError("is too large")
    try:
        parsed: Any = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON; write YAML as JSON") from error
    version = parsed.get("openapi") if isinstance(parsed, dict) else None
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise ValueError("is no OpenAPI 3 document")
    paths = parsed.get("paths", {})
    if not isinstance(paths, dict):
        raise ValueError("paths: is no table")  # noqa: TRY004 - a fault of the document
    return Operations(
        {
            path: _methods(parsed, path, item)
            for path, item in paths.items()
            if not path.startswith("x-")
        }
    )


def _methods(document: dict[str, Any], path: str, item: object) -> frozenset[str]:
    if not path.startswith("/"):
        raise ValueError(f"paths: {path!r} does not begin with a slash")
    if isinstance(item, dict) and "$ref" in item:
        item = _found(document, str(item["$ref"]))
    if not isinstance(item, dict):
        raise ValueError(f"paths: {path!r} holds no operations")  # noqa: TRY004 - as above
    return frozenset(method.upper() for method in _METHODS if method in item)


def _found(document: dict[str, Any], reference: str) -> object:
    if not reference.startswith("#/"):
        raise ValueError(f"$ref: {reference!r} is not within the document")
    here: object = document
    for step in reference.removeprefix("#/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        here = here.get(name) if isinstance(here, dict) else None
    return here
