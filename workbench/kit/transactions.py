"""A change is whole or nothing: one transaction, its event and its idempotency key included."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import DBAPIError

from workbench.database import WRITING, db, outages_named, start_over
from workbench.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_ATTEMPTS = 4
# Deadlock found; record has changed since last read.
_REPEATABLE = frozenset({1213, 1020})


def write(work: Callable[[], T]) -> T:
    """Return *work*'s result once it is committed; *work* may run again after a deadlock.

    So *work* touches nothing but `db.session`, reads whatever it decides by itself, and locks it
    (`with_for_update`): SQLite has one writer at a time, MariaDB locks rows. Nothing is repeated
    after a lost commit: its outcome is unknown, and the caller's own retry finds it.

    Raises:
        Unavailable: the database gave no answer, or stayed locked.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        start_over()  # nothing that was read before decides what is written now
        try:
            with outages_named():
                db.session.connection(execution_options={WRITING: True})
                result = work()
                db.session.commit()
                return result
        except Unavailable as outage:
            if attempt == _ATTEMPTS or not _is_repeatable(outage.__cause__):
                raise
        except BaseException:
            start_over()
            raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _is_repeatable(cause: BaseException | None) -> bool:
    return isinstance(cause, DBAPIError) and bool(
        cause.orig and cause.orig.args and cause.orig.args[0] in _REPEATABLE
    )
