"""The language of a page, and how a visitor changes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from flask import Flask, redirect, render_template_string

from httpkit.i18n import install_i18n

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.wrappers import Response

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "%s"
msgstr "%s"
"""
_PAGE = """<html lang="{{ language.tag }}">{{ _("Good day, %(name)s", name=name) }}
{{ _("Come in") }} {% include "shared/languages.html" %}</html>"""


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """A party of two folders of templates, each with a Chinese catalogue."""
    for party, english, chinese in (
        ("shared", "Come in", "请进"),
        ("desk", "Good day, %(name)s", "%(name)s，你好"),
    ):
        folder = tmp_path / party
        folder.mkdir()
        (folder / "zh.po").write_text(_CATALOGUE % (english, chinese), encoding="utf-8")
    (tmp_path / "shared" / "languages.html").write_text("{{ address_fields() }}")
    app = Flask(__name__, template_folder=str(tmp_path))
    install_i18n(app, https=False, now=lambda: _NOW)

    @app.get("/")
    def page() -> str:
        return render_template_string(_PAGE, name="<b>")

    @app.get("/away")
    def away() -> Response:
        return redirect("/")

    @app.get("/wait/<int:seconds>")
    def wait(seconds: int) -> str:
        return render_template_string(
            "{{ at|from_now }}", at=_NOW.astimezone() + timedelta(seconds=seconds)
        )

    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def _language_of(browser: FlaskClient, path: str = "/", accept: str = "") -> str:
    return browser.get(path, headers={"Accept-Language": accept}).text.split('"')[1]


@pytest.mark.parametrize(
    ("accept", "tag"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("zh-TW", "zh-Hans"),
        ("fr,zh;q=0.3", "zh-Hans"),
        ("fr", "en"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        (";;;=,", "en"),
    ],
)
def test_browser_preference_chooses_the_language(
    browser: FlaskClient, accept: str, tag: str
) -> None:
    """`Accept-Language` decides for a visitor who never chose."""
    assert _language_of(browser, accept=accept) == tag


def test_cookie_beats_browser_preference(browser: FlaskClient) -> None:
    """What a visitor once chose stays."""
    browser.set_cookie("language", "zh")
    assert _language_of(browser, accept="en") == "zh-Hans"


def test_ui_locales_beats_cookie_and_is_remembered(browser: FlaskClient) -> None:
    """The address decides, for this page and those after it."""
    browser.set_cookie("language", "en")
    assert _language_of(browser, "/?ui_locales=zh", accept="en") == "zh-Hans"
    assert _language_of(browser, accept="en") == "zh-Hans"


def test_ui_locales_is_remembered_over_a_redirect(browser: FlaskClient) -> None:
    """An application may ask for a language at an address that shows no page."""
    browser.get("/away?ui_locales=zh-CN")
    assert _language_of(browser) == "zh-Hans"


def test_first_spoken_language_of_ui_locales_is_taken(browser: FlaskClient) -> None:
    """`ui_locales` is a list by preference; what we do not speak is passed over."""
    assert _language_of(browser, "/?ui_locales=fr-CA+zh-Hans-CN+en") == "zh-Hans"


@pytest.mark.parametrize("value", ["fr", "", "../../etc", "z\r\nh", "zhx"])
def test_unknown_ui_locales_changes_nothing(browser: FlaskClient, value: str) -> None:
    """Words that name no language of ours set no cookie and choose no page."""
    response = browser.get("/", query_string={"ui_locales": value})
    assert "Set-Cookie" not in response.headers
    assert 'lang="en"' in response.text


def test_cookie_is_of_this_site_alone_and_unseen_by_scripts(browser: FlaskClient) -> None:
    """The choice travels with our own pages."""
    cookie = browser.get("/?ui_locales=zh").headers["Set-Cookie"]
    assert "SameSite=Lax" in cookie
    assert "HttpOnly" in cookie
    assert "Domain" not in cookie


def test_unchanged_choice_sets_no_cookie(browser: FlaskClient) -> None:
    """A cookie that says the same already is not written again."""
    browser.set_cookie("language", "zh")
    assert "Set-Cookie" not in browser.get("/?ui_locales=zh").headers


def test_catalogues_of_all_folders_are_spoken(browser: FlaskClient) -> None:
    """A page finds its own sentences and the shared ones."""
    page = browser.get("/?ui_locales=zh").text
    assert "请进" in page
    assert "你好" in page


def test_values_in_sentences_are_escaped(browser: FlaskClient) -> None:
    """A name is text in every language, also inside a translation."""
    for code in ("en", "zh"):
        page = browser.get(f"/?ui_locales={code}").text
        assert "&lt;b&gt;" in page
        assert "<b>" not in page


def test_switching_repeats_the_query_but_not_the_language(browser: FlaskClient) -> None:
    """The switcher returns to the same page, however its query is written."""
    page = browser.get("/?next=/a%26b&ui_locales=zh&next=2").text
    assert "[(&#39;next&#39;, &#39;/a&amp;b&#39;), (&#39;next&#39;, &#39;2&#39;)]" in page


def test_page_says_its_language_in_the_header(browser: FlaskClient) -> None:
    """`Content-Language` and `lang` agree."""
    assert browser.get("/?ui_locales=zh").headers["Content-Language"] == "zh-Hans"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "in 1 minute", "1分钟后"),
        (61, "in 2 minutes", "2分钟后"),
        (3600, "in 60 minutes", "60分钟后"),
        (90 * 60 + 1, "in 2 hours", "2小时后"),
        (130 * 60, "in 3 hours", "3小时后"),
    ],
)
def test_waiting_time_is_rounded_up(
    browser: FlaskClient, seconds: int, english: str, chinese: str
) -> None:
    """Whoever waits as long as the page says is let in."""
    assert browser.get(f"/wait/{seconds}?ui_locales=en").text == english
    assert browser.get(f"/wait/{seconds}?ui_locales=zh").text == chinese
