"""One-off commands of a party, run as an operator would run them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher.guard import guarded
from launcher.words import CannotStart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from launcher.signals import Signals

ROOT = Path(__file__).resolve().parent.parent
_WITHIN_S = 120.0
_TICK_S = 0.05


def party_command(*arguments: str) -> list[str]:
    """Return the command `python app.py ARGUMENTS…`."""
    return [sys.executable, str(ROOT / "app.py"), *arguments]


class Command:
    """A command under way; several may run at once."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start `python app.py ARGUMENTS…`."""
        self._arguments = list(arguments)
        self._process = subprocess.Popen(
            guarded(party_command(*arguments)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            process_group=0,
            text=True,
        )

    def finish(self, signals: Signals) -> str:
        """Return what it printed.

        Raises:
            CannotStart: it failed or took too long; carries what it said.
            StopAsked: somebody asked to stop; the command was ended.
        """
        give_up_at = time.monotonic() + _WITHIN_S
        try:
            while self._process.poll() is None and time.monotonic() < give_up_at:
                signals.pause(_TICK_S)
        finally:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            printed, said = self._process.communicate()
        if self._process.returncode != 0:
            name = " ".join(self._arguments[:2])
            reason = "".join(f"\n  {line}" for line in said.strip().splitlines()[-12:])
            raise CannotStart(f"`python app.py {name}` failed:{reason}")
        return printed


def register_first_party(
    public_url: str, scope: str, environ: Mapping[str, str], signals: Signals
) -> dict[str, Any]:
    """Register the BFF at *public_url* with the SSO for *scope*; return its client id and secret.

    Raises:
        CannotStart: the SSO's command line refused, or printed something else than promised.
        StopAsked: somebody asked to stop.
    """
    base = public_url.rstrip("/")
    options = {
        "--name": "Cloakroom",
        "--redirect-uri": f"{base}/bff/callback/sso",
        "--post-logout-redirect-uri": f"{base}/",
        "--backchannel-logout-uri": f"{base}/bff/backchannel-logout/sso",
        "--scope": scope,
        "--format": "json",
    }
    arguments = [part for pair in options.items() for part in pair]
    command = Command(["sso", "client", "create", "--first-party", *arguments], environ)
    printed = command.finish(signals)
    try:
        made = json.loads(printed)
        return {name: str(made[name]) for name in ("client_id", "client_secret")}
    except (ValueError, KeyError, TypeError):
        raise CannotStart("The SSO's command line did not name the client it made.") from None


def change_scope(client_id: str, scope: str, environ: Mapping[str, str], signals: Signals) -> None:
    """Let a client that was registered before ask for *scope* from now on.

    Raises:
        CannotStart: the SSO's command line refused.
        StopAsked: somebody asked to stop.
    """
    Command(["sso", "client", "scope", client_id, scope], environ).finish(signals)
