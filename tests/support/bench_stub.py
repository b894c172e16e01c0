"""The workbench's front end over answers that are written down: for pictures and for single pages.

The pages, the policy and the files are the gateway's own; only the API is a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request

from bff.pages.views import pages_blueprint
from httpkit.csrf import FormGuard
from httpkit.headers import install_security_headers
from httpkit.i18n import install_i18n
from httpkit.request_ids import install_request_ids
from tests.support.bench_answers import (
    APPLICATIONS,
    BODY,
    COMMENTS,
    DELETED_PROJECTS,
    DIGEST,
    DOCUMENT,
    FEED,
    FILE,
    FOLDER,
    HITS,
    INVITATIONS,
    NODES,
    NOTIFICATIONS,
    PROJECT,
    PROJECTS,
    REVISIONS,
    SESSIONS,
    STATUSES,
    TRASH,
)
from tests.support.bench_people import ADA, GROUPS, ME, MEMBERS, OTHER_TEAM, TEAM
from tests.support.programs import ROOT
from tests.support.showcase import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping


class SignedIn:
    """Who the pages are shown to."""

    sub = "7d1f"
    name: str | None = "林晓雨"
    email: str | None = "xiaoyu@example.com"
    sign_out_origin: str | None = None


def bench_stub(answers: Mapping[str, Any] | None = None) -> Flask:
    """Return an application that serves the workbench to somebody who is signed in.

    *answers* are by path beneath ``/api``; what is not among them does not exist.
    """
    known = _answers() if answers is None else answers
    app = Flask("bench", template_folder=f"{ROOT}/templates", static_folder=f"{ROOT}/static")
    app.testing = True
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600  # the files do not change while it runs
    install_request_ids(app)
    install_i18n(app, https=False, now=lambda: NOW)
    install_security_headers(app, https=False)
    guard = FormGuard(secret=b"s" * 32, origin="http://localhost", https=False)
    app.jinja_env.globals["csrf_token"] = guard.token
    app.register_blueprint(pages_blueprint(current_session=SignedIn, workbench=True))

    @app.get("/bff/user")
    def user() -> Response:
        return jsonify(sub=SignedIn.sub, iss="http://127.0.0.1:9000", claims={})

    @app.get("/bff/sessions")
    def sessions() -> Response:
        return jsonify(sessions=SESSIONS)

    @app.get("/bff/events")
    def events() -> Response:
        said = 'retry: 60000\nevent: session\ndata: {"state": "active", "expires_in_s": 900}\n\n'
        return Response(said, mimetype="text/event-stream")

    @app.get("/api/feed/live")
    def live() -> Response:
        return Response("retry: 60000\n\n", mimetype="text/event-stream")

    @app.post("/api/invitations/look")
    def look() -> Response:
        team = {name: TEAM[name] for name in ("id", "name")}
        return jsonify(team=team, group=None, member=False, invited_by=ADA)

    @app.get("/api/<path:path>")
    def api(path: str) -> Any:  # noqa: ANN401 - a response of Flask's
        assert request.headers.get("X-CSRF") == "1"
        if f"/{path}" not in known:
            return jsonify(code="not_found", title="Not found", request_id="r1"), 404
        response = jsonify(known[f"/{path}"])
        response.headers["ETag"] = '"v1"'
        return response

    return app


def _answers() -> dict[str, Any]:
    """Return what each path answers, beneath ``/api``."""
    team, project = f"/teams/{TEAM['id']}", f"/projects/{PROJECT['id']}"
    document = f"/documents/{DOCUMENT['id']}"
    earlier = BODY.replace("早上八点", "晚上十点").replace("- [x]", "- [ ]")
    lists = {
        "/teams": [TEAM, OTHER_TEAM],
        f"{team}/members": MEMBERS,
        f"{team}/groups": GROUPS,
        f"{team}/projects": PROJECTS,
        f"{team}/projects/deleted": DELETED_PROJECTS,
        f"{team}/statuses": STATUSES,
        f"{team}/applications": APPLICATIONS,
        f"{team}/invitations": INVITATIONS,
        "/teams/directory": [TEAM, {**OTHER_TEAM, "id": "t_" + "3" * 24, "name": "天文社"}],
        "/feed": FEED,
        "/notifications": NOTIFICATIONS,
        f"{project}/tree": NODES,
        f"{project}/trash": TRASH,
        f"{project}/members": [
            {"user": one["user"], "role": role}
            for one, role in zip(MEMBERS, ["lead", "member", "reader"], strict=False)
        ],
        f"{document}/revisions": REVISIONS,
        f"/nodes/{DOCUMENT['id']}/comments": COMMENTS,
        f"/nodes/{FILE['id']}/comments": COMMENTS[:1],
        f"/statuses/{STATUSES[0]['id']}/comments": COMMENTS[:2],
        "/search": HITS,
        "/applications": [],
        "/watches": [],
    }
    paged = {path: {"items": items, "next": None} for path, items in lists.items()}
    return {**paged, **_things(team, project, document, earlier)}


def _things(team: str, project: str, document: str, earlier: str) -> dict[str, Any]:
    """Return what stands by itself at its path."""
    return {
        "/users/me": ME,
        f"/users/{ADA['id']}": {
            **ADA,
            "bio": None,
            "contact": {"email": "ada@example.com", "phone": None},
        },
        team: TEAM,
        project: PROJECT,
        document: DOCUMENT,
        f"{document}/revisions/4": {**REVISIONS[0], "body": BODY},
        f"{document}/revisions/3": {**REVISIONS[1], "body": earlier},
        f"/files/{FILE['id']}": FILE,
        f"/statuses/{STATUSES[0]['id']}": STATUSES[0],
        f"{team}/digest": DIGEST,
        "/notifications/unread": {"unread": 2},
        "/notifications/preferences": {"daily_email": False},
    }


PAGES = {
    "home": "/",
    "projects": "/projects",
    "deleted-projects": "/projects/deleted",
    "project": f"/projects/{PROJECT['id']}",
    "document": f"/projects/{PROJECT['id']}/documents/{DOCUMENT['id']}",
    "history": f"/projects/{PROJECT['id']}/documents/{DOCUMENT['id']}/history",
    "file": f"/projects/{PROJECT['id']}/files/{FILE['id']}",
    "folder": f"/projects/{PROJECT['id']}/folders/{FOLDER['id']}",
    "project-members": f"/projects/{PROJECT['id']}/members",
    "trash": f"/projects/{PROJECT['id']}/trash",
    "statuses": "/statuses",
    "status": f"/statuses/{STATUSES[0]['id']}",
    "digest": "/statuses/digest?week=2026-W47",
    "team": "/teams",
    "groups": "/teams/groups",
    "applications": "/teams/applications",
    "invitations": "/teams/invitations",
    "settings": "/teams/settings",
    "directory": "/teams/directory",
    "person": f"/people/{ADA['id']}",
    "inbox": "/inbox",
    "search": "/search?q=提醒",
    "profile": "/profile",
    "devices": "/devices",
    "welcome": "/welcome",
    "join": "/join#code",
}
