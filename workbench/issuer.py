"""What the workbench asks of the issuer: its keys, and a person's name.

Keys are kept in memory. They are asked for again when they are old and, at most once a minute,
when a token names a key that nobody has seen; a silent issuer costs nothing while a good copy
exists. Every call is bounded in time and size.

Spec: OpenID Connect Discovery §4; RFC 7517 §5; OpenID Connect Core §5.3.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from httpkit import events
from httpkit.request_ids import HEADER, current_request_id
from workbench.problems import ISSUER_UNAVAILABLE, Unavailable
from workbench.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PublicKey = RSAKey | ECKey

KEYS_FETCHED = "issuer.keys_fetched"
KEYS_FAILED = "issuer.keys_failed"

_UNKNOWN_KEY_PAUSE_S = 60.0
_FAILURE_PAUSE_S = 2.0
_TIMEOUT_S = 3.0
_DEADLINE_S = 5.0
_DOCUMENT_LIMIT_BYTES = 262_144
_ALGORITHM_OF = {"RSA": "RS256", "EC": "ES256"}


class IssuerSilent(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The issuer gave no usable answer. The message has no secrets in it."""


class IssuerClient:
    """Bounded calls to one issuer; nothing is followed, nothing foreign is fetched."""

    def __init__(self, issuer: str, *, transport: httpx2.BaseTransport | None = None) -> None:
        self._issuer = issuer
        self._http = httpx2.Client(
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            transport=transport,
            # A proxy of the environment would be asked for this very machine.
            trust_env=not is_loopback(issuer),
        )

    def discover(self) -> Mapping[str, Any]:
        """Return the issuer's discovery document.

        Raises:
            IssuerSilent: no answer, no document, or the document of somebody else.
        """
        document = self.get_json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self._issuer:
            raise IssuerSilent("the discovery document names another issuer")
        return document

    def get_json(self, url: object, *, bearer: str | None = None) -> Mapping[str, Any]:
        """Return the JSON object at *url*.

        Raises:
            IssuerSilent: unreachable, slow, too large, not 200 or not a JSON object.
        """
        if not isinstance(url, str) or not self._may_ask(url):
            raise IssuerSilent("the address is not https")
        headers = {"Accept": "application/json", HEADER: current_request_id()}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        try:
            document = json.loads(self._read(url, headers))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            raise IssuerSilent(type(error).__name__) from error
        if not isinstance(document, dict):
            raise IssuerSilent("the answer is not a JSON object")
        return document

    def _may_ask(self, url: str) -> bool:
        return url.startswith("https://") or (is_loopback(self._issuer) and is_loopback(url))

    def _read(self, url: str, headers: Mapping[str, str]) -> bytes:
        give_up_at = time.monotonic() + _DEADLINE_S
        body = bytearray()
        with self._http.stream("GET", url, headers=dict(headers)) as response:
            if response.status_code != httpx2.codes.OK:
                raise IssuerSilent(f"answered {response.status_code}")
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _DOCUMENT_LIMIT_BYTES or time.monotonic() > give_up_at:
                    raise IssuerSilent("the answer is too long")
        return bytes(body)


@dataclass(frozen=True, slots=True)
class _KeySet:
    keys: tuple[PublicKey, ...]
    fetched_at_s: float

    def find(self, kid: str | None, kty: str) -> PublicKey | None:
        fitting = [key for key in self.keys if key.key_type == kty]
        if kid is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.kid == kid), None)


class IssuerKeys:
    """The issuer's public signing keys. Safe to use from several threads."""

    def __init__(
        self,
        client: IssuerClient,
        *,
        ttl_s: float,
        max_age_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep keys of *client*; *clock* counts seconds and never goes back."""
        self._client = client
        self._ttl_s = ttl_s
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._current: _KeySet | None = None
        self._asked_at_s: float | None = None
        self._last_failed = False

    def find(self, kid: str | None, kty: str) -> PublicKey | None:
        """Return the key that *kid* names, or None where the issuer has no such key.

        Raises:
            Unavailable: whether there is such a key cannot be told just now.
        """
        known = self._usable()
        if known is None or self._age_s(known) > self._ttl_s:
            known = self._ask(pause_s=_FAILURE_PAUSE_S, wait=known is None)
        key = known.find(kid, kty) if known else None
        if known and not key:
            # Anybody can invent key ids: they must not turn into a flood upon the issuer.
            known = self._ask(pause_s=_UNKNOWN_KEY_PAUSE_S, wait=True)
            key = known.find(kid, kty) if known else None
        if known is None or (key is None and self._last_failed):
            raise Unavailable(ISSUER_UNAVAILABLE, hint="no keys of the issuer")
        return key

    def _usable(self) -> _KeySet | None:
        current = self._current
        return current if current and self._age_s(current) <= self._max_age_s else None

    def _age_s(self, keys: _KeySet) -> float:
        return self._clock() - keys.fetched_at_s

    def _ask(self, *, pause_s: float, wait: bool) -> _KeySet | None:
        """Ask the issuer unless it was asked less than *pause_s* ago; one thread at a time.

        Threads that hold a good copy go on with it while another asks (*wait* is false).
        """
        if not self._lock.acquire(blocking=wait):
            return self._usable()
        try:
            if self._asked_at_s is None or self._clock() - self._asked_at_s >= pause_s:
                self._fetch()
                self._asked_at_s = self._clock()
            return self._usable()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        log = events.get_logger()
        try:
            document = self._client.get_json(self._client.discover().get("jwks_uri"))
        except IssuerSilent as reason:
            self._last_failed = True
            log.warning(KEYS_FAILED, reason=str(reason))
            return
        self._last_failed = False
        self._current = _KeySet(_signing_keys(document), self._clock())
        log.info(KEYS_FETCHED, keys=len(self._current.keys))


def _signing_keys(document: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """Return the usable keys of a JWK Set; one odd key never hides the others (RFC 7517 §5)."""
    entries = document.get("keys")
    keys = (_signing_key(entry) for entry in (entries if isinstance(entries, list) else ()))
    return tuple(key for key in keys if key is not None)


def _signing_key(entry: object) -> PublicKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    wanted = _ALGORITHM_OF.get(str(entry.get("kty")))
    if wanted is None or entry.get("alg", wanted) != wanted:
        return None
    try:
        key = import_key({**entry, "alg": wanted})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, ECKey) and key.curve_name != "P-256":
        return None
    return key if isinstance(key, RSAKey | ECKey) and not key.is_private else None
