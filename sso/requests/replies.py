"""The authorization response: to the registered address, always with ``iss``.

By a 303, or by a form that the browser posts where the client asked for that.

Spec: RFC 6749 §4.1.2, RFC 9207 §2, RFC 9700 §4.12; A-12, A-13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, make_response, render_template

from httpkit.headers import allow_form_action
from sso.clients.redirect_uris import host_of, origin_of

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
    if reply_to.response_mode == "form_post":
        return _posted(reply_to.redirect_uri, answer)
    return see_other(with_query(reply_to.redirect_uri, answer))


def reply_error(reply_to: ReplyTo, error: OAuthError, *, issuer: str) -> Response:
    """Return the error response for the client."""
    return reply(reply_to, error.document(), issuer=issuer)


def _posted(redirect_uri: str, members: Mapping[str, str]) -> Response:
    """Return a page whose form posts *members* (OAuth 2.0 Form Post Response Mode)."""
    allow_form_action(origin_of(redirect_uri))
    page = render_template(
        "sso/form_post.html",
        action=redirect_uri,
        client_name=host_of(redirect_uri),
        members=members,
    )
    return make_response(page, {"Cache-Control": "no-store"})


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
