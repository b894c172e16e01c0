"""Examples of the pages about second factors and devices without a keyboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sso.accounts.factors import Status
from sso.accounts.passkeys import Invitation
from sso.portal.factor_views import picture_of
from sso.storage.factors import Passkey
from sso.storage.people import User

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_PASSKEY = Passkey(id="f" * 64, label="Firefox, Linux", created_at=NOW, last_used_at=NOW)
_NOTHING = Status(totp=False, passkeys=[], recovery_codes=0)
_INVITATION = Invitation('{"challenge": "AAAA"}', "sealed")
EVERYTHING = Status(totp=True, passkeys=[_PASSKEY], recovery_codes=9)
_STEP: dict[str, Any] = {
    "user": User(username="林晓雨"),
    "status": EVERYTHING,
    "passkey": _INVITATION,
    "without": None,
    "error": None,
    "retry_at": None,
    "next": "/account",
    "here": "/sign-in/second",
}
_TOTP = {"picture": picture_of(_SECRET), "secret": _SECRET, "sealed": "s", "wrong": False}
_DEVICE = {"user_code": "", "error": None, "retry_at": None, "here": "/device"}

FACTOR_PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "second-step": ("sso/second_step.html", _STEP),
    "second-step-wrong": ("sso/second_step.html", _STEP | {"error": "wrong"}),
    "second-step-wrong-passkey": ("sso/second_step.html", _STEP | {"error": "wrong_passkey"}),
    "second-step-throttled": (
        "sso/second_step.html",
        _STEP | {"error": "throttled", "retry_at": NOW + timedelta(minutes=9)},
    ),
    "second-step-not-set-up": (
        "sso/second_step.html",
        _STEP | {"status": _NOTHING, "passkey": None, "without": "/account"},
    ),
    "device": ("sso/device.html", _DEVICE),
    "device-wrong": ("sso/device.html", _DEVICE | {"user_code": "BCDF", "error": "wrong"}),
    "device-throttled": (
        "sso/device.html",
        _DEVICE | {"error": "throttled", "retry_at": NOW + timedelta(minutes=9)},
    ),
    "device-confirm": (
        "sso/device_confirm.html",
        {
            "client_name": "Campus Card",
            "user_code": "BCDF-GHJK",
            "scopes": ["openid", "profile", "grades:write"],
            "user": User(username="林晓雨"),
            "hidden": {"device": "d"},
            "here": "/device",
        },
    ),
    "device-allowed": ("sso/device_done.html", {"allowed": True, "here": "/device"}),
    "device-denied": ("sso/device_done.html", {"allowed": False, "here": "/device"}),
    "totp": ("sso/totp.html", _TOTP),
    "totp-wrong": ("sso/totp.html", _TOTP | {"wrong": True}),
    "passkey-new": ("sso/passkey_new.html", {"passkey": _INVITATION, "wrong": False}),
    "passkey-new-wrong": ("sso/passkey_new.html", {"passkey": _INVITATION, "wrong": True}),
    "recovery-codes": (
        "sso/recovery_codes.html",
        {"codes": ["k3fp-9w2m-xx7a-qq4d", "j8nb-2c5t-yy6h-aa9e"]},
    ),
}
