"""Blobs in a folder: written aside, synced, then renamed, so that a name stands for whole bytes."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.problems import FILES_UNAVAILABLE, Unavailable
from workbench.projects.storage.blobs import (
    PIECE_BYTES,
    BlobMissing,
    Received,
    Source,
    is_key,
    new_key,
    take_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


class LocalStorage:
    """A folder, private to its owner; two levels, so that none gets too full."""

    def __init__(self, folder: Path) -> None:
        """Use *folder*; it is made when the first blob comes."""
        self._folder = folder

    def put(self, key: str, source: Source, size_bytes: int) -> Received:
        """Keep the bytes: see `Storage`."""
        target = self._path(key)
        with _faults_named():
            _make_folder(self._folder)
            _make_folder(target.parent)
            aside = target.with_name(f"{key}.{new_key()}.part")
            try:
                with open(aside, "xb", opener=_private) as file:
                    received = take_in(source, size_bytes, file)
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(target)
                _sync_folder(target.parent)
            except BaseException:
                aside.unlink(missing_ok=True)
                raise
        return received

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes: see `Storage`."""
        with _faults_named():
            try:
                file = self._path(key).open("rb")
            except FileNotFoundError:
                raise BlobMissing(key) from None
        with file:
            file.seek(start)
            left = end - start
            while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
                left -= len(piece)
                yield piece

    def delete(self, key: str) -> None:
        """Forget the blob: see `Storage`."""
        with _faults_named():
            self._path(key).unlink(missing_ok=True)

    def keys(self, *, older_than: datetime) -> Iterator[str]:
        """Yield old blobs: see `Storage`. What a crash left half written is removed on the way."""
        limit_s = older_than.replace(tzinfo=UTC).timestamp()
        with _faults_named():
            for path in self._folder.glob("??/*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime >= limit_s:
                        continue
                    if is_key(path.name):
                        yield path.name
                    elif path.suffix == ".part":
                        path.unlink()

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError("not a key of ours")
        return self._folder / key[:2] / key


@contextlib.contextmanager
def _faults_named() -> Iterator[None]:
    """Turn a disk that is full or gone into `Unavailable`."""
    try:
        yield
    except OSError as error:
        raise Unavailable(FILES_UNAVAILABLE, hint=str(error.strerror)) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE_FILE)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
