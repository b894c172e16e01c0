"""Programs by others, set up by their public documentation and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support import needs
from tests.support.ports import free_port
from tests.support.programs import ROOT, Program

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN = ROOT / "tests" / "foreign"
CLIENT_SECRET = "known-to-the-foreign-provider-and-the-bff"


def node() -> str:
    """Return the path of Node, with the foreign packages installed as locked."""
    found = needs.program("node", package="nodejs")
    lock, installed = FOREIGN / "package-lock.json", FOREIGN / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm = needs.program("npm", package="npm")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=FOREIGN, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(FOREIGN / "node_modules", ignore_errors=True)
            needs.missing("the npm packages of tests/foreign", done.stderr.strip()[-300:])
        installed.touch()
    return found


class OpenIdProvider:
    """npm ``oidc-provider`` with one client; its own pages sign anybody in."""

    def __init__(
        self,
        folder: Path,
        bff_url: str,
        *,
        ttl: dict[str, int] | None = None,
        strict: bool = False,
    ) -> None:
        """Prepare it for the BFF at *bff_url*.

        Args:
            folder: where it logs.
            bff_url: its one client.
            ttl: lifetimes in seconds by token kind.
            strict: it takes pushed requests alone, binds tokens to a key and wants its nonce in
                every proof, rotates every refresh token, ends the grant where one is used twice,
                and tells the client of the session's end.
        """
        self.port, self._strict = free_port(), strict
        self.issuer = f"http://127.0.0.1:{self.port}"
        client: dict[str, Any] = {
            "client_id": "cloakroom",
            "client_secret": CLIENT_SECRET,
            "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": [f"{bff_url}/bff/callback/foreign"],
            "post_logout_redirect_uris": [f"{bff_url}/"],
        }
        extra: dict[str, Any] = {}
        if strict:
            told = f"{bff_url}/bff/backchannel-logout/foreign"
            client |= {"backchannel_logout_uri": told, "backchannel_logout_session_required": True}
            pushed = {"enabled": True, "requirePushedAuthorizationRequests": True}
            kept = {name: {"enabled": True} for name in ("backchannelLogout", "revocation")}
            features = {**kept, "pushedAuthorizationRequests": pushed, "dPoP": {"enabled": True}}
            client |= {"dpop_bound_access_tokens": True}
            extra = {"features": features, "rotateRefreshToken": True}
        given = {"port": self.port, "client": client, "ttl": ttl or {}, "extra": extra}
        settings = json.dumps(given)
        script = str(FOREIGN / "openid-provider.mjs")
        log = folder / "oidc-provider.log"
        self.program = Program("oidc-provider", [node(), script, settings], log, folder=FOREIGN)

    def settings(self) -> dict[str, Any]:
        """Return the BFF's ``[[providers]]`` entry for it."""
        return {
            "name": "foreign",
            "issuer": self.issuer,
            "client_id": "cloakroom",
            "client_secret": CLIENT_SECRET,
            "scopes": ["openid", "profile", "email", "offline_access"],
            "dpop": self._strict,
        }

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.program.start()
        self.program.wait_until(lambda: "listening" in self.program.log())


def relying_party(
    folder: Path,
    url: str,
    issuer: str,
    registered: dict[str, str],
    scope: str,
    *,
    script: str = "relying-party",
    **more: str,
) -> Program:
    """Start an application by others at *url*; return its process.

    *script* is npm ``openid-client`` (``relying-party``, or ``relying-party-strict``, which also
    takes what *more* names) or npm ``express-openid-connect`` (``express-party``).
    """
    settings = {"port": urlsplit(url).port, "issuer": issuer, "scope": scope, **more}
    settings |= {name: registered[name] for name in ("client_id", "client_secret")}
    file, log = str(FOREIGN / f"{script}.mjs"), folder / f"{script}.log"
    program = Program(script, [node(), file, json.dumps(settings)], log, folder=FOREIGN)
    program.start()
    program.wait_until(lambda: "listening" in program.log())
    return program


def whatwg_origin(address: str, base: str) -> str | None:
    """Return the origin that a browser would open for *address* on the page *base*.

    Node's URL is the WHATWG parser, so that no parser of ours judges its own work. None where a
    browser would open nothing.
    """
    script = (
        "const [a, b] = process.argv.slice(1);"
        "console.log(URL.canParse(a, b) ? new URL(a, b).origin : '')"
    )
    command = [needs.program("node", package="nodejs"), "-e", script, "--", address, base]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip() or None
