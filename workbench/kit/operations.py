"""The words that rooms describe their operations with, for the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.kit.ids import PATTERN
from workbench.paging import LIMIT_DEFAULT, LIMIT_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.kit.bodies import Body

TEXT: dict[str, Any] = {"type": "string"}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
FLAG: dict[str, Any] = {"type": "boolean"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}
MAYBE_INSTANT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
PAGING: tuple[dict[str, Any], ...] = (
    {
        "name": "limit",
        "in": "query",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": LIMIT_MAX,
            "default": LIMIT_DEFAULT,
        },
    },
    {
        "name": "after",
        "in": "query",
        "description": "The `next` of the page before.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{11}$"},
    },
)
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of what is changed. Left out: 428; of another version: 412.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A retry with the same key and body gets the same answer for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
}
_ETAG = {"ETag": {"description": "Names this version in If-Match.", "schema": TEXT}}


def a(name: str) -> dict[str, Any]:
    """Return a reference to the schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a list of *schema*."""
    return {"type": "array", "items": schema}


def an_id(kind: str) -> dict[str, Any]:
    """Return the schema of a public id of *kind*."""
    return {"type": "string", "pattern": f"^{kind}_[0-9a-f]{{24}}$"}


def record(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return an object of which every property is always there."""
    return {"type": "object", "required": list(properties), "properties": properties}


def page_of(name: str) -> dict[str, Any]:
    """Return one page of a list of the schema *name*."""
    described = MAYBE_TEXT | {"description": "The `after` of the next page; null on the last."}
    return record(items=many(a(name)), next=described)


def body_schema(model: type[Body]) -> dict[str, Any]:
    """Return the schema of the body *model*; what it defines by itself stands where it is used."""
    schema = model.model_json_schema()
    inside: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return inside


def query(name: str, schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    """Return an optional parameter of the query."""
    parameter = {"name": name, "in": "query", "schema": schema}
    return parameter | ({"description": description} if description else {})


def operation(
    name: str,
    summary: str,
    *,
    scope: str,
    answer: str | None,
    status: int = 200,
    body: type[Body] | None = None,
    queries: Sequence[dict[str, Any]] = (),
    paged: bool = False,
    versioned: bool = False,
    if_match: bool = False,
    once: bool = False,
) -> dict[str, Any]:
    """Return an operation that answers *status* with the schema *answer*, or with nothing.

    Args:
        name: its `operationId`.
        summary: one line.
        scope: what the token must hold.
        answer: a name in the room's SCHEMAS; None for 204.
        status: of success.
        body: what it reads.
        queries: its own parameters; *paged* adds those of a list.
        paged: whether it takes `limit` and `after`.
        versioned: whether the answer carries an ETag.
        if_match: whether it wants `If-Match`.
        once: whether it takes `Idempotency-Key`.
    """
    parameters = [*queries, *(PAGING if paged else ())]
    parameters += [_IF_MATCH] if if_match else []
    parameters += [_IDEMPOTENCY_KEY] if once else []
    described: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "security": [{"oauth": [scope]}],
        "responses": {str(status): _success(answer, versioned=versioned)},
    }
    refusals = ["400", *(["412", "428"] if if_match else [])]
    if body is not None:
        refusals += ["413", "415", "422"]
        described["requestBody"] = {
            "required": bool(body_schema(body).get("required")),
            "content": {"application/json": {"schema": body_schema(body)}},
        }
    if parameters:
        described["parameters"] = parameters
    problem = {"$ref": "#/components/responses/Problem"}
    described["responses"] |= dict.fromkeys(refusals, problem)
    return described


def path_parameters(path: str) -> list[dict[str, Any]]:
    """Return the ids that *path* names in braces."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    schema = {"type": "string", "pattern": f"^{PATTERN}$"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _success(answer: str | None, *, versioned: bool) -> dict[str, Any]:
    if answer is None:
        return {"description": "Done."}
    content = {"application/json": {"schema": a(answer)}}
    described: dict[str, Any] = {"description": answer, "content": content}
    return described | ({"headers": _ETAG} if versioned else {})


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[str(schema["$ref"]).rpartition("/")[2]], definitions)
    return {name: _inlined(each, definitions) for name, each in schema.items()}
