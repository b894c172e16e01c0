"""Words that several subjects use."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import COUNT, TEXT, a, an_id, operation, record

_PROBLEM = {"$ref": "#/components/responses/Problem"}
NAMED: dict[str, Any] = record(id=TEXT, name=TEXT)
PERSON: dict[str, Any] = a("Person")
SIZE: dict[str, Any] = {"type": ["integer", "null"], "minimum": 0, "description": "Bytes."}
NODE_ID = an_id("n")
NUMBER = COUNT | {"minimum": 1}


def refusing(described: dict[str, Any], *statuses: str) -> dict[str, Any]:
    """Return the operation *described*, which may also be refused with *statuses*."""
    return described | {"responses": described["responses"] | dict.fromkeys(statuses, _PROBLEM)}


def posting(*arguments: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as `operation`
    """Return an operation that creates something, once a key."""
    return refusing(operation(*arguments, status=201, once=True, **more), "409")
