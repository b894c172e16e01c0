"""The lint of templates and translations finds what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.pages_lint import catalogue_faults, main, template_faults
from tests.support.programs import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'


@pytest.mark.parametrize(
    "source",
    [
        '<p style="color: red"></p>',
        "<style>p {}</style>",
        "<script>go()</script>",
        '<script src="{{ here }}">go()</script>',
        '<button onclick="go()"></button>',
        '<img src="https://elsewhere.example/x.png">',
        '<a href="javascript:go()"></a>',
        '<link href="//elsewhere.example/x.css">',
        "<p>Refresh</p>",
        "<p>{{ _('Good') }} day</p>",
        '<img alt="A ticket">',
        '<input placeholder="Name">',
        '<a tabindex="1"></a>',
    ],
)
def test_template_fault_is_found(source: str) -> None:
    """Each kind of fault, alone, is one."""
    assert template_faults(source)


def test_clean_template_has_no_faults() -> None:
    """Own words in ``_()``, own name, own origin."""
    source = """{# words #}<a href="/x" tabindex="-1">{{ _("Go") }}</a> · Cloakroom
    <script type="module" src="{{ url_for('static', filename='x.js') }}"></script>"""
    assert template_faults(source) == []


def _write(templates: Path, party: str, html: str, catalogue: str) -> None:
    (templates / party).mkdir(exist_ok=True)
    (templates / party / "page.html").write_text(html, encoding="utf-8")
    (templates / party / "zh.po").write_text(_HEAD + catalogue, encoding="utf-8")


@pytest.mark.parametrize(
    ("catalogue", "fault"),
    [
        ("", "desk/zh.po: missing 'Hi %(name)s'"),
        ('msgid "Hi %(name)s"\nmsgstr ""\n', "desk/zh.po: empty 'Hi %(name)s'"),
        ('#, fuzzy\nmsgid "Hi %(name)s"\nmsgstr "嗨%(name)s"\n', "desk/zh.po: fuzzy 'Hi %(name)s'"),
        (
            'msgid "Hi %(name)s"\nmsgstr "嗨%(nom)s"\n',
            "desk/zh.po: other placeholders in the translation of 'Hi %(name)s'",
        ),
        (
            'msgid "Hi %(name)s"\nmsgstr "嗨%(name)s"\n\nmsgid "Old"\nmsgstr "旧"\n',
            "desk/zh.po: unused 'Old'",
        ),
        (
            'msgid "Hi %(name)s"\nmsgstr "嗨%(name)s"\n\nmsgid "Go"\nmsgstr "走"\n',
            "desk/zh.po: 'Go' is in shared/zh.po too",
        ),
    ],
)
def test_catalogue_fault_is_found(tmp_path: Path, catalogue: str, fault: str) -> None:
    """A missing, empty, doubtful, broken, unused or doubled translation is named."""
    _write(tmp_path, "shared", '{{ _("Go") }}', '\nmsgid "Go"\nmsgstr "走"\n')
    page = '{{ _("Hi %(name)s", name=name) }}' + ('{{ _("Go") }}' if '"Go"' in catalogue else "")
    _write(tmp_path, "desk", page, f"\n{catalogue}")
    assert list(catalogue_faults(tmp_path, "zh")) == [fault]


def test_our_own_pages_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """The house keeps its own rules."""
    assert main(ROOT / "templates") == 0, capsys.readouterr().out
