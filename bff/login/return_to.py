"""Where a login may end: a path of our own, read the same way by every browser.

What is allowed is listed; what browsers forgive (backslashes, control characters, a scheme, a
second slash) is how a redirector is opened (S-001 to S-013).

Spec: WHATWG URL §4.4; RFC 9700 §4.11.1; ASVS 3.7.2.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from bff.problems import BAD_REQUEST, Refused

HOME: Final = "/"
_LENGTH_LIMIT = 2048
_OWN = "/bff"
_PAGES = frozenset({"/bff/devices", "/bff/signed-in"})
# Unreserved and sub-delims of RFC 3986, and escapes; never an escape of `/`, `\`, `.` or a control,
# nor an escape of an escape.
_SEGMENT = (
    r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2[EeFf]|5[Cc]|25[0-9A-Fa-f]{2}|[01][0-9A-Fa-f]|7[Ff])"
    r"[0-9A-Fa-f]{2})+"
)
_REST = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%(?![01][0-9A-Fa-f]|7[Ff])[0-9A-Fa-f]{2})*"
_LOCAL = re.compile(rf"(?P<path>/|(?:/{_SEGMENT})+/?)(?:\?{_REST})?(?:#{_REST})?")
_DOTS = frozenset({".", ".."})


def parse_return_to(value: str | None, base_path: str = "") -> str:
    """Return the local path, query and fragment that *value* names; home where there is none.

    A path of the login itself becomes home: it would loop or sign out (S-012).

    Args:
        value: as the page gave it.
        base_path: where this front end begins; no login of it ends in another one's pages.

    Raises:
        Refused: ``bad_request``; *value* is not a plain local address of this front end.
    """
    home = f"{base_path}{HOME}"
    if not value:
        return home
    match = _LOCAL.fullmatch(value) if len(value) <= _LENGTH_LIMIT else None
    if match is None or _DOTS & set(match["path"].split("/")):
        raise Refused(BAD_REQUEST, detail="return_to must be a local path such as /projects?page=2")
    path = unquote(match["path"])  # as the server reads it: `/%62ff/logout` is one of ours too
    if base_path and path != base_path and not path.startswith(home):
        raise Refused(BAD_REQUEST, detail=f"return_to must lie beneath {home}")
    inner = path.removeprefix(base_path)
    if (inner == _OWN or inner.startswith(f"{_OWN}/")) and inner not in _PAGES:
        return home
    return value
