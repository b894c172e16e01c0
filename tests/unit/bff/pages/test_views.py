"""The shell says who is signed in, and error pages offer the one next step that makes sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from bff import problems
from bff.pages.views import pages_blueprint, render_error_page, render_landing
from httpkit.answers import install_answers
from httpkit.csrf import FormGuard
from httpkit.headers import install_security_headers
from httpkit.i18n import install_i18n
from httpkit.problems import ProblemType, Refused, Unavailable
from httpkit.request_ids import install_request_ids
from tests.support.pages import Html
from tests.support.programs import ROOT

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from bff.pages.views import Visitor

_LOGIN = "/bff/login?return_to=/&ui_locales=en"


class _Person:
    """Somebody who is signed in."""

    sub = "7d1f"
    name: str | None = "<林晓雨>"
    email: str | None = "xiaoyu@example.com"
    sign_out_origin: str | None = "https://sso.example.com"


def _browser(
    session: Visitor | None = None, *, ticket: bool = False, workbench: bool = False
) -> FlaskClient:
    app = Flask("bff", template_folder=f"{ROOT}/templates", static_folder=f"{ROOT}/static")
    install_request_ids(app)
    install_i18n(app, https=False)
    install_security_headers(app, https=False)
    install_answers(app, wants_page=lambda: True, render_page=render_error_page)
    FormGuard(secret=b"s" * 32, origin="http://localhost", https=False).install(app)
    app.register_blueprint(
        pages_blueprint(
            current_session=lambda: session, carries_ticket=lambda: ticket, workbench=workbench
        )
    )

    @app.get("/refuse/<code>")
    def refuse(code: str) -> str:
        raise Refused(ProblemType(code, 400, "Said to machines."), detail="<detail>")

    @app.get("/unavailable")
    def unavailable() -> str:
        raise Unavailable(problems.STORE_UNAVAILABLE, retry_after_s=2)

    @app.get("/landing")
    def landing() -> str:
        return render_landing("/a?b=1&c=2#d")

    return app.test_client()


def test_shell_greets_who_is_signed_in() -> None:
    """Name and address are shown as text, and signing out is a form of our own."""
    answer = _browser(_Person()).get("/")
    assert "&lt;林晓雨&gt;" in answer.text
    assert "xiaoyu@example.com" in answer.text
    form = next(form for form in Html(answer.text).forms if form.method == "POST")
    assert form.action == "/bff/logout"
    assert form.fields["csrf_token"]


def test_sign_out_form_may_end_at_the_provider_and_nowhere_else() -> None:
    """Browsers hold `form-action` against the redirect that follows."""
    policy = _browser(_Person()).get("/").headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' https://sso.example.com")
    assert _browser().get("/").headers["Content-Security-Policy"].endswith("form-action 'self'")


def test_shell_without_a_name_shows_the_subject() -> None:
    """A provider that says no more than `sub` is enough."""
    person = _Person()
    person.name = person.email = person.sign_out_origin = None
    assert "7d1f" in _browser(person).get("/").text


@pytest.mark.parametrize("path", ["/", "/inbox", "/projects/p_1/documents/n_2?edit=1"])
def test_workbench_is_at_each_of_its_addresses(path: str) -> None:
    """Also after a reload; without script there is the way out."""
    answer = _browser(_Person(), workbench=True).get(path)
    assert answer.status_code == 200
    assert "/static/workbench/main.js" in answer.text
    assert "<noscript>" in answer.text
    assert 'rel="modulepreload" href="/static/workbench/ui/shell.js"' in answer.text
    assert "marked.js" not in answer.text, "it is loaded with the first Markdown"
    form = next(form for form in Html(answer.text).forms if form.method == "POST")
    assert form.action == "/bff/logout"


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/", "/"),
        ("/projects/p_1?a=1&b=2", "/projects/p_1%3Fa%3D1%26b%3D2"),
        ("/search?q=电费", "/search%3Fq%3D%25E7%2594%25B5%25E8%25B4%25B9"),
    ],
)
def test_anonymous_visitor_comes_back_to_the_address(path: str, back: str) -> None:
    """The page is the same as ever; signing in leads to where they wanted to go."""
    answer = _browser(workbench=True).get(path)
    assert "/static/workbench/" not in answer.text
    assert f"/bff/login?return_to={back}&ui_locales=en" in Html(answer.text).links


@pytest.mark.parametrize(("path", "workbench"), [("/nowhere", True), ("/inbox", False)])
def test_other_addresses_are_nobodys(path: str, *, workbench: bool) -> None:
    """A misspelt address is told, not covered by the workbench; without it, its own are nowhere."""
    assert _browser(_Person(), workbench=workbench).get(path).status_code == 404


@pytest.mark.parametrize("ticket", [False, True])
def test_shell_offers_sign_in_as_a_plain_link(*, ticket: bool) -> None:
    """Signed out or ended, one link leads on, without script."""
    page = Html(_browser(ticket=ticket).get("/").text)
    assert _LOGIN in page.links
    assert ("You have been signed out" in page.text) is ticket


def test_sign_in_goes_on_in_the_language_of_the_page() -> None:
    """Whoever chose Chinese here is not met in English there."""
    links = Html(_browser().get("/?ui_locales=zh").text).links
    assert "/bff/login?return_to=/&ui_locales=zh-Hans" in links


def test_refusal_is_a_page_with_a_reference_and_no_machine_words() -> None:
    """What machines are told stays in the problem document."""
    answer = _browser().get("/refuse/login_failed")
    assert answer.status_code == 400
    assert answer.headers["X-Request-Id"] in answer.text
    assert "Said to machines." not in answer.text
    assert "detail" not in answer.text
    assert _LOGIN in Html(answer.text).links


def test_outage_offers_to_try_again_and_says_when() -> None:
    """The page keeps the status and `Retry-After` of the problem."""
    answer = _browser().get("/unavailable?code=spent")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert Html(answer.text).links.count("/") == 2  # the mark, and the button
    assert "spent" not in answer.text


def test_unknown_address_offers_no_useless_retry() -> None:
    """There is nothing to try again."""
    page = Html(_browser().get("/nowhere").text)
    assert "There is no such page" in page.text
    assert page.links == ["/"]


def test_every_problem_of_the_table_has_words() -> None:
    """A code that the page does not know falls back to words, never to nothing or to the code."""
    browser = _browser()
    for code in (*_codes(), "unheard_of"):
        text = Html(browser.get(f"/refuse/{code}").text).text
        assert code not in text
        assert "If you ask for help" in text


def test_landing_carries_the_way_on_unharmed() -> None:
    """Query and fragment survive."""
    assert Html(_browser().get("/landing").text).moves_on_to == "/a?b=1&c=2#d"


def _codes() -> list[str]:
    found = (getattr(problems, name) for name in problems.__all__)
    return [problem.code for problem in found if isinstance(problem, ProblemType)]
