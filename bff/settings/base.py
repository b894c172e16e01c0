"""What all tables of the settings are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from bff.settings.rules import words_or_list

Words = Annotated[tuple[str, ...], BeforeValidator(words_or_list)]


class Frozen(BaseModel):
    """A table: nothing may be changed, nothing unknown may stand in it, no value is repeated."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
