"""PyMySQL, told once what each column is.

The server describes every column of every answer anew. Parsing that in Python takes more time than
the answer itself, and is the same each time: so each description is parsed once a process.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pymysql.connections import Connection
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket

if TYPE_CHECKING:
    from collections.abc import Callable

    _Connection = Connection[Any]
else:
    _Connection = Connection

_MAX_KNOWN = 2_048


class _Described(FieldDescriptorPacket):
    """A column's description, with the form of it that PEP 249 wants made once."""

    def __init__(self, data: bytes, encoding: str) -> None:
        super().__init__(data, encoding)
        self._told = super().description()  # type: ignore[no-untyped-call]

    def description(self) -> Any:  # noqa: ANN401 - the driver's own tuple
        """Return it."""
        return self._told


# Nothing in a description changes once it is parsed, so that all connections share them.
_described: Callable[[bytes, str], _Described] = lru_cache(maxsize=_MAX_KNOWN)(_Described)


class DescribedConnection(_Connection):
    """A connection that knows columns again."""

    def _read_packet(self, packet_type: Callable[..., Any] = MysqlPacket) -> Any:  # noqa: ANN401 - the driver's own
        known = _described if packet_type is FieldDescriptorPacket else packet_type
        return super()._read_packet(known)  # type: ignore[no-untyped-call]
