"""Each page in each state, in both languages: whole, translated, and safe without script."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.support.pages import Html
from tests.support.pages_lint import template_faults
from tests.support.showcase import PAGES, showcase
from tests.support.showcase_builders import BUILDERS_PAGES

_CLIENT = showcase().test_client()
_FAILING = {name for name in PAGES if re.search("wrong|throttled|unavailable|error", name)}
# The protocols are ours to know; a person signs in.
_PROTOCOL_WORDS = re.compile(
    r"\b(oauth|openid|oidc|token|session|redirect|client|scope|csrf|authoriz\w+|credential\w*)\b"
    r"|令牌|会话|重定向|授权码|凭据",
    re.IGNORECASE,
)


def _page(name: str, language: str = "en") -> str:
    answer = _CLIENT.get(f"/shown/{name}", query_string={"ui_locales": language})
    assert answer.status_code == 200
    return answer.text


class _Outline(HTMLParser):
    """Identities, references to them, and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.refers_to: set[str] = set()
        self.headings = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.headings += tag == "h1"
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
            self.refers_to.update(given.get(name, "").split())
        if given.get("href", "").startswith("#"):
            self.refers_to.add(given["href"][1:])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole(name: str, language: str) -> None:
    """One heading, unique ids, no reference to nothing, nothing inline."""
    text = _page(name, language)
    outline = _Outline(text)
    assert outline.headings == 1
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.refers_to <= set(outline.ids)
    assert [f for f in template_faults(text) if "words outside" not in f and "away" not in f] == []


@pytest.mark.parametrize("name", PAGES)
def test_page_says_its_language(name: str) -> None:
    """`lang` follows the language of the page."""
    assert Html(_page(name, "en")).language == "en"
    assert Html(_page(name, "zh")).language == "zh-Hans"


@pytest.mark.parametrize("name", PAGES)
def test_chinese_page_has_no_english_sentence_left(name: str) -> None:
    """Beside names and addresses, no two Latin words stand together."""
    text = Html(_page(name, "zh")).text.replace("Campus Card", "")
    assert not re.search(r"[A-Za-z']+ [A-Za-z']+ [A-Za-z']+", text)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES.keys() - BUILDERS_PAGES.keys())
def test_page_uses_no_protocol_words(name: str, language: str) -> None:
    """Whoever signs in need not know how it is done; whoever builds an application does."""
    text = Html(_page(name, language)).text.replace("grades:write", "")
    assert not _PROTOCOL_WORDS.search(text)


@pytest.mark.parametrize("name", PAGES)
def test_title_says_when_something_went_wrong(name: str) -> None:
    """A screen reader hears "Error:" before the rest of the page."""
    title = re.search(r"<title>\s*(.*?)\s*</title>", _page(name), re.DOTALL)
    assert title is not None
    assert title[1].startswith("Error: ") == (name in _FAILING)
    assert title[1].endswith(" · Cloakroom")


@pytest.mark.parametrize("name", ["sign-in-wrong", "sign-up-wrong", "sign-in-throttled"])
def test_summary_of_errors_comes_first_and_takes_the_focus(name: str) -> None:
    """What went wrong is read before the form."""
    text = _page(name)
    summary = re.search(r'<div class="notice bad" role="alert" tabindex="-1" autofocus', text)
    assert summary is not None
    assert summary.start() < text.index('<form method="post"')


def test_each_wrong_field_is_linked_described_and_kept() -> None:
    """The summary leads to the field; the same words stand at it; only the password is empty."""
    text = _page("sign-up-wrong")
    for field, words in (("username", "is taken"), ("email", "such as"), ("password", "guess")):
        assert re.search(f'<a href="#{field}">[^<]*{words}', text)
        found = re.search(f'<p id="{field}-wrong" class="wrong">.*?</p>', text, re.DOTALL)
        assert found is not None
        assert words in found[0]
    fields = Html(text).forms[0].fields
    assert (fields["username"], fields["email"], fields["password"]) == ("x y", "no", "")


