"""The authorization response: to the registered address, always with ``iss``, always a 303.

Spec: RFC 6749 §4.1.2, RFC 9207 §2, RFC 9700 §4.12; A-12, A-13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sso.errors import OAuthError
    from sso.requests.model import ReplyTo

SEE_OTHER = 303


def reply(reply_to: ReplyTo, members: Mapping[str, str], *, issuer: str) -> Response:
    """Return the response that takes *members* to the client."""
    answer = {**members, "iss": issuer}
    if reply_to.state is not None:
        answer["state"] = reply_to.state
    return see_other(with_query(reply_to.redirect_uri, answer))


def reply_error(reply_to: ReplyTo, error: OAuthError, *, issuer: str) -> Response:
    """Return the error response for the client."""
    return reply(reply_to, error.document(), issuer=issuer)


def see_other(address: str) -> Response:
    """Return a 303: whatever was posted is not posted again (RFC 9700 §4.12)."""
    response = Response(status=SEE_OTHER)
    response.headers["Location"] = address
    response.headers["Cache-Control"] = "no-store"
    return response


def with_query(uri: str, members: Mapping[str, str]) -> str:
    """Return *uri* with *members* added to its query, which is kept as it was registered."""
    joint = "&" if "?" in uri else "?"
    return f"{uri}{joint}{urlencode(members)}"
