"""Tell clients that a session ended: in the background, again where it failed, not for ever.

Deliveries are rows, so that a restart forgets none and several nodes share the work; a lease on
each keeps two nodes from telling the same client at once. Nobody's sign-out waits for a client, and
no client for another: those whose turn it is are told side by side, each within its time.

Spec: OIDC Back-Channel Logout §2.4 and §2.5; A-56.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import httpx2
from sqlalchemy import delete, select, update

from httpkit import events
from httpkit.problems import Unavailable
from sso.logout.destinations import DestinationRefused, Destinations
from sso.storage.clients import Client
from sso.storage.grants import LogoutDelivery

if TYPE_CHECKING:
    import ssl

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.grants.session_end import SessionEnd
    from sso.keys.signing import SigningKeys
    from sso.storage.engine import Storage

TYPE: Final = "logout+jwt"
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
DELIVERED: Final = "logout.delivered"
NOT_DELIVERED: Final = "logout.not_delivered"
GIVEN_UP: Final = "logout.given_up"
_TOKEN_TTL_S: Final = 120
# From first to last, however slowly the client trickles its answer.
_TIMEOUT_S: Final = 5.0
_LEASE_S: Final = 30
_POLL_S: Final = 5.0
_BATCH: Final = 20
# Seconds to wait after each failure; after the last one the client is given up.
_PATIENCE_S: Final = (1, 5, 15, 60, 300, 900)


class BackchannelLogout:
    """Delivers logout tokens."""

    def __init__(
        self,
        *,
        issuer: str,
        storage: Storage,
        keys: SigningKeys,
        clock: Clock,
        session_end: SessionEnd,
    ) -> None:
        self._issuer = issuer
        self._storage = storage
        self._keys = keys
        self._clock = clock
        self._session_end = session_end
        self._destinations = Destinations(issuer=issuer)

    def start(self) -> threading.Thread:
        """Deliver from a thread of its own for the life of this process."""
        thread = threading.Thread(target=self._run, name="backchannel-logout", daemon=True)
        thread.start()
        return thread

    def deliver_due(self) -> int:
        """Tell every client whose turn it is; return how many were tried."""
        claimed = [(delivery, to) for delivery, to in self._due() if self._claim(delivery)]
        if claimed:
            faults = asyncio.run(self._post_all(claimed))
            for (delivery, client), fault in zip(claimed, faults, strict=True):
                self._note(delivery, client, fault)
        return len(claimed)

    def _run(self) -> None:
        while True:
            self._session_end.waiting.wait(_POLL_S)
            self._session_end.waiting.clear()
            try:
                while self.deliver_due():
                    pass
            except Unavailable:
                continue  # the rows are still there when the database is back
            except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
                events.log_bug(error)

    def _due(self) -> list[tuple[LogoutDelivery, Client]]:
        query = (
            select(LogoutDelivery, Client)
            .join(Client, Client.client_id == LogoutDelivery.client_id)
            .where(LogoutDelivery.next_attempt_at <= self._clock())
            .order_by(LogoutDelivery.next_attempt_at)
            .limit(_BATCH)
        )
        with self._storage.reading() as session:
            return [(delivery, client) for delivery, client in session.execute(query)]

    def _claim(self, delivery: LogoutDelivery) -> bool:
        lease = self._clock() + timedelta(seconds=_LEASE_S)
        claiming = (
            update(LogoutDelivery)
            .where(
                LogoutDelivery.id == delivery.id,
                LogoutDelivery.next_attempt_at == delivery.next_attempt_at,
            )
            .values(next_attempt_at=lease, attempts=delivery.attempts + 1)
        )
        return self._storage.write(lambda session: session.execute(claiming).rowcount == 1)  # type: ignore[attr-defined,no-any-return]

    def _note(self, delivery: LogoutDelivery, client: Client, fault: str | None) -> None:
        log = events.get_logger().bind(client=client.client_id, attempt=delivery.attempts + 1)
        if fault is None:
            log.info(DELIVERED)
            self._forget(delivery)
        elif delivery.attempts >= len(_PATIENCE_S):
            log.warning(GIVEN_UP, hint=fault)
            self._forget(delivery)
        else:
            log.info(NOT_DELIVERED, hint=fault)
            self._postpone(delivery, _PATIENCE_S[delivery.attempts])

    async def _post_all(self, claimed: list[tuple[LogoutDelivery, Client]]) -> list[str | None]:
        tls = httpx2.create_ssl_context(trust_env=False)
        return await asyncio.gather(
            *(
                self._post(client, self._token(delivery, client), tls)
                for delivery, client in claimed
            )
        )

    async def _post(self, client: Client, token: str, tls: ssl.SSLContext) -> str | None:
        """Return what went wrong, or None. Redirects are not followed, bodies are not read."""
        uri, trusted = client.backchannel_logout_uri or "", not client.self_registered
        # One for each: what one client sets as a cookie is not for another.
        http = httpx2.AsyncClient(verify=tls, timeout=_TIMEOUT_S, trust_env=False)
        try:
            async with asyncio.timeout(_TIMEOUT_S), http:
                there = await asyncio.to_thread(self._destinations.require, uri, trusted=trusted)
                request = http.build_request(
                    "POST",
                    there.url,
                    data={"logout_token": token},
                    headers=there.headers,
                    extensions=there.extensions,
                )
                response = await http.send(request, stream=True, follow_redirects=False)
                await response.aclose()
                accepted = response.status_code in {200, 204}
                return None if accepted else f"answered {response.status_code}"
        except DestinationRefused as refused:
            return str(refused)
        except TimeoutError:
            return "no answer in time"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return type(error).__name__

    def _token(self, delivery: LogoutDelivery, client: Client) -> str:
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": delivery.client_id,
            "iat": now,
            "exp": now + _TOKEN_TTL_S,
            "jti": secrets.token_urlsafe(16),
            "sub": delivery.sub,
            "sid": delivery.session_id,
            "events": {EVENT: {}},
        }
        # As its ID tokens: the client pinned that algorithm (Back-Channel Logout §2.6).
        return self._keys.sign(claims, typ=TYPE, algorithm=client.id_token_alg)

    def _forget(self, delivery: LogoutDelivery) -> None:
        forgetting = delete(LogoutDelivery).where(LogoutDelivery.id == delivery.id)
        self._storage.write(lambda session: session.execute(forgetting))

    def _postpone(self, delivery: LogoutDelivery, wait_s: int) -> None:
        def work(session: Session) -> None:
            later = self._clock() + timedelta(seconds=wait_s)
            session.execute(
                update(LogoutDelivery)
                .where(LogoutDelivery.id == delivery.id)
                .values(next_attempt_at=later)
            )

        self._storage.write(work)
