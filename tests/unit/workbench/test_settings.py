"""Settings: every fault at once, in words, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workbench.settings import SettingsInvalid, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_defaults_suffice() -> None:
    """Without file and environment the embedded defaults hold."""
    settings = load_settings(environ={})
    assert (settings.port, settings.identifier) == (7000, "http://127.0.0.1:7000")


def test_the_environment_wins(tmp_path: Path) -> None:
    """A file below, the environment above; `…_FILE` names a secret's file."""
    file = tmp_path / "workbench.toml"
    file.write_text('port = 7001\nissuer = "https://sso.example.com"\n')
    secret = tmp_path / "url"
    secret.write_text("sqlite:///elsewhere.sqlite3\n")
    environ = {
        "WORKBENCH_CONFIG": str(file),
        "WORKBENCH_PORT": "7002",
        "WORKBENCH_DATABASE_URL_FILE": str(secret),
    }
    settings = load_settings(environ=environ)
    assert settings.port == 7002
    assert settings.issuer == "https://sso.example.com"
    assert settings.database_url == "sqlite:///elsewhere.sqlite3"
    assert "elsewhere" not in repr(settings)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """One line a fault: where, what, what would be right."""
    file = tmp_path / "workbench.toml"
    file.write_text('prot = 1\nissuer = "http://sso.example.com"\n')
    environ = {"WORKBENCH_PORT": "high", "WORKBENCH_DATABASE_URL": "postgres://u:hush@h/d"}
    with pytest.raises(SettingsInvalid) as invalid:
        load_settings(file, environ)
    faults = "\n".join(sorted(invalid.value.faults))
    assert len(invalid.value.faults) == 4
    assert f"{file}: prot: no such setting" in faults
    assert f"{file}: issuer: plain http is accepted on loopback only" in faults
    assert "environment: WORKBENCH_PORT:" in faults
    assert "environment: WORKBENCH_DATABASE_URL: write mysql+pymysql://" in faults
    assert "hush" not in faults


@pytest.mark.parametrize("text", ["port = ", "\xff"])
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    """What is not TOML is said to be none."""
    file = tmp_path / "workbench.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsInvalid, match="not TOML"):
        load_settings(file, {})


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    """A file that is named must be there."""
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        load_settings(tmp_path / "none.toml", {})