def test_sign_in_lets_password_managers_work() -> None:
    """Fields say what they hold, and nothing forbids pasting."""
    text = _page("sign-in")
    assert 'autocomplete="username"' in text
    assert 'autocomplete="current-password"' in text
    assert 'autocomplete="new-password"' in _page("sign-up")


def test_every_form_that_changes_something_carries_the_token() -> None:
    """A form without it would be refused."""
    posts = [form for name in PAGES for form in Html(_page(name)).forms if form.method == "POST"]
    assert posts
    assert all(form.fields.get("csrf_token") for form in posts)


def test_switcher_returns_to_the_page_with_its_query() -> None:
    """A sign-in under way goes on in the other language."""
    answer = _CLIENT.get("/shown/sign-in?next=%2Fa%3Fb%26c&ui_locales=en").text
    switch = next(form for form in Html(answer).forms if form.method == "GET")
    assert switch.action == "/shown/sign-in"
    assert switch.fields == {"next": "/a?b&c"}
    assert switch.buttons == [("ui_locales", "zh")]


@pytest.mark.parametrize("name", ["bff-error", "sso-error", "signed-out"])
def test_switcher_of_a_spent_page_repeats_no_query(name: str) -> None:
    """A code in the address of a callback is not written into the page."""
    answer = _CLIENT.get(f"/shown/{name}?code=secret-code&state=s")
    assert "secret-code" not in answer.text


def test_landing_moves_on_without_script_and_carries_none() -> None:
    """The next step is the page's own, with query and fragment."""
    text = _page("landing")
    assert Html(text).moves_on_to == "/shown/shell-signed-in?a=1&b=2#c"
    assert "<script" not in text


def test_consent_shows_an_unknown_permission_by_its_name() -> None:
    """No row is ever empty."""
    for language in ("en", "zh"):
        assert "grades:write" in _page("consent", language)


def test_consent_offers_both_answers_alike() -> None:
    """Deny and Allow are buttons of the same form."""
    form = next(f for f in Html(_page("consent")).forms if f.method == "POST")
    assert form.buttons == [("decision", "deny"), ("decision", "allow")]
    assert form.action == "/consent"


def test_this_device_stands_first_and_cannot_end_itself() -> None:
    """The badge is words, and there is one button fewer than devices."""
    form_actions = [form.action for form in Html(_page("devices")).forms if form.method == "POST"]
    assert form_actions == [
        "/bff/devices/d3/end",
        "/bff/devices/d30/end",
        "/bff/devices/end-others",
    ]
    assert "This device" in _page("devices")


def test_ending_others_is_offered_only_where_there_are_others() -> None:
    """One device alone shows no button for nothing."""
    page = Html(_page("devices-only-this"))
    assert not [form for form in page.forms if form.method == "POST"]
    assert "You are signed in nowhere else." in page.text


def test_each_deed_has_a_name_of_its_own() -> None:
    """A list of buttons, read aloud, tells them apart and says the visible words first."""
    for page in ("devices", "account-devices", "account-applications"):
        names = re.findall(r'<summary[^>]*aria-label="([^"]+)">([^<]+)</summary>', _page(page))
        assert len({name for name, _visible in names}) == len(names) > 0
        assert all(name.startswith(visible) for name, visible in names)


def test_what_was_ended_is_named() -> None:
    """After the deed the page says which device it was."""
    assert "Signed out: Chrome, Windows" in Html(_page("devices")).text


def test_moments_are_whole_without_script() -> None:
    """A date says its time zone, and a machine can read it."""
    assert (
        '<time datetime="2026-11-22T12:00:00+00:00" data-local>22 Nov 2026, 12:00 UTC</time>'
        in (_page("devices"))
    )
    assert "2026年11月22日 12:00 UTC" in _page("devices", "zh")
