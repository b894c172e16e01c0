"""Every outcome is answered from one table: the same words for pages, problems and logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, abort

from httpkit.answers import install_answers
from httpkit.headers import allow_form_action, install_security_headers
from httpkit.health import NotReady, install_health
from httpkit.problems import BAD_REQUEST, ProblemType, Refused, Unavailable, jittered_retry_s
from httpkit.request_ids import (
    adopt_request_id,
    install_request_ids,
    new_request_id,
    traceparent_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

SILENT = ProblemType("silent", 503, "Nobody answers.")


class _Fault(Exception):  # noqa: N818 - a bug of the test's view
    """Something that nobody foresaw."""


def ask(
    view: Callable[[], Any], *, method: str = "GET", page: bool = False, **headers: str
) -> TestResponse:
    """Return the answer of an application whose one view is *view*."""
    app = Flask("party")
    install_request_ids(app)
    install_security_headers(app, https=True)
    install_answers(
        app,
        wants_page=lambda: page,
        render_page=lambda answer: f"<p>{answer.problem.code}</p>",
    )
    app.add_url_rule("/", "view", view)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().open("/", method=method, headers=sent)


def _raises(error: Exception) -> Callable[[], Any]:
    def view() -> Any:  # noqa: ANN401 - it never returns
        raise error

    return view


def test_a_refusal_is_a_problem_document() -> None:
    """With code, detail, members and headers of its own; the hint stays in the log."""
    refusal = Refused(
        BAD_REQUEST, detail="Say a.", hint="said b", members={"more": 1}, headers={"Allow": "a"}
    )
    reply = ask(_raises(refusal))
    assert reply.status_code == 400
    assert reply.mimetype == "application/problem+json"
    assert reply.headers["Allow"] == "a"
    document = reply.get_json(force=True)
    assert document == {
        "type": "urn:cloakroom:problem:bad_request",
        "title": "The request cannot be understood.",
        "status": 400,
        "code": "bad_request",
        "detail": "Say a.",
        "request_id": reply.headers["X-Request-Id"],
        "more": 1,
    }
    assert "said b" not in reply.text


def test_an_outage_says_when_to_come_back() -> None:
    """Whole seconds, spread so that a herd does not return at once."""
    reply = ask(_raises(Unavailable(SILENT, retry_after_s=7, hint="timeout")))
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "7")
    assert {jittered_retry_s() for _n in range(200)} == {1, 2, 3}


@pytest.mark.rule("S-079")
def test_a_bug_tells_nothing() -> None:
    """500 with a request id; neither message nor traceback leaves the house (S-079)."""
    for page in (False, True):
        reply = ask(_raises(_Fault("password=sesame")), page=page)
        assert reply.status_code == 500
        assert "sesame" not in reply.text
        assert "internal_error" in reply.text


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (413, "body_too_large")])
def test_what_the_framework_refuses_is_a_problem_too(status: int, code: str) -> None:
    """One shape for all of them."""
    reply = ask(lambda: abort(status))
    assert reply.status_code == status
    assert reply.get_json(force=True)["code"] == code


def test_a_wrong_method_says_which_are_right() -> None:
    """405 with ``Allow``."""
    reply = ask(lambda: "x", method="DELETE")
    assert reply.status_code == 405
    assert "GET" in reply.headers["Allow"]


def test_a_browser_gets_a_page() -> None:
    """Same status, HTML in place of the document."""
    reply = ask(_raises(Refused(BAD_REQUEST)), page=True)
    assert (reply.status_code, reply.mimetype) == (400, "text/html")
    assert reply.text == "<p>bad_request</p>"


@pytest.mark.rule("B-45")
@pytest.mark.parametrize("view", [lambda: "fine", _raises(Refused(BAD_REQUEST)), _raises(_Fault())])
def test_every_answer_carries_the_security_headers(view: Callable[[], Any]) -> None:
    """Errors included."""
    headers = ask(view).headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert [name for name in headers.keys() if name.startswith("Access-Control")] == []  # noqa: SIM118


def test_a_form_may_end_at_one_named_origin() -> None:
    """That page's policy alone is widened."""

    def view() -> str:
        allow_form_action("https://app.example.com")
        return "form"

    policy = ask(view).headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' https://app.example.com")
    assert "app.example.com" not in ask(lambda: "x").headers["Content-Security-Policy"]


def test_a_stricter_header_of_a_view_stays() -> None:
    """The kit sets defaults, it does not overrule."""
    reply = ask(lambda: Response("x", headers={"Referrer-Policy": "no-referrer"}))
    assert reply.headers["Referrer-Policy"] == "no-referrer"


WELL_FORMED = "0123456789abcdef" * 2


@pytest.mark.rule("S-114")
@pytest.mark.parametrize(
    "given",
    [
        *("", "x", WELL_FORMED.upper(), WELL_FORMED + "0", WELL_FORMED[:-1], f"{WELL_FORMED}\n"),
        *(f" {WELL_FORMED}", "g" * 32, "\u00e9" * 32, '"}, {"event": "forged'),
    ],
)
def test_a_request_id_that_is_not_well_formed_is_replaced(given: str) -> None:
    """It goes into logs and headers: dropped, not cleaned (S-114)."""
    adopted = adopt_request_id(given, None)
    assert adopted != given
    assert len(adopted) == 32


def test_a_request_id_follows_the_caller() -> None:
    """By its own header first, by ``traceparent`` else; of nobody it takes none."""
    other = new_request_id()
    assert adopt_request_id(WELL_FORMED, traceparent_for(other)) == WELL_FORMED
    assert adopt_request_id(None, traceparent_for(other)) == other
    assert adopt_request_id(None, f"00-{'0' * 32}-{'1' * 16}-01") != "0" * 32
    assert adopt_request_id(None, f"ff-{other}-{'1' * 16}-01") != other
    assert ask(lambda: "x", X_Request_Id=WELL_FORMED).headers["X-Request-Id"] == WELL_FORMED


def test_alive_is_not_the_same_as_able() -> None:
    """`/livez` asks nobody; `/readyz` names what is missing."""
    app = Flask("party")

    def broken() -> None:
        raise NotReady("Redis gives no answer")

    install_health(app, {"redis": broken, "keys": lambda: None})
    client = app.test_client()
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 503
    told = json.loads(ready.text)["checks"]
    assert told == {"redis": "Redis gives no answer", "keys": "ok"}
