"""Examples of the pages about one's own account: addresses, forgotten passwords, own data."""

from __future__ import annotations

from typing import Any

from sso.storage.people import User

SERVED = ["profile", "security", "devices", "applications", "data"]
_PERSON = User(username="林晓雨", email="xiaoyu@example.com", email_verified=False)
_PROVEN = User(username="林晓雨", email="xiaoyu@example.com", email_verified=True)
_EMAIL: dict[str, Any] = {
    "user": _PERSON,
    "served": SERVED,
    "email": "",
    "error": None,
    "sent": None,
    "next": "",
    "here": "/account/email",
}
_FORGOTTEN: dict[str, Any] = {
    "email": "",
    "error": None,
    "sent": False,
    "here": "/password/forgotten",
}
_NEW = {
    "username": "林晓雨",
    "token": "t",
    "error": None,
    "password_min": 8,
    "here": "/password/new",
}
_DATA = {"user": _PERSON, "served": SERVED, "error": None, "here": "/account/data"}
_CONFIRM = {
    "username": "林晓雨",
    "email": "xiaoyu@example.com",
    "change": False,
    "token": "t",
    "here": "/email/confirm",
}

OWN_PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "account-email": ("sso/account_email.html", _EMAIL),
    "account-email-wrong": ("sso/account_email.html", _EMAIL | {"email": "x", "error": "invalid"}),
    "account-email-sent": (
        "sso/account_email.html",
        _EMAIL | {"user": _PROVEN, "sent": "new@example.com"},
    ),
    "account-email-needed": ("sso/account_email.html", _EMAIL | {"next": "/account"}),
    "email-confirm": ("sso/email_confirm.html", _CONFIRM),
    "email-confirm-change": ("sso/email_confirm.html", _CONFIRM | {"change": True}),
    "email-done": ("sso/email_done.html", {"email": "new@example.com", "here": "/email/confirm"}),
    "link-gone-error": ("sso/link_gone.html", {"again": "/password/forgotten", "here": "/x"}),
    "password-forgotten": ("sso/password_forgotten.html", _FORGOTTEN),
    "password-forgotten-wrong": (
        "sso/password_forgotten.html",
        _FORGOTTEN | {"email": "x", "error": "invalid"},
    ),
    "password-forgotten-sent": (
        "sso/password_forgotten.html",
        _FORGOTTEN | {"email": "xiaoyu@example.com", "sent": True},
    ),
    "password-new": ("sso/password_new.html", _NEW),
    "password-new-wrong": ("sso/password_new.html", _NEW | {"error": "common"}),
    "account-data": ("sso/account_data.html", _DATA),
    "account-data-wrong": ("sso/account_data.html", _DATA | {"error": "wrong"}),
    "account-deleted": ("sso/account_deleted.html", {"here": "/sign-in"}),
}
