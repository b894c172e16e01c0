"""What the directory asks of the teams, which it stands below: the composition root answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Select


@dataclass(frozen=True, slots=True)
class Circles:
    """Who is with whom.

    Attributes:
        sharing: of the people with these pks, those who are in some team with the first.
        members: the query of the pks in a team, or in one of its groups, by public ids; raises
            the 404 of `Refused` where the first is not in it.
    """

    sharing: Callable[[int, Collection[int]], set[int]]
    members: Callable[[int, str, str | None], Select[int]]
