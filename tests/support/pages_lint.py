"""Lint of templates and translations: ``python -m tests.support.pages_lint [templates]``.

A template has no inline script or style, asks nothing of third parties and has no words of its
own outside of ``_()``. A catalogue has a translation for every sentence, and no other.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from httpkit.i18n import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
_SHARED = "shared"
_OWN_NAMES = frozenset({"Cloakroom"})
_SPOKEN_ATTRIBUTES = frozenset({"alt", "title", "placeholder", "aria-label"})
_FETCHING_ATTRIBUTES = frozenset({"src", "href", "action", "formaction", "srcset"})


def template_faults(source: str) -> list[str]:
    """Return what is wrong with a template, a line each."""
    scan = _Scan()
    scan.feed(_JINJA.sub("", source))
    scan.close()
    return scan.faults


class _Scan(HTMLParser):
    """Collects faults while it reads a template whose Jinja parts were taken out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self._script = tag == "script"
        if tag == "style":
            self._fault("inline style: put it into the stylesheet")
        if tag == "script" and "src" not in names:
            self._fault("inline script: put it into a module")
        for name, value in attrs:
            self._judge(name, value or "")

    def handle_data(self, data: str) -> None:
        if data.strip() and self._script:
            self._fault("inline script: put it into a module")
        elif any(c.isalpha() for c in data) and data.strip(" \n·") not in _OWN_NAMES:
            self._fault(f"words outside of _(): {data.strip()!r}")

    def _judge(self, name: str, value: str) -> None:
        if name == "style" or name.startswith("on"):
            self._fault(f"inline {name!r}: the page's policy blocks it")
        if name in _FETCHING_ATTRIBUTES and re.match(r"\s*(\w+:|//)", value):
            self._fault(f"{name}={value!r} leads away from our own origin")
        if name in _SPOKEN_ATTRIBUTES and any(c.isalpha() for c in value):
            self._fault(f"words outside of _(): {name}={value!r}")
        if name == "tabindex" and value not in {"0", "-1"}:
            self._fault(f"tabindex={value!r} breaks the order of the page")

    def _fault(self, what: str) -> None:
        self.faults.append(f"{self.getpos()[0]}: {what}")


def templates_in(folder: Path) -> list[Path]:
    """Return the pages and letters below *folder*."""
    return sorted(file for file in folder.rglob("*") if file.suffix in {".html", ".txt"})


def sentences(folder: Path) -> set[str]:
    """Return every source sentence of the templates in *folder*."""
    found = set()
    for file in templates_in(folder):
        for _line, message, *_rest in extract_from_file("jinja2.ext:babel_extract", file):
            found.add(message if isinstance(message, str) else message[0])
    return found


def catalogue_faults(templates: Path, code: str) -> Iterator[str]:
    """Yield what is wrong with the catalogues of language *code* below *templates*."""
    folders = sorted(folder for folder in templates.iterdir() if folder.is_dir())
    used = {folder.name: sentences(folder) for folder in folders}
    known = {folder.name: _known(folder / f"{code}.po") for folder in folders}
    shared = known.get(_SHARED, {})
    for party, wanted in used.items():
        where = f"{party}/{code}.po"
        for sentence in sorted(wanted - known[party].keys() - shared.keys()):
            yield f"{where}: missing {sentence!r}"
        needed = wanted if party != _SHARED else set().union(*used.values())
        for sentence in sorted(known[party].keys() - needed):
            yield f"{where}: unused {sentence!r}"
        if party != _SHARED:
            for sentence in sorted(known[party].keys() & shared.keys()):
                yield f"{where}: {sentence!r} is in {_SHARED}/{code}.po too"
        for sentence, fault in known[party].items():
            if fault:
                yield f"{where}: {fault} {sentence!r}"


def _known(file: Path) -> dict[str, str | None]:
    """Return each sentence that *file* translates, with what is wrong with the translation."""
    if not file.exists():
        return {}
    with file.open("rb") as source:
        catalogue = read_po(source, locale=file.stem, abort_invalid=True)
    known: dict[str, str | None] = {}
    for message in catalogue:
        if not message.id:
            continue
        forms = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        known[ids[0]] = _translation_fault(ids, forms, fuzzy=message.fuzzy)
    return known


def _translation_fault(ids: list[str], forms: list[str], *, fuzzy: bool) -> str | None:
    if fuzzy:
        return "fuzzy"
    if not all(forms):
        return "empty"
    wanted = set(_PLACEHOLDER.findall(ids[-1]))
    if any(set(_PLACEHOLDER.findall(form)) != wanted for form in forms):
        return "other placeholders in the translation of"
    return None


def main(templates: Path) -> int:
    """Print every fault below *templates*; return the exit status."""
    faults = [
        f"{file.relative_to(templates)}:{fault}"
        for file in templates_in(templates)
        for fault in template_faults(file.read_text(encoding="utf-8"))
    ]
    for language in LANGUAGES[1:]:
        faults += catalogue_faults(templates, language.code)
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(*(sys.argv[1:2] or ["templates"]))))
