"""The folder of everything that a run leaves behind: data, secrets, logs, generated settings.

Private to its owner from the first moment; one launcher at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from typing import TYPE_CHECKING, Any, Self

from launcher.words import CannotStart

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600
_KEY_BYTES = 48
_LOG_LIMIT_BYTES = 16 * 1024 * 1024


class Folder:
    """`var/`, held by this launcher while the context lasts.

    Attributes:
        ended_badly: the launcher before this one was killed and could not tidy up.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended_badly = False
        self._lock_fd: int | None = None

    def __enter__(self) -> Self:
        """Make the folder where needed and hold it.

        Raises:
            CannotStart: it cannot be written, or another launcher holds it.
        """
        try:
            self.below()
            self._hold()
        except OSError as error:
            raise CannotStart(
                f"The folder {self.path} cannot be used: {error.strerror}. "
                "Make it writable, or set CLOAKROOM_VAR to another folder."
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go; the next launcher learns that this one ended in good order."""
        if self._lock_fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._lock_fd, 0)
            os.close(self._lock_fd)

    def below(self, *parts: str) -> Path:
        """Return the private folder *parts*, made when it is missing."""
        folder = self.path
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        for part in parts:
            folder /= part
            folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        folder.chmod(_PRIVATE_FOLDER)
        return folder

    def secret_keys(self, party: str) -> list[str]:
        """Return the key ring of *party*, newest first; one key is made at the first start.

        Raises:
            CannotStart: the file is there and empty: making a new key would end every session.
        """
        file = self.below("secrets") / f"{party}-keys"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(_KEY_BYTES) + "\n")
        file.chmod(_PRIVATE_FILE)
        keys = file.read_text("utf-8").split()
        if not keys:
            raise CannotStart(f"{file} holds no key. Restore it, or delete it to make a new one.")
        return keys

    def read_json(self, *parts: str) -> dict[str, Any]:
        """Return the JSON object in the file *parts*, or an empty one."""
        try:
            found = json.loads(self.path.joinpath(*parts).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def log_file(self, name: str) -> Path:
        """Return where *name* writes its log; a long one is put aside once, at the start."""
        file = self.below("log") / f"{name}.log"
        if file.exists() and file.stat().st_size > _LOG_LIMIT_BYTES:
            file.replace(file.with_suffix(".log.1"))
        return file

    def _hold(self) -> None:
        fd = os.open(self.path / "launcher.lock", os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode("ascii", "replace").strip()
            os.close(fd)
            raise CannotStart(
                f"Another Cloakroom (process {holder}) already runs in {self.path}. "
                "Stop it, or set CLOAKROOM_VAR to another folder and choose other ports."
            ) from None
        self.ended_badly = bool(os.read(fd, 32))
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd


def write_private(file: Path, text: str) -> None:
    """Put *text* into *file* (mode 0600) in one step: a reader sees all of it or the old."""
    fresh = file.with_name(f".{file.name}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
