"""How much there may be of everything, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from workbench.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """The room's limits.

    Attributes:
        document_bytes: of a document's text, in UTF-8.
        project_nodes: live folders, documents and files of one project.
        project_bytes: of all files of one project, those in the trash and those to come included.
        upload_bytes: of one file.
        chunk_bytes: of one part of an upload.
        upload_types: media types that may be uploaded; `image/*` and `*/*` are patterns.
        upload_ttl_s: how long an upload may rest before it is swept away.
        trash_retention_s: how long something can be brought back.
    """

    document_bytes: int
    project_nodes: int
    project_bytes: int
    upload_bytes: int
    chunk_bytes: int
    upload_types: tuple[str, ...]
    upload_ttl_s: int
    trash_retention_s: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the limits of *settings*."""
        return cls(
            document_bytes=settings.document_limit_bytes,
            project_nodes=settings.project_nodes,
            project_bytes=settings.project_bytes,
            upload_bytes=settings.upload_limit_bytes,
            chunk_bytes=settings.upload_chunk_bytes,
            upload_types=settings.upload_types,
            upload_ttl_s=settings.upload_ttl_s,
            trash_retention_s=settings.trash_retention_s,
        )

    def takes(self, media_type: str) -> bool:
        """Return whether files of *media_type* may be uploaded."""
        family = f"{media_type.partition('/')[0]}/*"
        return any(each in {"*/*", family, media_type} for each in self.upload_types)
