"""Flask's own ``session`` over the same store, living and dying with the visitor's sign-in.

`flask.session` is Flask-Session's session object; its stores are not used: they rewrite the whole
session after every request, undo a logout that came meanwhile, and unpickle what they find.
Here only the keys that a request changed are written, by compare-and-set, and never to a session
that is gone. Nothing is read before the app first looks, so that a page without a session works
while Redis is down.
"""

from __future__ import annotations

from copy import deepcopy
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Flask, g
from flask.sessions import SessionInterface
from flask_session.base import ServerSideSession

from bff import events
from bff.problems import Refused, Unavailable, login_required
from bff.sessions.store import Written
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request
    from flask.typing import ResponseReturnValue
    from flask.wrappers import Response

    from bff.sessions.current import CurrentSession
    from bff.sessions.model import Session
    from bff.sessions.store import SessionStore

_TRIES: Final = 5
_ABSENT: Final = object()

log = get_logger()


class VisitorSession(ServerSideSession):  # type: ignore[misc] # Flask-Session has no types
    """``flask.session``: a dictionary that is read when first looked at.

    Values must be what JSON can hold. Changing a mutable value in place goes unnoticed, as in any
    Flask session: assign it again.
    """

    def __init__(self, current: CurrentSession) -> None:
        super().__init__()
        self._current = current
        self._before: dict[str, Any] | None = None

    def changes(self) -> dict[str, Any]:
        """Return each changed key with its new value, or `_ABSENT` where it was removed."""
        before = self._before if self._before is not None else {}
        now = dict(self)
        return {
            key: now.get(key, _ABSENT)
            for key in before.keys() | now.keys()
            if before.get(key, _ABSENT) != now.get(key, _ABSENT)
        }

    def _read(self) -> None:
        if self._before is not None:
            return
        session = self._current.find()
        self._before = session.record.flask if session is not None else {}
        # A copy to the bottom: a list that is appended to and assigned again has changed.
        dict.update(self, deepcopy(self._before))
        self.accessed = True


def _reading_first(name: str) -> Callable[..., Any]:
    inherited: Callable[..., Any] = getattr(ServerSideSession, name)

    @wraps(inherited)
    def method(self: VisitorSession, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as a dictionary's
        self._read()
        return inherited(self, *arguments, **named)

    return method


# All of a dictionary: the one method that is forgotten would show an empty session.
_DICTIONARY: Final = (
    *("__contains__", "__eq__", "__getitem__", "__iter__", "__len__", "__ne__", "__or__"),
    *("__reversed__", "__ror__", "copy", "get", "items", "keys", "values"),
    *("__delitem__", "__ior__", "__setitem__", "clear", "pop", "popitem", "setdefault", "update"),
)
for _name in _DICTIONARY:
    setattr(VisitorSession, _name, _reading_first(_name))


class VisitorApp(Flask):
    """A Flask that writes the visitor's session before it finishes the answer.

    Flask itself writes it last, where a refused or failed write could only be a bug's 500.
    """

    session_interface: VisitorSessionInterface

    def dispatch_request(self) -> ResponseReturnValue:
        """Return the view's answer, its session written; raises as `write` does."""
        answer = super().dispatch_request()
        # Not `flask.session`: asking for it counts as looking at it.
        self.session_interface.write(g.visitor_session)
        return answer


class VisitorSessionInterface(SessionInterface):
    """Opens and saves `VisitorSession` over the session store. Sets no cookie: the login does."""

    def __init__(self, store: SessionStore, current: CurrentSession) -> None:
        self._store = store
        self._current = current

    def open_session(self, app: Flask, request: Request) -> VisitorSession:  # noqa: ARG002
        """Return the session of the request at hand; nothing is read yet."""
        g.visitor_session = opened = VisitorSession(self._current)
        return opened

    def save_session(
        self,
        app: Flask,  # noqa: ARG002 - Flask's signature
        session: VisitorSession,  # type: ignore[override] # ours is the only one it opens
        response: Response,
    ) -> None:
        """Mark the answer as the visitor's own; write what a failed view had changed, if it can be.

        The answer is finished: a write that fails now changes nothing of it.
        """
        if session.accessed:
            response.vary.add("Cookie")
        try:
            self.write(session)
        except (Refused, Unavailable) as failure:
            log.warning(events.SESSION_WRITE_DROPPED, hint=failure.hint)

    def write(self, session: VisitorSession) -> None:
        """Write what the request changed, once.

        Raises:
            Refused: ``login_required``; an anonymous visitor has no session to write to, so that
                a stranger can never fill the store (S-116).
            Unavailable: Redis gives no answer.
        """
        changes = session.changes() if session.modified else {}
        session.modified = False
        if not changes:
            return
        found = self._current.find()
        if found is None:
            raise login_required("flask.session is for signed-in visitors")
        self._write(found, changes)

    def _write(self, found: Session | None, changes: dict[str, Any]) -> None:
        for _try in range(_TRIES):
            if found is None:
                return  # ended meanwhile; what ended stays ended
            merged = {**found.record.flask, **changes}
            kept = {key: value for key, value in merged.items() if value is not _ABSENT}
            record = msgspec.structs.replace(found.record, flask=kept)
            written = self._store.replace_record(found.ticket, record, found.revision)
            if written is not Written.OVERTAKEN:
                return
            found = self._store.load(found.ticket)
        log.error(events.SESSION_WRITE_DROPPED, tries=_TRIES)
