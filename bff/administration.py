"""`/sessions` on the management listener: an administrator lists and ends a person's sessions.

Off unless `[[administrators]]` names somebody. Never on the main listener, where browsers come.

Spec: ASVS 7.4.5, 16.3; RFC 6750 §2.1.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, request

from bff import admin, events
from bff.problems import ADMINISTRATOR_REQUIRED, BAD_REQUEST, ROUTE_NOT_FOUND, Refused
from httpkit.answers import install_answers
from httpkit.events import get_logger, install_access_log
from httpkit.request_ids import install_request_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from bff.parts import Parts
    from bff.settings import AdministratorSettings

_FINGERPRINT_DIGITS = 12
_SCHEME = "Bearer "
_TAKEN = frozenset({"subject", "issuer", "id"})

log = get_logger()


class Administration:
    """The endpoint, for the sessions of every front end."""

    def __init__(
        self, all_parts: Sequence[Parts], administrators: Sequence[AdministratorSettings]
    ) -> None:
        self._all_parts = all_parts
        self._administrators = administrators
        self._first_issuer = all_parts[0].shared.settings.providers[0].issuer

    def app(self) -> Flask:
        """Return the WSGI application."""
        app = Flask("bff_administration", static_folder=None)
        install_request_ids(app)
        install_access_log(app)
        install_answers(app, not_found=ROUTE_NOT_FOUND)
        app.get("/sessions")(self._list)
        app.delete("/sessions")(self._revoke)
        return app

    def _list(self) -> ResponseReturnValue:
        actor, issuer, subject = self._asked(_TAKEN - {"id"})
        found = list(admin.described_sessions(self._all_parts, issuer=issuer, subject=subject))
        self._note(events.ADMINISTRATOR_LISTED, actor, subject, len(found))
        return _no_store(jsonify(sessions=found))

    def _revoke(self) -> ResponseReturnValue:
        actor, issuer, subject = self._asked(_TAKEN)
        session_id = request.args.get("id")
        ended = admin.end_sessions(
            self._all_parts, issuer=issuer, subject=subject, session_id=session_id
        )
        self._note(events.ADMINISTRATOR_REVOKED, actor, subject, ended)
        return _no_store(jsonify(revoked=ended))

    def _asked(self, taken: frozenset[str]) -> tuple[str, str, str]:
        """Return who asks about whom: the administrator, the issuer and the subject."""
        actor = self._require_administrator()
        given = request.args.to_dict(flat=False)
        # A misspelt or doubled `id` must not end all sessions in the place of one.
        if given.keys() - taken or any(
            len(values) > 1 or not values[0] for values in given.values()
        ):
            raise Refused(BAD_REQUEST, detail=f"Each of {sorted(taken)} once, nothing else.")
        if "subject" not in given:
            raise Refused(BAD_REQUEST, detail="subject is missing.")
        issuer = request.args.get("issuer") or self._first_issuer
        return actor, issuer, given["subject"][0]

    def _require_administrator(self) -> str:
        """Return the name of who holds the secret that the request carries."""
        said = request.headers.getlist("Authorization")
        presented = said[0].removeprefix(_SCHEME) if len(said) == 1 else ""
        if len(said) == 1 and said[0].startswith(_SCHEME):
            # All are compared, each in constant time: how long it takes tells nothing.
            names = [one.name for one in self._administrators if _same(one, presented)]
            if names:
                return names[0]
        log.warning(events.ADMINISTRATOR_REFUSED, ip=request.remote_addr)
        raise Refused(ADMINISTRATOR_REQUIRED, headers={"WWW-Authenticate": "Bearer"})

    @staticmethod
    def _note(event: str, actor: str, subject: str, sessions: int) -> None:
        # The subject is a person's name at the provider: its digest is enough to find it again.
        digest = hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()
        log.info(event, actor=actor, subject=digest[:_FINGERPRINT_DIGITS], sessions=sessions)


def _same(administrator: AdministratorSettings, presented: str) -> bool:
    secret = administrator.secret.get_secret_value()
    return secrets.compare_digest(secret.encode(), presented.encode(errors="surrogatepass"))


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
