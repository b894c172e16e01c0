"""The session cookie's syntax: read strictly, written with every attribute, deletion included.

Spec: RFC 6265bis §4.1.3 (prefixes); RFC 10017 §6.1.3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bff.problems import login_required
from bff.sessions.model import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable


def cookies_named(name: bytes, raw_headers: Iterable[bytes]) -> list[bytes]:
    """Return every value that the Cookie headers hold under exactly *name*, in order.

    Only the separator ``;`` and blanks around a pair are understood; quotes, `$Version` and other
    leniencies of cookie parsers are what attackers smuggle a second cookie through (S-036, S-037).
    """
    values = []
    for header in raw_headers:
        if name not in header:
            continue
        for pair in header.split(b";"):
            found, equals, value = pair.strip(b" \t").partition(b"=")
            if equals and found == name:
                values.append(value)
    return values


def cookie_pairs(raw_headers: Iterable[bytes]) -> list[tuple[str, str]]:
    """Return every cookie of the headers as name and value, under the rules of `cookies_named`."""
    pairs = []
    for header in raw_headers:
        for pair in header.split(b";"):
            name, equals, value = pair.strip(b" \t").partition(b"=")
            if equals:
                pairs.append((name.decode("latin-1"), value.decode("latin-1")))
    return pairs


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """How the session cookie is called and which attributes it carries."""

    name: str
    secure: bool
    same_site: str

    def read(self, raw_headers: Iterable[bytes]) -> Ticket | None:
        """Return the ticket in the Cookie headers of a request, or None where there is none.

        Raises:
            Refused: ``login_required`` where two cookies bear our name. One of them was planted,
                and neither order nor value tells which.
        """
        values = cookies_named(self.name.encode(), raw_headers)
        if len(values) > 1:
            raise login_required("two cookies of the session's name")
        return Ticket.parse(values[0]) if values else None

    def issue(self, ticket: Ticket) -> str:
        """Return the ``Set-Cookie`` value that hands *ticket* to the browser until it closes."""
        return f"{self.name}={ticket.encode()}{self._attributes()}"

    def expire(self) -> str:
        """Return the ``Set-Cookie`` value that removes the cookie.

        With the same attributes: a browser ignores a deletion that breaks the prefix's rules.
        """
        return f"{self.name}={self._attributes()}; Max-Age=0"

    def _attributes(self) -> str:
        secure = "; Secure" if self.secure else ""
        return f"; Path=/{secure}; HttpOnly; SameSite={self.same_site.capitalize()}"
