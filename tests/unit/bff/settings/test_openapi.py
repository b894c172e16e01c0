"""What an OpenAPI document lets pass, as tables."""

from __future__ import annotations

import json

import pytest

from bff.problems import Refused
from bff.settings.openapi import parse_operations

OPERATION = {"responses": {"200": {"description": "ok"}}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "x", "version": "1"},
    "paths": {
        "/": {"get": OPERATION},
        "/users": {"get": OPERATION, "post": OPERATION, "parameters": []},
        "/users/me": {"get": OPERATION},
        "/users/{id}": {"get": OPERATION, "delete": OPERATION},
        "/users/{id}/avatar": {"put": OPERATION},
        "/{kind}/latest": {"get": OPERATION},
        "/files/{name}.json": {"get": OPERATION},
        "/files/{name}-{size}.png": {"get": OPERATION},
        "/a b/ü/{x}": {"get": OPERATION},
        "/escaped%20word": {"get": OPERATION},
        "/dots.and+plus": {"get": OPERATION},
        "/by-reference": {"$ref": "#/components/pathItems/a~1b"},
        "/nothing": {"summary": "no operation"},
        "x-extension": {"get": OPERATION},
    },
    "components": {"pathItems": {"a/b": {"patch": OPERATION}}},
}
LISTED = parse_operations(json.dumps(DOCUMENT).encode())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", b"/"),
        ("GET", b"/users"),
        ("POST", b"/users"),
        ("GET", b"/users/me"),
        ("GET", b"/users/42"),
        ("DELETE", b"/users/a%2Db"),
        ("GET", b"/users/%E4%BD%A0"),
        ("GET", b"/users/latest"),
        ("PUT", b"/users/42/avatar"),
        ("GET", b"/news/latest"),
        ("GET", b"/files/report.json"),
        ("GET", b"/files/logo-32.png"),
        ("GET", b"/a%20b/%C3%BC/1"),
        ("GET", b"/escaped%20word"),
        ("GET", b"/dots.and+plus"),
        ("PATCH", b"/by-reference"),
    ],
)
def test_listed_operation_passes(method: str, path: bytes) -> None:
    """Concrete or templated, byte for byte."""
    LISTED.require(method, path)


@pytest.mark.parametrize(
    "path",
    [
        b"/user",
        b"/users/",
        b"/Users",
        b"/users/1/2",
        b"/users//avatar",
        b"/users/%6De/x",
        b"/files/x",
        b"/files/.json",
        b"/files/a/b.json",
        b"/a b/\xc3\xbc/1",
        b"/a%20b/%c3%bc/1",
        b"/escaped word",
        b"/escaped%2520word",
        b"/dotsXand+plus",
        b"/nothing/here",
        b"x-extension",
        b"/x-extension",
        b"/users\n",
        b"/users/1\n/avatar/",
        b"",
    ],
)
def test_path_that_is_not_listed_is_404(path: bytes) -> None:
    """Another case, another spelling, another depth: another path."""
    with pytest.raises(Refused) as refused:
        LISTED.require("GET", path)
    assert refused.value.problem.code == "route_not_found"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", b"/users", "GET, POST"),
        ("get", b"/users", "GET, POST"),
        ("HEAD", b"/users", "GET, POST"),
        ("DELETE", b"/users/me", "GET"),  # concrete before templated
        ("DELETE", b"/users/latest/avatar", "PUT"),
        ("DELETE", b"/users/latest", "GET"),  # more words before fewer
        ("GET", b"/by-reference", "PATCH"),
        ("GET", b"/nothing", ""),
    ],
)
def test_method_that_is_not_listed_is_405(method: str, path: bytes, allow: str) -> None:
    """Nothing is inferred: a HEAD passes where the document lists one."""
    with pytest.raises(Refused) as refused:
        LISTED.require(method, path)
    assert refused.value.problem.code == "method_not_allowed"
    assert refused.value.headers == {"Allow": allow}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"openapi: 3.1.0", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "no OpenAPI 3"),
        (b"null", "no OpenAPI 3"),
        (b'{"swagger": "2.0"}', "no OpenAPI 3"),
        (b'{"openapi": 3.1}', "no OpenAPI 3"),
        (b'{"openapi": "4.0.0"}', "no OpenAPI 3"),
        (b'{"openapi": "3.1.0", "paths": []}', "paths"),
        (b'{"openapi": "3.1.0", "paths": {"users": {}}}', "slash"),
        (b'{"openapi": "3.1.0", "paths": {"/x": 1}}', "no operations"),
        (b'{"openapi": "3.1.0", "paths": {"/x": {"$ref": "other.json"}}}', "not within"),
        (b'{"openapi": "3.1.0", "paths": {"/x": {"$ref": "#/nowhere"}}}', "no operations"),
    ],
)
def test_document_that_cannot_be_used_is_a_fault(document: bytes, told: str) -> None:
    """Whatever is unclear in it must not become a rule."""
    with pytest.raises(ValueError, match=told):
        parse_operations(document)


def test_parameters_of_one_segment_each_take_something() -> None:
    """Side by side, before, between and after words; never nothing."""
    listed = parse_operations(
        json.dumps(
            {"openapi": "3.1.0", "paths": {"/{a}{b}": {"get": {}}, "/v{a}.{b}.x": {"get": {}}}}
        ).encode()
    )
    for path in (b"/12", b"/v1.2.x", b"/v...x", b"/v1.2.3.x"):
        listed.require("GET", path)
    for path in (b"/1", b"/", b"/12/"):
        with pytest.raises(Refused):
            listed.require("GET", path)


@pytest.mark.rule("S-121")
def test_hostile_path_is_judged_at_once() -> None:
    """A template of many parameters in one segment has no room for backtracking to explode."""
    template = "/" + "-".join(["{a}"] * 20) + "/end"
    listed = parse_operations(
        json.dumps({"openapi": "3.1.0", "paths": {template: {"get": OPERATION}}}).encode()
    )
    listed.require("GET", b"/" + b"-".join([b"1"] * 20) + b"/end")
    for path in (b"/" + b"-" * 8000 + b"/ene", b"/" + b"1-" * 19 + b"/end", b"/" + b"1" * 8000):
        with pytest.raises(Refused):
            listed.require("GET", path)
