"""PyMySQL, told once what the columns of an answer are.

The server describes every column of every answer anew. Parsing that in Python takes more time than
the answer itself, and is the same each time: so the descriptions of an answer are parsed once a
process, and known again by their bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pymysql.connections import Connection, MySQLResult

if TYPE_CHECKING:
    _Connection = Connection[Any]
    _Result = MySQLResult
else:
    _Connection = Connection
    _Result = MySQLResult

_MAX_KNOWN = 32
_HEADER_BYTES = 4
_SEQUENCES = 256


class _Described(NamedTuple):
    """What PyMySQL makes of the descriptions whose packets are these very bytes."""

    packets: bytes
    encoding: str
    fields: list[Any]
    converters: list[Any]
    description: tuple[Any, ...]


# By the number of columns. Nothing of it changes once it is there, so all connections share it.
_known: dict[int, list[_Described]] = {}


class DescribedResult(_Result):
    """An answer whose columns may be known from an earlier one."""

    def _get_descriptions(self) -> None:
        connection: Any = self.connection
        count: int = self.field_count
        try:
            ahead = connection._rfile.peek()  # noqa: SLF001 - PyMySQL has no word for it
        except OSError:
            ahead = b""  # the ordinary way meets it again and has the words for it
        for known in _known.get(count, ()):
            if known.encoding == connection.encoding and ahead.startswith(known.packets):
                self._take(connection, known)
                return
        first: int = connection._next_seq_id  # noqa: SLF001 - as above
        super()._get_descriptions()  # type: ignore[misc]
        packets = b"".join(
            _packet(field._data, (first + number) % _SEQUENCES)  # noqa: SLF001 - as above
            for number, field in enumerate(self.fields)
        )
        alike = _known.get(count, [])[-_MAX_KNOWN + 1 :]
        made = _Described(
            packets, connection.encoding, self.fields, self.converters, self.description
        )
        _known[count] = [*alike, made]

    def _take(self, connection: Any, known: _Described) -> None:  # noqa: ANN401 - the driver's own
        """Read what was seen ahead, and take what it means."""
        connection._rfile.read(len(known.packets))  # noqa: SLF001 - as above
        connection._next_seq_id = (connection._next_seq_id + self.field_count) % _SEQUENCES  # noqa: SLF001 - as above
        end = connection._read_packet()  # noqa: SLF001 - as above
        assert end.is_eof_packet(), "the descriptions do not end where they did"  # noqa: S101 - as PyMySQL itself
        self.fields, self.converters = known.fields, known.converters
        self.description = known.description


class DescribedConnection(_Connection):
    """A connection that knows columns again."""

    def _read_query_result(self, unbuffered: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - the driver's own
        self._result = None
        if unbuffered:
            return super()._read_query_result(unbuffered)  # type: ignore[misc]
        result: Any = DescribedResult(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows


def _packet(data: bytes, number: int) -> bytes:
    return len(data).to_bytes(_HEADER_BYTES - 1, "little") + bytes([number]) + data
