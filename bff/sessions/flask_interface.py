"""Flask's own ``session`` over the same store, living and dying with the visitor's sign-in.

`flask.session` is Flask-Session's session object; its stores are not used: they rewrite the whole
session after every request, undo a logout that came meanwhile, and unpickle what they find.
Here only the keys that a request changed are written, by compare-and-set, and never to a session
that is gone. Nothing is read before the app first looks, so that a page without a session works
while Redis is down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask.sessions import SessionInterface
from flask_session.base import ServerSideSession

from bff import events
from bff.problems import login_required
from bff.sessions.store import Written
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Request
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
        self._before = dict(session.record.flask) if session is not None else {}
        dict.update(self, self._before)
        self.accessed = True

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - as Flask's
        self._read()
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401 - as Flask's
        self._read()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._read()
        super().__delitem__(key)

    def __contains__(self, key: object) -> bool:
        self._read()
        return bool(super().__contains__(key))

    def __iter__(self) -> Iterator[str]:
        self._read()
        return iter(super().__iter__())

    def __len__(self) -> int:
        self._read()
        return int(super().__len__())

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as Flask's
        """Return the value of *key*, or *default*."""
        self._read()
        return super().get(key, default)


class VisitorSessionInterface(SessionInterface):
    """Opens and saves `VisitorSession` over the session store. Sets no cookie: the login does."""

    def __init__(self, store: SessionStore, current: CurrentSession) -> None:
        self._store = store
        self._current = current

    def open_session(self, app: Flask, request: Request) -> VisitorSession:  # noqa: ARG002
        """Return the session of the request at hand; nothing is read yet."""
        return VisitorSession(self._current)

    def save_session(
        self,
        app: Flask,  # noqa: ARG002 - Flask's signature
        session: VisitorSession,  # type: ignore[override] # ours is the only one it opens
        response: Response,
    ) -> None:
        """Write what the request changed.

        Raises:
            Refused: ``login_required``; an anonymous visitor has no session to write to, so that
                a stranger can never fill the store (S-116).
        """
        if session.accessed:
            response.vary.add("Cookie")
        changes = session.changes() if session.modified else {}
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
