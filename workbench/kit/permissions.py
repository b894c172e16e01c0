"""The form of every room's permission table: who may do what, as data that one can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from workbench.problems import FORBIDDEN_DEED, NOT_FOUND, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

Deed = TypeVar("Deed")
Standing = TypeVar("Standing")


class Permissions(Generic[Deed, Standing]):
    """A table of deeds, and the standings that each is open to.

    *Standing* is what a caller is to the thing: a role in its team, its author, both at once as a
    pair. None stands for somebody who may not even know of it.
    """

    def __init__(self, allowed: Mapping[Deed, frozenset[Standing]]) -> None:
        self.allowed = allowed

    def allows(self, deed: Deed, standing: Standing | None) -> bool:
        """Return whether somebody of *standing* may do *deed*."""
        return standing is not None and standing in self.allowed[deed]

    def require(self, deed: Deed, standing: Standing | None) -> None:
        """Pass when somebody of *standing* may do *deed*.

        Raises:
            Refused: 404 where they may not know of it, exactly as if it were not there; else 403.
        """
        if standing is None:
            raise Refused(NOT_FOUND)
        if standing not in self.allowed[deed]:
            raise Refused(FORBIDDEN_DEED, hint=f"{deed} as {standing}")
