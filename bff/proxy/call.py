"""One proxied call: what is known of it, and the answers that are our own.

Spec: RFC 9457; RFC 9110 §10.2.3 (Retry-After).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from httpkit.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bff.problems import ProblemType, Refused, Unavailable
    from bff.proxy.headers import Headers
    from bff.proxy.relay import Send

CLIENT_GONE: Final = 499  # in the log alone: nobody was there to be answered
REPLY_ABORTED: Final = "reply_aborted"  # in the log alone: too late for a problem document
SESSION_ENDED: Final = "session_ended"  # as the former
WEBSOCKET_CLOSED: Final = "websocket_closed"  # by us; as the former
_NOTHING: Final[Mapping[str, object]] = {}


@dataclass(slots=True)
class Call:
    """Filled in as the call proceeds; the access line is written from it.

    Attributes:
        request_id: 32 hexadecimal digits, the trace id too.
        span_id: 16 hexadecimal digits.
        route: the configured prefix.
        started_at: by the performance counter.
        answering: the reply's head has been sent; no other answer is possible.
        sid: the session's fingerprint.
        lines: further headers of the answer.
    """

    request_id: str
    span_id: str
    method: str
    route: str
    started_at: float
    answering: bool = False
    status: int = CLIENT_GONE
    sid: str | None = None
    upstream_status: int | None = None
    problem: str | None = None
    hint: str | None = None
    lines: Headers | None = None

    def start(self, status: int) -> None:
        """Note that the head of the answer goes out now."""
        self.answering = True
        self.status = status

    def break_off(self, hint: str | None) -> None:
        """Note that the answer's end will never come."""
        self.problem = REPLY_ABORTED
        self.hint = hint

    async def refuse(
        self, send: Send, refused: Refused, members: Mapping[str, object] = _NOTHING
    ) -> None:
        """Answer that the request is at fault."""
        self.hint = refused.hint
        headers = [(name.lower(), value) for name, value in refused.headers.items()]
        await self.answer(
            send, refused.problem, refused.detail, headers, {**members, **refused.members}
        )

    async def defer(self, send: Send, unavailable: Unavailable) -> None:
        """Answer that something which we need did not answer us."""
        self.hint = unavailable.hint
        headers = [("retry-after", str(unavailable.retry_after_s))]
        await self.answer(send, unavailable.problem, unavailable.detail, headers)

    async def answer(
        self,
        send: Send,
        problem: ProblemType,
        detail: str | None = None,
        headers: list[tuple[str, str]] | None = None,
        members: Mapping[str, object] = _NOTHING,
    ) -> None:
        """Answer with *problem*, unless an answer is on its way: then it stays without its end."""
        self.problem = problem.code
        if self.answering:
            return
        self.start(problem.status)
        document = problem.document(request_id=self.request_id, detail=detail, members=members)
        lines = [
            ("content-type", MEDIA_TYPE),
            ("content-length", str(len(document))),
            ("cache-control", "private, no-store"),
            ("vary", "Cookie"),
            ("x-content-type-options", "nosniff"),
            ("x-request-id", self.request_id),
            *(headers or ()),
        ]
        encoded = [(name.encode("ascii"), value.encode("ascii")) for name, value in lines]
        await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
        body = b"" if self.method == "HEAD" else document
        await send({"type": "http.response.body", "body": body, "more_body": False})
