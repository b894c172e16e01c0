"""The browser at hand: who is signed in there, and the cookies that say so.

The session cookie is Lax: an authorization request is a navigation from elsewhere, to which a
Strict cookie would not come (A-54).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import g, request

from sso.accounts.sessions import Visitor
from sso.accounts.users import compared
from sso.storage.audit import act_as

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Response

    from sso.accounts.sessions import Sessions, SignedIn
    from sso.accounts.sign_in import KnownDevices
    from sso.storage.people import User

_DEVICE_MAX_AGE_S = 365 * 86_400


class Browser:
    """Reads and writes the cookies of the request at hand."""

    def __init__(self, sessions: Sessions, devices: KnownDevices, *, issuer: str) -> None:
        self._sessions = sessions
        self._devices = devices
        parts = urlsplit(issuer)
        self._https = parts.scheme == "https"
        # Cookies ignore ports: on one loopback host each instance needs names of its own.
        suffix = "" if self._https else f"-{parts.port or 80}"
        prefix = "__Host-" if self._https else ""
        self._session_name = f"{prefix}sso-session{suffix}"
        self._device_name = f"{prefix}sso-device{suffix}"

    def signed_in(self) -> SignedIn | None:
        """Return who is signed in here; asked of the database once a request.

        Raises:
            Unavailable: it cannot be told, which is not the same as nobody.
        """
        if "signed_in" not in g:
            g.signed_in = self._sessions.find(self._cookie(self._session_name))
            if g.signed_in is not None:
                act_as(f"user:{g.signed_in.user.sub}")
        found: SignedIn | None = g.signed_in
        return found

    def device(self) -> str | None:
        """Return the mark of a browser in which somebody signed in before."""
        return self._cookie(self._device_name)

    def known_device(self, username: str) -> str | None:
        """Return the device that this browser is, where *username* signed in here before."""
        return self._devices.read(self.device(), compared(username))

    def sign_in(
        self,
        response: Response,
        user: User,
        *,
        amr: tuple[str, ...],
        since: datetime | None = None,
    ) -> SignedIn | None:
        """Start a session of *user* here; return the session of somebody else that it replaces.

        *since* is when they proved who they are, where that was not just now. The caller ends what
        is returned, so that it also ends where it reaches.
        """
        before = self.signed_in()
        secret = self._sessions.start(user, visitor(), amr=amr, replaces=before, since=since)
        self._set(response, self._session_name, secret, max_age_s=None)
        mark = self._devices.issue(user.username)
        self._set(response, self._device_name, mark, max_age_s=_DEVICE_MAX_AGE_S)
        return before if before is not None and before.user.sub != user.sub else None

    def forget(self, response: Response) -> None:
        """Take the session cookie away; the session itself is the caller's matter."""
        response.delete_cookie(
            self._session_name, secure=self._https, httponly=True, samesite="Lax"
        )

    def _cookie(self, name: str) -> str | None:
        values = request.cookies.getlist(name)
        # Two of one name: one was planted by a neighbour (S-036). Neither is believed.
        return values[0] if len(values) == 1 else None

    def _set(self, response: Response, name: str, value: str, *, max_age_s: int | None) -> None:
        response.set_cookie(
            name, value, max_age=max_age_s, secure=self._https, httponly=True, samesite="Lax"
        )


def visitor() -> Visitor:
    """Return where the request at hand came from, as its owner may later recognise it."""
    return Visitor(request.remote_addr or "", request.headers.get("User-Agent", ""))
