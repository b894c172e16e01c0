"""Refused, unavailable, bug: the three outcomes, and the document that names each to a client.

Free of any framework, so that the data plane answers from the same table as Flask does.

Spec: RFC 9457.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_MIN_S = 1
_RETRY_AFTER_MAX_S = 3


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One row of a party's problem table: what clients may rely on."""

    code: str
    status: int
    title: str

    def document(
        self,
        *,
        request_id: str,
        detail: str | None = None,
        members: Mapping[str, object] | None = None,
    ) -> bytes:
        """Return the RFC 9457 document as UTF-8 JSON; *members* are extension members."""
        document: dict[str, object] = {
            "type": f"urn:cloakroom:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "request_id": request_id,
        }
        if detail is not None:
            document["detail"] = detail
        if members:
            document.update(members)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


BAD_REQUEST = ProblemType("bad_request", 400, "The request cannot be understood.")
NOT_FOUND = ProblemType("not_found", 404, "There is nothing at this address.")
METHOD_NOT_ALLOWED = ProblemType("method_not_allowed", 405, "This method is not allowed here.")
BODY_TOO_LARGE = ProblemType("body_too_large", 413, "The request body is too large.")
CSRF_FAILED = ProblemType("csrf_failed", 403, "The request did not come from our own page.")
INTERNAL_ERROR = ProblemType("internal_error", 500, "Something went wrong on our side.")


class Refused(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The request is at fault; repeating it unchanged will not help. Answered with 4xx.

    Attributes:
        detail: shown to the client; says what would be right.
        hint: for the log alone.
        members: extension members of the problem document.
        headers: added to the answer.
    """

    def __init__(
        self,
        problem: ProblemType,
        *,
        detail: str | None = None,
        hint: str | None = None,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.detail = detail
        self.hint = hint
        self.members = dict(members or {})
        self.headers = dict(headers or {})


class Unavailable(Exception):  # noqa: N818 - an outcome, not an error of ours
    """A part we need gave no answer; state is kept and the request may be repeated.

    Answered with the problem's status (503, 502 or 504) and ``Retry-After``.
    """

    def __init__(
        self,
        problem: ProblemType,
        *,
        retry_after_s: int | None = None,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.retry_after_s = retry_after_s if retry_after_s is not None else jittered_retry_s()
        self.detail = detail
        self.hint = hint


def jittered_retry_s() -> int:
    """Return whole seconds for ``Retry-After``, spread so that clients do not return as a herd."""
    return random.randint(_RETRY_AFTER_MIN_S, _RETRY_AFTER_MAX_S)  # noqa: S311 - spreads load, hides nothing
