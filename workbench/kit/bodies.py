"""Request bodies: JSON read strictly into a model, every fault named with its field in words.

`Body` is also where the OpenAPI document takes a body's schema from, so that the two cannot differ.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from annotated_types import GroupedMetadata
from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from workbench.problems import (
    BAD_REQUEST,
    INVALID_FIELDS,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemType,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

B = TypeVar("B", bound="Body")

_JSON = "application/json"
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_LAYOUT = "\n\t"
# They turn the text around them over, so that a name reads as another.
_OVERTURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_OTHER = ("wrong_kind", "This cannot be read; see the API's document for its form.")
# pydantic's kinds of fault: our stable code, and what would be right.
_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("missing", "Fill this in."),
    "extra_forbidden": ("unknown", "There is no such field."),
    "string_type": ("wrong_kind", "Write a text."),
    "string_unicode": ("not_text", "Write plain text without control characters."),
    "string_too_short": ("too_short", "Write at least {min_length} characters."),
    "string_too_long": ("too_long", "Write at most {max_length} characters."),
    "string_pattern_mismatch": ("malformed", "This does not have the right form."),
    "int_type": ("wrong_kind", "Write a whole number."),
    "bool_type": ("wrong_kind", "Write true or false."),
    "list_type": ("wrong_kind", "Write a list."),
    "greater_than_equal": ("too_small", "Write {ge} or more."),
    "less_than_equal": ("too_large", "Write {le} or less."),
    "too_short": ("too_few", "Name at least {min_length}."),
    "too_long": ("too_many", "Name at most {max_length}."),
    "enum": ("not_offered", "Write one of these: {expected}."),
    "literal_error": ("not_offered", "Write one of these: {expected}."),
}


class Body(BaseModel):
    """A request body. `model_fields_set` tells a field left out from one set to null."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True)
class OneLine(GroupedMetadata):
    """Text of one line, trimmed, NFC, *least* to *most* characters.

    Written ``name: Annotated[str, OneLine(80)]``.
    """

    most: int
    least: int = 1

    def __iter__(self) -> Iterator[object]:
        """Yield what pydantic applies, in order."""
        yield from StringConstraints(
            strip_whitespace=True, min_length=self.least, max_length=self.most
        )
        yield AfterValidator(partial(_one_line, most=self.most))


@dataclass(frozen=True)
class Prose(GroupedMetadata):
    """Text of many lines, such as Markdown: NFC, *least* to *most* characters."""

    most: int
    least: int = 0

    def __iter__(self) -> Iterator[object]:
        """Yield what pydantic applies, in order."""
        yield from StringConstraints(min_length=self.least, max_length=self.most)
        yield AfterValidator(partial(_prose, most=self.most))


def read_body(model: type[B]) -> B:
    """Return the JSON body of the request at hand; no body at all reads as ``{}``.

    Raises:
        Refused: 415 for another media type, ``bad_request`` for what is not JSON,
            ``invalid_fields`` with every fault.
    """
    raw = request.get_data()
    if raw and request.mimetype != _JSON:
        raise Refused(UNSUPPORTED_MEDIA_TYPE, detail=f"Send {_JSON}.")
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        if any(fault["type"] == "json_invalid" for fault in faults):
            raise Refused(BAD_REQUEST, detail="The body is not JSON.") from None
        raise wrong_fields(*(_named(dict(fault)) for fault in faults)) from None


def wrong_field(field: str, code: str, message: str) -> Refused:
    """Return the refusal of *field*, for what only the room can judge."""
    return wrong_fields({"field": field, "code": code, "message": message})


def wrong_fields(*faults: Mapping[str, str], problem: ProblemType = INVALID_FIELDS) -> Refused:
    """Return the refusal that carries *faults*, each ``{field, code, message}``."""
    hint = ", ".join(f"{fault['field']}: {fault['code']}" for fault in faults)
    return Refused(problem, hint=hint, members={"errors": [dict(fault) for fault in faults]})


def _named(fault: Mapping[str, Any]) -> dict[str, str]:
    field = ".".join(str(part) for part in fault["loc"])
    kind = str(fault["type"])
    code, message = _WORDS.get(kind, _OTHER)
    if kind.startswith("own_"):
        code, message = kind.removeprefix("own_"), str(fault["msg"])
    return {"field": field, "code": code, "message": message.format(**fault.get("ctx", {}))}


def fault(code: str, message: str) -> PydanticCustomError:
    """Return what a validator of a room raises; *message* has no braces in it."""
    return PydanticCustomError(f"own_{code}", message)


def _one_line(text: str, *, most: int) -> str:
    text = _normal(text, most)
    if any(unicodedata.category(char) in _UNSEEN for char in text) or _OVERTURNING & set(text):
        raise fault("not_text", "Write one line of plain text.")
    if text and all(unicodedata.category(char)[0] in "CZ" for char in text):
        raise fault("not_text", "Write something that can be seen.")
    return text


def _prose(text: str, *, most: int) -> str:
    text = _normal(text.replace("\r\n", "\n").replace("\r", "\n"), most)
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in _LAYOUT for char in text):
        raise fault("not_text", "Write plain text without control characters.")
    return text


def _normal(text: str, most: int) -> str:
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > most:  # a few characters are composed of more than they are written with
        raise fault("too_long", f"Write at most {most} characters.")
    return normal
