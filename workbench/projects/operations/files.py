"""Uploads, files and their bytes."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    COUNT,
    FLAG,
    INSTANT,
    TEXT,
    a,
    an_id,
    operation,
    or_null,
    query,
    record,
)
from workbench.projects.operations.words import NUMBER, posting, refusing
from workbench.projects.uploads import UploadWanted
from workbench.projects.views.scopes import READ, WRITE

_OCTETS = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_OFFSET = {"Upload-Offset": {"schema": COUNT}}

SCHEMAS: dict[str, Any] = {
    "Upload": record(
        id=an_id("up"),
        name=TEXT,
        size=COUNT,
        offset=COUNT | {"description": "How many bytes are there; the next chunk begins here."},
        chunk_bytes=NUMBER | {"description": "The length of every chunk but the last."},
        created_at=INSTANT,
        file=or_null(a("Node")) | {"description": "The file, once all bytes are there."},
    ),
}


def _header(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": schema, "description": description}


def _take() -> dict[str, Any]:
    described = operation(
        "sendChunk",
        "Send the next chunk; the answer to the last one has the file",
        scope=WRITE,
        answer="Upload",
        queries=[
            _header("Upload-Offset", COUNT, "Where the chunk begins.") | {"required": True},
            _header("Upload-Checksum", TEXT, "`sha256` and the chunk's digest in base64."),
        ],
    )
    described["responses"]["200"]["headers"] = _OFFSET
    described["requestBody"] = {"required": True, "content": _OCTETS}
    return refusing(described, "409", "413", "422")


def _content() -> dict[str, Any]:
    described = operation(
        "getFileContent",
        "The bytes, all or one range; If-None-Match and If-Range are understood",
        scope=READ,
        answer=None,
        queries=[
            query("inline", FLAG, "`true`: to be shown in place, where the kind of file allows."),
            _header("Range", TEXT, "`bytes=…`"),
        ],
    )
    described["responses"]["200"] = {"description": "All bytes.", "content": _BYTES}
    described["responses"]["206"] = {"description": "A range of them.", "content": _BYTES}
    described["responses"]["304"] = {"description": "The same bytes as you have."}
    return refusing(described, "416")


PATHS: dict[str, Any] = {
    "/projects/{project}/uploads": {
        "post": posting(
            "beginUpload", "Announce a file", scope=WRITE, answer="Upload", body=UploadWanted
        )
    },
    "/uploads/{upload}": {
        "get": operation("getUpload", "How far it is", scope=WRITE, answer="Upload"),
        "patch": _take(),
        "delete": operation("abandonUpload", "Give it up", scope=WRITE, answer=None, status=204),
    },
    "/files/{node}": {
        "get": operation("getFile", "A file", scope=READ, answer="Node", versioned=True)
    },
    "/files/{node}/content": {"get": _content()},
}
