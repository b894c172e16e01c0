"""Two people, one thing: a row's `version` is its strong ETag, and a change names what it replaces.

Spec: RFC 9110 §8.8.3, §13.1.1; RFC 6585 §3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from workbench.problems import PRECONDITION_FAILED, PRECONDITION_REQUIRED, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping


def etag_of(version: int) -> str:
    """Return the strong entity tag of *version*."""
    return f'"v{version}"'


def require_match(version: int, *, members: Mapping[str, object] | None = None) -> None:
    """Pass when the request at hand changes *version*, the current one of a locked row.

    *members* go into the refusal, for a client that merges.

    Raises:
        Refused: 428 without ``If-Match``; 412 where it names another version. A weak tag never
            matches. ``*`` says: whatever is there.
    """
    header = request.headers.get("If-Match")
    current = etag_of(version)
    if header is None:
        raise Refused(
            PRECONDITION_REQUIRED, detail="Send If-Match with the ETag of what you change."
        )
    if header.strip() != "*" and current not in {tag.strip() for tag in header.split(",")}:
        raise Refused(PRECONDITION_FAILED, members=members, headers={"ETag": current})
