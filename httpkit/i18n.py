"""Pages in the visitor's language: English by its own words, others from a catalogue in memory.

A page is written in English; ``templates/<party>/zh.po`` beside it holds each sentence in Chinese.
The catalogues are read once at the start, so that no compiled file can be older than its source.

The language is that of ``ui_locales`` in the address, else of the cookie, else of
``Accept-Language``. An ``ui_locales`` that we speak is remembered in the cookie. Nothing redirects
and nothing but the language of pages follows from it, so a foreign link to it does no harm.

Spec: OpenID Connect Core 1.0 §3.1.2.1 (``ui_locales``); RFC 9110 §12.5.4.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from babel.dates import format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import request
from flask_babel import Babel, Domain, get_locale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from babel.messages.catalog import Catalog
    from flask import Flask, Response

PARAMETER: Final = "ui_locales"
_COOKIE = "language"
_COOKIE_MAX_AGE_S = 365 * 24 * 3600
_LONGEST_IN_MINUTES = 90


@dataclass(frozen=True, slots=True)
class Language:
    """A language that the pages speak, with the name that its own readers know it by.

    *instant* is its pattern for a moment (Unicode TR 35); moments on pages are in UTC, and a
    script, where there is one, puts the visitor's own time in their place.
    """

    code: str
    tag: str
    name: str
    instant: str


LANGUAGES: Final = (
    Language(code="en", tag="en", name="English", instant="d MMM y, HH:mm 'UTC'"),
    Language(code="zh", tag="zh-Hans", name="中文", instant="y年M月d日 HH:mm 'UTC'"),
)
_CODES = tuple(language.code for language in LANGUAGES)
_SOURCE = _CODES[0]


class Catalogues(Domain):  # type: ignore[misc]  # flask_babel ships no types
    """The translations of one party, compiled in memory."""

    def __init__(self, folder: Path) -> None:
        """Read each ``<folder>/*/<language>.po``."""
        super().__init__()
        self._spoken = {code: _compile(sorted(folder.glob(f"*/{code}.po"))) for code in _CODES}

    def get_translations(self) -> NullTranslations:
        """Return the translations for the page at hand; outside of any, the source words."""
        return self._spoken.get(str(get_locale()), self._spoken[_SOURCE])


def _utc_now() -> datetime:
    return datetime.now(UTC)


def install_i18n(app: Flask, *, https: bool, now: Callable[[], datetime] = _utc_now) -> None:
    """Let the templates of *app* speak the visitor's language.

    Templates get ``_`` and its kin, ``language`` (the page's), ``languages`` (all),
    ``address_fields()`` (what the switcher's form must repeat), ``home`` (where the application
    begins), and the filters ``from_now`` ("in 5 minutes") and ``instant`` ("22 Nov 2026,
    12:00 UTC") for an aware moment.
    """
    babel = Babel(app, locale_selector=_preferred, default_locale=_SOURCE)
    babel.domain_instance = Catalogues(Path(app.root_path, app.template_folder or "templates"))

    app.jinja_env.filters["from_now"] = lambda at: _from_now(at - now())
    app.jinja_env.filters["instant"] = _instant

    @app.context_processor
    def _languages() -> dict[str, object]:
        return {
            "language": current_language(),
            "languages": LANGUAGES,
            "home": home(),
            "address_fields": address_fields,
        }

    @app.after_request
    def _answer(response: Response) -> Response:
        asked = _first_spoken(request.args.get(PARAMETER, "").split())
        if asked is not None and asked != request.cookies.get(_COOKIE):
            response.set_cookie(
                _COOKIE,
                asked,
                max_age=_COOKIE_MAX_AGE_S,
                secure=https,
                httponly=True,
                samesite="Lax",
            )
        if response.mimetype == "text/html" and "Location" not in response.headers:
            response.content_language.add(current_language().tag)
        return response


def home() -> str:
    """Return the path that the application of the page at hand is mounted at, with a slash."""
    return f"{request.script_root}/"


def current_language() -> Language:
    """Return the language of the page at hand."""
    code = str(get_locale() or _SOURCE)
    return next(language for language in LANGUAGES if language.code == code)


def address_fields() -> list[tuple[str, str]]:
    """Return the page's query as form fields, so that switching the language returns to it."""
    return [(name, value) for name, value in request.args.items(multi=True) if name != PARAMETER]


def _instant(at: datetime) -> str:
    language = current_language()
    return format_datetime(at.astimezone(UTC), language.instant, locale=language.code)


def _from_now(left: timedelta) -> str:
    """Return *left* in words, rounded up: whoever waits that long finds the door open."""
    minutes = max(1, math.ceil(left.total_seconds() / 60))
    if minutes > _LONGEST_IN_MINUTES:
        minutes = 60 * math.ceil(minutes / 60)
    return format_timedelta(
        timedelta(minutes=minutes),
        granularity="minute",
        threshold=_LONGEST_IN_MINUTES / 60,
        add_direction=True,
        locale=current_language().code,
    )


def _preferred() -> str:
    asked = _first_spoken(request.args.get(PARAMETER, "").split())
    remembered = _first_spoken([request.cookies.get(_COOKIE, "")])
    return asked or remembered or request.accept_languages.best_match(_CODES) or _SOURCE


def _first_spoken(tags: Iterable[str]) -> str | None:
    for tag in tags:
        code = tag.partition("-")[0].lower()
        if code in _CODES:
            return code
    return None


def _compile(files: list[Path]) -> NullTranslations:
    if not files:
        return NullTranslations()
    merged = _read(files[0])
    for file in files[1:]:
        for message in _read(file):
            if message.id:
                merged[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return Translations(fp=compiled)


def _read(file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=file.stem, abort_invalid=True)
