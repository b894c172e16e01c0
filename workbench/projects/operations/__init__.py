"""The room's part of the OpenAPI document, one module a subject."""

from __future__ import annotations

from typing import Any

from workbench.projects.operations import comments, documents, files, projects, search, tree

_SUBJECTS = (projects, tree, documents, files, comments, search)

SCHEMAS: dict[str, Any] = {
    name: schema for subject in _SUBJECTS for name, schema in subject.SCHEMAS.items()
}
PATHS: dict[str, Any] = {
    path: methods for subject in _SUBJECTS for path, methods in subject.PATHS.items()
}
