"""What is installed, and what is asked for."""

from __future__ import annotations

import os

import pytest

from bench import debian
from bench.stage import CannotRun


def test_what_is_there_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package manager is bothered for a program that can be found."""
    monkeypatch.setattr(debian, "install", lambda _packages: pytest.fail("installed"))
    debian.require_programs({"sh": "dash"})


def test_what_only_root_could_install_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that says what to install."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CannotRun, match="please install a-thing; only root may"):
        debian.require_programs({"sh": "dash", "no-such-program-anywhere": "a-thing"})
