"""The cookie jar of the sign-ins."""

from __future__ import annotations

from bench.visitor import Visitor

_ORIGIN = "http://localhost:1"


def test_cookies_are_sent_below_their_path_only() -> None:
    """A transaction cookie of the callback never rides on an API call."""
    visitor = Visitor()
    visitor._keep(_ORIGIN, "session=s1; Path=/; HttpOnly; SameSite=Strict")
    visitor._keep(_ORIGIN, "attempt=a1; Path=/bff/callback; SameSite=Lax")
    assert visitor.cookie_header(_ORIGIN, "/api/small") == "session=s1"
    assert visitor.cookie_header(_ORIGIN, "/bff/callback/sso") == "session=s1; attempt=a1"


def test_a_deleted_cookie_is_gone() -> None:
    """Max-Age=0 takes back what was given."""
    visitor = Visitor()
    visitor._keep(_ORIGIN, "session=s1; Path=/")
    visitor._keep(_ORIGIN, "session=; Max-Age=0; Path=/")
    assert visitor.cookie_header(_ORIGIN, "/") == ""


def test_origins_do_not_share_cookies() -> None:
    """Ports tell peers apart here, though cookies know none."""
    visitor = Visitor()
    visitor._keep(_ORIGIN, "session=s1; Path=/")
    assert visitor.cookie_header("http://localhost:2", "/") == ""
