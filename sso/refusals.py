"""Write each refusal down, once: what it was, at which endpoint, to which client, and why.

The request id, endpoint and client are bound to the log by context.

Spec: A-59; ASVS 16.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from httpkit import events

if TYPE_CHECKING:
    from sso.errors import OAuthError


def log_refusal(error: OAuthError) -> None:
    """Write the refusal of a protocol request."""
    events.get_logger().info(events.HTTP_REFUSED, problem=error.error, hint=error.reason)


def log_page_refusal(code: str, reason: str) -> None:
    """Write the refusal of what a person asked for on a page of ours."""
    events.get_logger().info(events.HTTP_REFUSED, problem=code, hint=reason)
