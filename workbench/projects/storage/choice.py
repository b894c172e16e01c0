"""Which storage the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from workbench.projects.storage.local import LocalStorage
from workbench.projects.storage.s3 import S3Storage
from workbench.projects.storage.signing import Credentials

if TYPE_CHECKING:
    from workbench.projects.storage.blobs import Storage
    from workbench.settings import Settings


def storage_of(settings: Settings) -> Storage:
    """Return the storage at `files_url`; nothing is asked of it yet."""
    parts = urlsplit(settings.files_url)
    if parts.scheme == "file":
        return LocalStorage(Path(unquote(parts.path)))
    prefix = parts.path.strip("/")
    return S3Storage(
        settings.s3_endpoint,
        parts.netloc,
        f"{prefix}/" if prefix else "",
        Credentials(settings.s3_access_key, settings.s3_secret_key, settings.s3_region),
    )
