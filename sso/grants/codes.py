"""Authorization codes: bound when issued, redeemed once by one statement.

Spec: OAuth 2.1 §4.1.2 and §4.1.3; A-07, A-08, A-10; S-083, S-084.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from sso.errors import INVALID_GRANT, INVALID_REQUEST, INVALID_TARGET, OAuthError
from sso.grants.records import TOLD, revoke_grant
from sso.storage.base import as_table
from sso.storage.digests import digest, new_id, new_secret
from sso.storage.grants import AuthorizationCode, Grant
from sso.storage.people import User

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.grants.refresh_tokens import RefreshTokens
    from sso.settings import Lifetimes
    from sso.storage.clients import Client
    from sso.storage.engine import Storage

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
REPLAYED: Final = "code replayed"


# All that a redemption judges, by one question.
_WITH_ITS_PERSON = (
    select(AuthorizationCode, User)
    .join(User, User.sub == AuthorizationCode.sub)
    .where(AuthorizationCode.digest == bindparam("digest"))
    .options(TOLD)
)
_TABLE: Final = as_table(AuthorizationCode)
_TAKE = (
    _TABLE.update()
    .where(
        _TABLE.c.digest == bindparam("taken"),
        _TABLE.c.used_at.is_(None),
        _TABLE.c.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
)
_GRANTS: Final = as_table(Grant)
_ADD_GRANT: Final = _GRANTS.insert()


@dataclass(frozen=True)
class NewCode:
    """All that a code is bound to."""

    client: Client
    sub: str
    session_id: str
    redirect_uri: str
    code_challenge: str | None
    nonce: str | None
    scopes: list[str]
    audience: str
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    claims: dict[str, Any] | None = None
    dpop_jkt: str | None = None


@dataclass(frozen=True)
class Redeemed:
    """A code that became a grant, and whose it is."""

    grant: Grant
    user: User
    nonce: str | None
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True)
class _Refusal:
    reason: str
    error: str = INVALID_GRANT


class Codes:
    """Issues codes and redeems them."""

    def __init__(
        self, storage: Storage, refresh_tokens: RefreshTokens, lifetimes: Lifetimes, clock: Clock
    ) -> None:
        self._storage = storage
        self._refresh_tokens = refresh_tokens
        self._lifetimes = lifetimes
        self._clock = clock

    def issue(self, new: NewCode) -> str:
        """Return a fresh code; only its digest is kept."""
        code = new_secret()
        now = self._clock()
        ttl_s = new.client.code_ttl_s or self._lifetimes.code_s
        row = AuthorizationCode(
            digest=digest(code),
            grant_id=new_id(),
            client_id=new.client.client_id,
            sub=new.sub,
            session_id=new.session_id,
            redirect_uri=new.redirect_uri,
            code_challenge=new.code_challenge,
            nonce=new.nonce,
            scope=" ".join(new.scopes),
            audience=new.audience,
            auth_time=new.auth_time,
            acr=new.acr,
            amr=list(new.amr),
            claims=new.claims,
            dpop_jkt=new.dpop_jkt,
            created_at=now,
            expires_at=now + timedelta(seconds=ttl_s),
        )
        self._storage.write(lambda session: session.add(row))
        return code

    def redeem(
        self,
        client: Client,
        *,
        code: str,
        redirect_uri: str | None,
        verifier: str | None,
        resource: str | None = None,
        jkt: str | None = None,
    ) -> Redeemed:
        """Return the grant that *code* becomes; of many at once exactly one succeeds.

        *jkt* is the thumbprint of the key that the request proved to have, if it did.

        Raises:
            OAuthError: ``invalid_grant``. A second use by the same client with the right verifier
                also revokes what the first yielded; a stranger's attempt changes nothing.
        """
        if verifier is not None and not _VERIFIER.fullmatch(verifier):
            raise OAuthError(INVALID_REQUEST, "code_verifier is malformed")

        def work(session: Session) -> Redeemed | _Refusal:
            found = session.execute(_WITH_ITS_PERSON, {"digest": digest(code)}).one_or_none()
            if found is None:
                return _Refusal("unknown code")
            row, user = found
            fault = self._fault(client, row, redirect_uri, verifier, resource, jkt)
            return fault or self._take(session, client, row, user, jkt)

        outcome = self._storage.write(work)
        if isinstance(outcome, _Refusal):
            raise OAuthError(
                outcome.error, "the code is not valid for this request", reason=outcome.reason
            )
        return outcome

    @staticmethod
    def _fault(
        client: Client,
        row: AuthorizationCode,
        redirect_uri: str | None,
        verifier: str | None,
        resource: str | None,
        jkt: str | None,
    ) -> _Refusal | None:
        """Return why *row* is not for this request, or None. Nothing is spent yet."""
        if row.client_id != client.client_id:
            return _Refusal("code of another client")
        if row.redirect_uri != redirect_uri:
            return _Refusal("redirect_uri is not that of the request")
        if not _proves(verifier, row.code_challenge):
            return _Refusal("code_verifier does not match the request's code_challenge")
        if resource not in {None, row.audience}:
            return _Refusal("resource is not that of the request", INVALID_TARGET)
        if row.dpop_jkt not in {None, jkt}:
            return _Refusal("the key is not that of dpop_jkt")
        return None

    def _take(
        self,
        session: Session,
        client: Client,
        row: AuthorizationCode,
        user: User,
        jkt: str | None,
    ) -> Redeemed | _Refusal:
        now = self._clock()
        tables = session.connection()
        if tables.execute(_TAKE, {"taken": row.digest, "now": now}).rowcount != 1:
            # The row may have been read before the winner's commit: ask whether a grant stands.
            if revoke_grant(session, row.grant_id, now, because=REPLAYED):
                return _Refusal("code replayed: what it yielded is revoked")
            return _Refusal("code expired or already used")
        if user.disabled_at is not None:
            return _Refusal("the account is disabled")
        grant = self._grant_of(row, now)
        tables.execute(_ADD_GRANT, {c.key: getattr(grant, c.key) for c in _GRANTS.c})
        # In the same transaction: a code is never spent without all that it yields being there.
        refresh_token = self._refresh_tokens.first(session, client, grant, jkt)
        return Redeemed(grant, user, row.nonce, refresh_token)

    def _grant_of(self, row: AuthorizationCode, now: datetime) -> Grant:
        return Grant(
            id=row.grant_id,
            client_id=row.client_id,
            sub=row.sub,
            session_id=row.session_id,
            scope=row.scope,
            audience=row.audience,
            auth_time=row.auth_time,
            acr=row.acr,
            amr=list(row.amr),
            claims=row.claims,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=self._lifetimes.refresh_absolute_s),
        )


def _proves(verifier: str | None, challenge: str | None) -> bool:
    """Return whether both are there and match, or neither is (A-10: no downgrade either way)."""
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(hashed, challenge.encode())
