"""Telling people what concerns them, beside what the feed shows everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.notifications.model import Reason
from workbench.notifications.watching import notify

if TYPE_CHECKING:
    from collections.abc import Collection

    from workbench.journal import Event


def tell(event: Event, people: Collection[int]) -> None:
    """Tell *people*, by pk, of their own membership; also those who no longer see the team."""
    notify(event, {Reason.MEMBERSHIP: people}, personally=True)


def tell_applicant(event: Event, person: int) -> None:
    """Tell *person* what became of their application; they need not see the team."""
    notify(event, {Reason.APPLICATION: [person]}, personally=True)


def tell_judges(event: Event, people: Collection[int]) -> None:
    """Tell *people*, who decide, of an application."""
    notify(event, {Reason.APPLICATION: people})
