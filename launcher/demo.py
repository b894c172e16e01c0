"""`python app.py demo`: accounts at the SSO and a lively team at the workbench, beside a house.

The accounts' passwords are made here and kept in the data folder, private to its owner.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from typing import TYPE_CHECKING

from launcher.commands import ROOT, party_command
from launcher.folder import write_private
from launcher.words import CannotStart, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_USERNAMES = ("demo-lin", "demo-wang", "demo-zhao", "demo-tom", "demo-chen")
_WITHIN_S = 120
_PASSWORD_BYTES = 9


def run(var: Path, environ: Mapping[str, str], *, beside_others: bool) -> None:
    """Make accounts and team where they are not there yet; say how to sign in.

    Raises:
        CannotStart: the house was never started, or a party's command refused.
    """
    if not all((var / "run" / f"{party}.toml").is_file() for party in ("sso", "workbench")):
        raise CannotStart("There is no house yet: start it with `python app.py` first.")
    own = {**environ, "CLOAKROOM_VAR": str(var)}
    file = var / "secrets" / "demo.json"
    accounts = json.loads(file.read_text("utf-8")) if file.is_file() else []
    for username in _USERNAMES[len(accounts) :]:
        accounts.append(_account(username, own))
        write_private(file, json.dumps(accounts, indent=1))
    more = ["--beside-others"] if beside_others else []
    say(_finished(["workbench", "demo", "--people", str(file), *more], own).strip())
    say("\nSign in as one of them:\n")
    for account in accounts:
        say(f"  {account['username']:<10}  {account['password']}")
    say(f"\nThe passwords are also in {file}")


def _account(username: str, environ: Mapping[str, str]) -> dict[str, str]:
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    email = f"{username}@example.com"
    options = ["--username", username, "--email", email, "--password-stdin", "--format", "json"]
    made = json.loads(_finished(["sso", "user", "create", *options], environ, f"{password}\n"))
    return {"sub": made["sub"], "username": username, "email": email, "password": password}


def _finished(arguments: list[str], environ: Mapping[str, str], typed: str = "") -> str:
    """Return what `python app.py ARGUMENTS…` printed."""
    done = subprocess.run(
        party_command(*arguments),
        input=typed,
        capture_output=True,
        env=dict(environ),
        cwd=ROOT,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )
    if done.returncode != 0:
        reason = "".join(f"\n  {line}" for line in done.stderr.strip().splitlines()[-12:])
        raise CannotStart(f"`python app.py {' '.join(arguments[:3])}` failed:{reason}")
    return done.stdout
