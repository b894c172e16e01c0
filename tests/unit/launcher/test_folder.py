"""The run-time folder: private, held by one launcher, its secrets made once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.folder import Folder
from launcher.words import CannotStart

_HOLD_AND_DIE = """
import os, sys
from pathlib import Path
from launcher.folder import Folder
Folder(Path(sys.argv[1])).__enter__()
os.kill(os.getpid(), 9)
"""


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_everything_is_private(tmp_path: Path) -> None:
    """Folders 0700 and secrets 0600, also where they were wider."""
    var = tmp_path / "var"
    var.mkdir(mode=0o755)
    with Folder(var) as folder:
        folder.secret_keys("bff")
        keys = var / "secrets" / "bff-keys"
        keys.chmod(0o644)
        folder.secret_keys("bff")
        assert (_mode(var), _mode(var / "secrets"), _mode(keys)) == (0o700, 0o700, 0o600)


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """The second start finds the first one's keys; each party has its own, of good length."""
    with Folder(tmp_path / "var") as folder:
        first = folder.secret_keys("bff")
        other = folder.secret_keys("sso")
    with Folder(tmp_path / "var") as folder:
        assert folder.secret_keys("bff") == first
    assert first != other
    assert min(len(key) for key in first + other) >= 32


def test_an_empty_key_file_is_not_replaced(tmp_path: Path) -> None:
    """A lost key is the owner's to restore: a new one would end every session in silence."""
    with Folder(tmp_path / "var") as folder:
        (folder.below("secrets") / "bff-keys").touch()
        with pytest.raises(CannotStart, match="holds no key"):
            folder.secret_keys("bff")


def test_one_launcher_at_a_time(tmp_path: Path) -> None:
    """The second is told who holds the folder."""
    with (
        Folder(tmp_path / "var"),
        pytest.raises(CannotStart, match=f"process {os.getpid()}"),
        Folder(tmp_path / "var"),
    ):
        pass


def test_a_killed_launcher_is_noticed(tmp_path: Path) -> None:
    """Its lock is gone with it, and the next one knows that parties may still be on their way."""
    var = tmp_path / "var"
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", _HOLD_AND_DIE, str(var)], cwd=root, check=False)
    with Folder(var) as folder:
        assert folder.ended_badly
    with Folder(var) as folder:
        assert not folder.ended_badly


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    """A file in its place, for one."""
    (tmp_path / "var").touch()
    with pytest.raises(CannotStart, match="cannot be used"), Folder(tmp_path / "var"):
        pass


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    """A log does not grow over every run that there ever was."""
    with Folder(tmp_path / "var") as folder:
        log = folder.log_file("bff")
        with log.open("wb") as file:
            file.truncate(17 * 1024 * 1024)
        assert folder.log_file("bff") == log
        assert not log.exists()
        assert log.with_suffix(".log.1").exists()
