"""Bodies: read strictly, every fault with its field."""

from __future__ import annotations

from typing import Annotated

import pytest
from flask import Flask

from workbench.kit.bodies import Body, OneLine, Prose, read_body
from workbench.problems import Refused


class Note(Body):
    """What the tests send."""

    title: Annotated[str, OneLine(5)]
    text: Annotated[str, Prose(9)] = ""
    stars: int = 0


def read(raw: bytes | str, media_type: str = "application/json") -> Note:
    """Return *raw* as the body of a request."""
    with Flask(__name__).test_request_context(method="POST", data=raw, content_type=media_type):
        return read_body(Note)


def faults(raw: str) -> dict[str, str]:
    """Return the code of each field's fault."""
    with pytest.raises(Refused) as refused:
        read(raw)
    errors = refused.value.members["errors"]
    assert isinstance(errors, list)
    assert all(error["message"] for error in errors)
    return {error["field"]: error["code"] for error in errors}


def test_text_is_normalised() -> None:
    """One spelling of each character, one kind of line end, no space around a line."""
    note = read('{"title": "  e\\u0301 ", "text": "a\\r\\nb\\rc"}')
    assert (note.title, note.text) == ("é", "a\nb\nc")


def test_every_fault_is_named_at_once() -> None:
    """Missing, unknown and of the wrong kind, in one answer."""
    assert faults('{"text": 7, "stars": "1", "star": 1}') == {
        "title": "missing",
        "text": "wrong_kind",
        "stars": "wrong_kind",
        "star": "unknown",
    }


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("", "too_short"),
        ("   ", "too_short"),
        ("123456", "too_long"),
        ("a\\nb", "not_text"),
        ("a\\u0000", "not_text"),
        ("a\\u202eb", "not_text"),
        ("\\u200b", "not_text"),
        ("\\u0958" * 4, "too_long"),
    ],
)
def test_a_line_is_a_line(title: str, code: str) -> None:
    """No control characters, nothing that turns text over, nothing invisible."""
    assert faults(f'{{"title": "{title}"}}') == {"title": code}


def test_prose_holds_no_control_characters() -> None:
    """Line ends and tabs are all the layout there is."""
    assert faults('{"title": "a", "text": "\\u0007"}') == {"text": "not_text"}


@pytest.mark.parametrize(
    "raw",
    [b"{", b'{"title": "\xff"}', b'{"title": "\\ud800"}', b"[" * 100_000, b'{"title": NaN,}'],
)
def test_what_is_not_json_is_400(raw: bytes) -> None:
    """Broken, badly encoded and endlessly nested bodies alike."""
    with pytest.raises(Refused) as refused:
        read(raw)
    assert refused.value.problem.status == 400


@pytest.mark.parametrize("raw", ["[]", "7", "null"])
def test_a_body_is_an_object(raw: str) -> None:
    """Other JSON is refused in words."""
    with pytest.raises(Refused) as refused:
        read(raw)
    assert refused.value.problem.status == 422


def test_only_json_is_read() -> None:
    """What a plain form can send is not taken."""
    with pytest.raises(Refused) as refused:
        read('{"title": "a"}', "text/plain")
    assert refused.value.problem.status == 415
