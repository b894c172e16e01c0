"""Every table, imported once, so that migrations and relationships know them all."""

from __future__ import annotations

from sso.storage.audit import AuditEntry
from sso.storage.base import Base
from sso.storage.clients import Client, ClientSecret, ExchangePolicy, InitialAccessToken
from sso.storage.factors import Passkey, RecoveryCode, Totp
from sso.storage.grants import (
    AuthorizationCode,
    DeviceCode,
    Grant,
    LogoutDelivery,
    OpaqueAccessToken,
    PushedRequest,
    RefreshToken,
    RevokedAccessToken,
    UsedAssertion,
)
from sso.storage.keys import SigningKey
from sso.storage.mail import MailLink, OutgoingLetter
from sso.storage.people import BrowserSession, Consent, Invitation, User
from sso.storage.turns import Turn

__all__ = [
    "AuditEntry",
    "AuthorizationCode",
    "Base",
    "BrowserSession",
    "Client",
    "ClientSecret",
    "Consent",
    "DeviceCode",
    "ExchangePolicy",
    "Grant",
    "InitialAccessToken",
    "Invitation",
    "LogoutDelivery",
    "MailLink",
    "OpaqueAccessToken",
    "OutgoingLetter",
    "Passkey",
    "PushedRequest",
    "RecoveryCode",
    "RefreshToken",
    "RevokedAccessToken",
    "SigningKey",
    "Totp",
    "Turn",
    "UsedAssertion",
    "User",
]
