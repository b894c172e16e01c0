"""What a person could do on an HTML page: its links, its forms, and where it moves on to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_REFRESH = re.compile(r"\s*\d+\s*[;,]\s*url\s*=\s*['\"]?([^'\"]+)", re.IGNORECASE)


@dataclass
class Form:
    """One form: where it goes, how, and what it holds before anybody types."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Html(HTMLParser):
    """The page, read once."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.moves_on_to: str | None = None
        self.language: str | None = None
        self.words: list[str] = []
        self._form: Form | None = None
        self._area: str | None = None
        self.feed(text)

    @property
    def text(self) -> str:
        """All text between the tags, white space folded."""
        return " ".join(" ".join(self.words).split())

    def handle_data(self, data: str) -> None:
        """Collect words; a textarea's content is its value."""
        if self._form is not None and self._area is not None:
            self._form.fields[self._area] += data
        else:
            self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what can be followed, sent or filled in."""
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "html":
                self.language = given.get("lang")
            case "a" if "href" in given:
                self.links.append(given["href"])
            case "meta" if given.get("http-equiv", "").lower() == "refresh":
                found = _REFRESH.match(given.get("content", ""))
                self.moves_on_to = found[1].strip() if found else None
            case "form":
                method = given.get("method", "get").upper()
                self._form = Form(given.get("action", ""), method)
                self.forms.append(self._form)
            case "input" | "button" | "textarea" | "select":
                self._control(tag, given)
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        """Leave the form or the textarea."""
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None

    def _control(self, tag: str, given: dict[str, str]) -> None:
        name, kind = given.get("name"), given.get("type", "").lower()
        if self._form is None or not name:
            return
        if tag == "button" or kind == "submit":
            self._form.buttons.append((name, given.get("value", "")))
        elif tag == "textarea":
            self._form.fields[name], self._area = "", name
        elif kind not in {"checkbox", "radio"} or "checked" in given:
            self._form.fields[name] = given.get("value", "")
