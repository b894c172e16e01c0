"""A Flask application with Cloakroom: a page, a guarded page, a form, calls to an API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, jsonify, redirect, render_template, request, session, url_for

from bff.extension import Begun, Cloakroom, signed_in

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

cloakroom = Cloakroom()
workbench = cloakroom.api(os.environ.get("WORKBENCH_URL", "http://127.0.0.1:7000"))
pages = Blueprint("pages", __name__)


@pages.get("/")
def welcome() -> str:
    """Show the same page to everybody, with a name where there is one."""
    return render_template("welcome.html", visitor=cloakroom.find_current())


@pages.get("/notes")
@cloakroom.login_required
def notes() -> str:
    """Show the notes of the visitor and what the API knows of them."""
    me = workbench.get("/users/me").json()
    return render_template("notes.html", me=me, notes=session.get("notes", []))


@pages.post("/notes")
@cloakroom.login_required
def add_note() -> ResponseReturnValue:
    """Keep a note for as long as the session lasts."""
    session["notes"] = [*session.get("notes", []), request.form["note"]]
    return redirect(url_for("pages.notes"), 303)


@pages.get("/notes.json")
@cloakroom.login_required
def notes_for_scripts() -> ResponseReturnValue:
    """Answer a script of our own page."""
    return jsonify(notes=session.get("notes", []), sub=cloakroom.current.sub)


@pages.get("/people")
@cloakroom.scopes_required("users:read")
def people() -> ResponseReturnValue:
    """Answer with the directory, as far as the visitor may read it."""
    return jsonify(workbench.get("/users", params={"limit": 10}).json())


@pages.get("/audit")
@cloakroom.scopes_required("audit:read")
def audit() -> str:
    """Show what nobody has been granted here."""
    return "the audit log"


@pages.get("/close-account")
@cloakroom.step_up(max_age_s=300)
def close_account() -> str:
    """Show what needs a password typed within the last five minutes."""
    return render_template("close_account.html")


def create_app() -> Flask:
    """Return the application; settings come from ``FLASK_CLOAKROOM__…`` in the environment."""
    app = Flask(__name__)
    app.config.from_prefixed_env()
    cloakroom.init_app(app)
    app.register_blueprint(pages)
    signed_in.connect(_greet, app)
    return app


def _greet(app: Flask, session: Begun) -> None:
    """Do what an application does when somebody comes: make a row, count, write a line."""
    app.logger.warning("welcome %s of %s", session.sub, session.provider)
