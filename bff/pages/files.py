"""A front end's own files, served beneath its base path; `index.html` stands for a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, send_from_directory
from werkzeug.exceptions import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Response

_INDEX = "index.html"


def files_blueprint(folder: Path) -> Blueprint:
    """Return the routes that serve *folder*; nothing outside of it and no hidden file."""
    files = Blueprint("files", __name__)

    @files.get("/", defaults={"name": ""})
    @files.get("/<path:name>")
    def file(name: str) -> Response:
        if any(part.startswith(".") for part in name.split("/")):
            raise NotFound
        if not name or name.endswith("/"):
            name += _INDEX
        return send_from_directory(folder.resolve(), name, max_age=0, conditional=True)

    return files
