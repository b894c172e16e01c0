"""The kinds of fields that bodies of this room have."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from workbench.kit.bodies import OneLine, fault
from workbench.projects.names import NAME_LENGTH, NameInvalid, parse_name


def _node_name(text: str) -> str:
    try:
        return parse_name(text)
    except NameInvalid as invalid:
        raise fault("not_a_name", str(invalid)) from None


NodeName = Annotated[str, AfterValidator(_node_name), OneLine(NAME_LENGTH)]
NodeId = Annotated[str, StringConstraints(pattern="^n_[0-9a-f]{24}$")]
