"""Colours can be told apart in both schemes, and what a page loads stays small."""

from __future__ import annotations

import re

import pytest

from tests.support.programs import ROOT

_STATIC = ROOT / "static"
_CSS = (_STATIC / "shared" / "cloakroom.css").read_text(encoding="utf-8")
_TEXT = 4.5  # WCAG 2.2 §1.4.3
_PART = 3.0  # WCAG 2.2 §1.4.11
_PAIRS = [
    *((ink, paper, _TEXT) for ink in ("ink", "soft", "accent") for paper in ("paper", "card")),
    *((ink, "stub", _TEXT) for ink in ("ink", "soft")),
    ("accent-hover", "card", _TEXT),
    ("accent-hover", "paper", _TEXT),
    ("on-accent", "accent", _TEXT),
    ("on-accent", "accent-hover", _TEXT),
    ("danger", "card", _TEXT),
    ("danger", "danger-wash", _TEXT),
    ("ink", "danger-wash", _TEXT),
    ("edge", "card", _PART),
    ("accent", "stub", _PART),
    ("danger", "paper", _PART),
]


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))


def _schemes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root\s*{(.*?)}", _CSS, re.DOTALL)[:2]
    return {"light": _colours(light), "dark": _colours(dark)}


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    dim, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), _PAIRS)
def test_colours_can_be_told_apart(scheme: str, front: str, back: str, least: float) -> None:
    """Text has 4.5:1 and parts of controls 3:1 against what is behind them."""
    colours = _schemes()[scheme]
    assert _contrast(colours[front], colours[back]) >= least


def test_contrast_is_computed_as_wcag_does() -> None:
    """Black on white is 21:1; the grey that just passes passes."""
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_both_schemes_have_the_same_colours() -> None:
    """No colour of the light scheme shines through the dark one."""
    schemes = _schemes()
    assert schemes["light"].keys() == schemes["dark"].keys()


def test_rules_name_colours_only_by_their_variables() -> None:
    """A colour outside of the two schemes would not follow them."""
    _light, _dark, rules = re.split(r":root\s*{.*?}", _CSS, maxsplit=2, flags=re.DOTALL)
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rules)


def test_theme_colour_of_the_page_is_that_of_its_paper() -> None:
    """The browser's own frame continues the page."""
    base = (ROOT / "templates" / "shared" / "base.html").read_text(encoding="utf-8")
    for scheme, colours in _schemes().items():
        assert f'content="{colours["paper"]}" media="(prefers-color-scheme: {scheme})"' in base


@pytest.mark.parametrize(
    ("file", "limit_bytes"),
    [
        ("shared/cloakroom.css", 12_000),
        ("shared/forms.js", 2_000),
        ("bff/shell.js", 2_500),
        ("bff/cloakroom.js", 6_000),
        ("bff/watch.js", 2_500),
    ],
)
def test_what_a_page_loads_is_small(file: str, limit_bytes: int) -> None:
    """Neither build step nor compression is needed to be fast."""
    assert len((_STATIC / file).read_bytes()) < limit_bytes


def test_nothing_is_loaded_from_elsewhere() -> None:
    """Styles, scripts and pictures name no other origin."""
    for file in _STATIC.rglob("*.*"):
        if file.parent.name == "vendor":
            continue  # others' files, byte for byte; the pages' policy holds for them too
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), file
