"""What there is to administer: one row of the table a kind, and what is told of each object.

Nothing here shows a digest, a hash or a sealed key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sso.parameters import space_separated
from sso.storage.audit import AuditEntry
from sso.storage.clients import Client, ExchangePolicy
from sso.storage.grants import Grant
from sso.storage.keys import SigningKey
from sso.storage.people import BrowserSession, Invitation, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import InstrumentedAttribute

    from sso.storage.base import Base

Record = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        name: in addresses and members.
        model: its table.
        key: the column that names one.
        order: the column by which they are listed.
        newest_first: whether that order is turned round.
        search: compared forms that a search may begin with.
        filters: members by which a list may be narrowed.
        brief: members that a list shows.
        record: everything that may be told of one.
    """

    name: str
    model: type[Base]
    key: InstrumentedAttribute[Any]
    order: InstrumentedAttribute[Any]
    newest_first: bool
    search: tuple[InstrumentedAttribute[Any], ...]
    filters: dict[str, InstrumentedAttribute[Any]]
    brief: tuple[str, ...]
    record: Callable[[Any], Record]


def _user(row: User) -> Record:
    return {
        "id": row.sub,
        "username": row.username,
        "email": row.email,
        "email_verified": row.email_verified,
        "admin": row.is_admin,
        "created_at": row.created_at,
        "password_changed_at": row.password_changed_at,
        "disabled_at": row.disabled_at,
    }


def _client(row: Client) -> Record:
    return {
        "id": row.client_id,
        "name": row.name,
        "owner": row.owner_sub,
        "auth_method": row.auth_method,
        "first_party": row.first_party,
        "redirect_uris": row.redirect_uris,
        "post_logout_redirect_uris": row.post_logout_redirect_uris,
        "backchannel_logout_uri": row.backchannel_logout_uri,
        "frontchannel_logout_uri": row.frontchannel_logout_uri,
        "grant_types": row.grant_types,
        "scopes": space_separated(row.scope),
        "audiences": row.audiences,
        "require_pushed_authorization_requests": row.par_required,
        "dpop_bound_access_tokens": row.dpop_required,
        "created_at": row.created_at,
        "disabled_at": row.disabled_at,
    }


def _exchange(row: ExchangePolicy) -> Record:
    return {
        "id": row.id,
        "client": row.client_id,
        "subject_client": row.subject_client_id,
        "from": row.from_audience,
        "to": row.to_audience,
        "scopes": space_separated(row.scope),
        "created_at": row.created_at,
    }


def _grant(row: Grant) -> Record:
    return {
        "id": row.id,
        "user": row.sub,
        "client": row.client_id,
        "session": row.session_id,
        "scopes": space_separated(row.scope),
        "audience": row.audience,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "revoked_because": row.revoked_because,
    }


def _session(row: BrowserSession) -> Record:
    return {
        "id": row.id,
        "user": row.sub,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "acr": row.acr,
        "signed_in_at": row.auth_time,
        "last_seen_at": row.last_seen_at,
        "expires_at": row.expires_at,
        "ended_at": row.ended_at,
    }


def _key(row: SigningKey) -> Record:
    return {
        "id": row.kid,
        "algorithm": row.algorithm,
        "created_at": row.created_at,
        "signs_from": row.signs_from,
        "expires_at": row.expires_at,
    }


def _invitation(row: Invitation) -> Record:
    return {
        "id": row.id,
        "note": row.note,
        "uses_left": row.uses_left,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


def _entry(row: AuditEntry) -> Record:
    return {
        "id": str(row.id),
        "at": row.at,
        "actor": row.actor,
        "action": row.action,
        "object": row.object,
        "request_id": row.request_id,
        "details": row.details,
    }


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            "users",
            User,
            User.sub,
            User.username_key,
            newest_first=False,
            search=(User.username_key, User.email_key, User.sub),
            filters={},
            brief=("username", "email", "disabled_at"),
            record=_user,
        ),
        Kind(
            "clients",
            Client,
            Client.client_id,
            Client.created_at,
            newest_first=True,
            search=(Client.name, Client.client_id),
            filters={"owner": Client.owner_sub},
            brief=("name", "id", "disabled_at"),
            record=_client,
        ),
        Kind(
            "grants",
            Grant,
            Grant.id,
            Grant.created_at,
            newest_first=True,
            search=(Grant.id,),
            filters={"user": Grant.sub, "client": Grant.client_id, "session": Grant.session_id},
            brief=("created_at", "user", "client", "revoked_at"),
            record=_grant,
        ),
        Kind(
            "exchanges",
            ExchangePolicy,
            ExchangePolicy.id,
            ExchangePolicy.created_at,
            newest_first=True,
            search=(ExchangePolicy.from_audience, ExchangePolicy.to_audience),
            filters={
                "client": ExchangePolicy.client_id,
                "subject_client": ExchangePolicy.subject_client_id,
            },
            brief=("client", "subject_client", "from", "to"),
            record=_exchange,
        ),
        Kind(
            "sessions",
            BrowserSession,
            BrowserSession.id,
            BrowserSession.created_at,
            newest_first=True,
            search=(BrowserSession.id, BrowserSession.ip),
            filters={"user": BrowserSession.sub},
            brief=("last_seen_at", "user", "user_agent", "ended_at"),
            record=_session,
        ),
        Kind(
            "keys",
            SigningKey,
            SigningKey.kid,
            SigningKey.created_at,
            newest_first=True,
            search=(SigningKey.kid,),
            filters={},
            brief=("created_at", "id", "signs_from", "expires_at"),
            record=_key,
        ),
        Kind(
            "invitations",
            Invitation,
            Invitation.id,
            Invitation.created_at,
            newest_first=True,
            search=(Invitation.id, Invitation.note),
            filters={},
            brief=("created_at", "note", "uses_left", "expires_at", "revoked_at"),
            record=_invitation,
        ),
        Kind(
            "audit",
            AuditEntry,
            AuditEntry.id,
            AuditEntry.id,
            newest_first=True,
            search=(AuditEntry.object, AuditEntry.request_id),
            filters={"actor": AuditEntry.actor, "object": AuditEntry.object},
            brief=("at", "action", "object", "actor"),
            record=_entry,
        ),
    )
}
