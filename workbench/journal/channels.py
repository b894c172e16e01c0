"""Whom an event is for, as one number: what a feed is cut and indexed by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class _Kind(IntEnum):
    TEAM = 0
    TEAM_ADMINS = 1
    PROJECT = 2
    PERSON = 3


_KINDS = len(_Kind)


@dataclass(frozen=True, slots=True)
class Channel:
    """A set of readers: a team's members, its admins, a project's members, or one person."""

    number: int

    @classmethod
    def team(cls, pk: int) -> Self:
        """Return the channel of everybody in the team *pk*."""
        return cls(pk * _KINDS + _Kind.TEAM)

    @classmethod
    def team_admins(cls, pk: int) -> Self:
        """Return the channel of the owner and the admins of the team *pk*."""
        return cls(pk * _KINDS + _Kind.TEAM_ADMINS)

    @classmethod
    def project(cls, pk: int) -> Self:
        """Return the channel of everybody who may see the project *pk*."""
        return cls(pk * _KINDS + _Kind.PROJECT)

    @classmethod
    def person(cls, pk: int) -> Self:
        """Return the channel of the person *pk* alone."""
        return cls(pk * _KINDS + _Kind.PERSON)

    @property
    def project_pk(self) -> int | None:
        """The project, where the channel is one's."""
        kind = self.number % _KINDS
        return self.number // _KINDS if kind == _Kind.PROJECT else None
