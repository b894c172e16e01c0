"""Answers as values: a transaction returns one, and an idempotency key keeps it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Response

from workbench.kit.versions import etag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_OK, _CREATED, _NO_CONTENT = 200, 201, 204


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is told: a JSON document or nothing, a status, headers."""

    document: Mapping[str, object] | None
    status: int = _OK
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return the HTTP answer."""
        if self.document is None:
            return Response(status=self.status, headers=dict(self.headers))
        body = json.dumps(self.document, ensure_ascii=False, separators=(",", ":"))
        headers = dict(self.headers)
        return Response(body, self.status, headers, content_type="application/json")


def shown(document: Mapping[str, object], *, version: int | None = None) -> Answer:
    """Return 200 with *document*; *version* becomes its ETag."""
    return Answer(document, _OK, _tag(version))


def created(document: Mapping[str, object], *, at: str, version: int | None = None) -> Answer:
    """Return 201 with *document*, which now is *at* this path of the API."""
    return Answer(document, _CREATED, {"Location": at} | _tag(version))


def gone() -> Answer:
    """Return 204: it is done, and there is nothing to say."""
    return Answer(None, _NO_CONTENT)


def _tag(version: int | None) -> dict[str, str]:
    return {} if version is None else {"ETag": etag_of(version)}
