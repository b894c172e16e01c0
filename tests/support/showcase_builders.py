"""Examples of the pages for people who build applications or run the service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sso.accounts.invitations import Made
from sso.administration.kinds import KINDS
from sso.clients.owned import Draft
from sso.recent_refusals import Refusal
from sso.storage.audit import AuditEntry
from sso.storage.clients import Client, ClientSecret
from sso.storage.people import User

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_ID = "0b54ae3c-9a4e-4a53-8a7e-5d9f35a4f001"
_SCOPES = ["openid", "profile", "email", "offline_access"]
_DRAFT = Draft(name="Campus Card", redirect_uris=["https://card.example.edu/back"], scopes=_SCOPES)
_CLIENT = Client(
    client_id=_ID,
    name="Campus Card",
    auth_method="client_secret",
    redirect_uris=["https://card.example.edu/back"],
    post_logout_redirect_uris=["https://card.example.edu/"],
    backchannel_logout_uri="https://card.example.edu/logout/1",
    scope="openid profile",
    created_at=NOW,
)
_SECRETS = [
    ClientSecret(digest="", created_at=NOW - timedelta(days=90), expires_at=NOW),
    ClientSecret(digest="", created_at=NOW, expires_at=None),
]
_REFUSAL = Refusal(NOW, "/oauth/token", "invalid_grant", "expired", "4bf92f3577b34da6a3ce929d")
_CLIENT_PAGE: dict[str, Any] = {
    "client": _CLIENT,
    "scopes": _SCOPES,
    "secrets": _SECRETS,
    "secret": None,
    "done": None,
    "refusals": [_REFUSAL],
    "issuer": "https://sso.example.edu",
}
_FORM: dict[str, Any] = {"draft": _DRAFT, "client_id": None, "scopes": _SCOPES, "errors": {}}
_USER = KINDS["users"].record(
    User(
        sub="7d1f",
        username="林晓雨",
        email="xiaoyu@example.com",
        email_verified=True,
        is_admin=False,
        created_at=NOW,
        password_changed_at=NOW,
    )
)
_ENTRY = KINDS["audit"].record(
    AuditEntry(
        id=7,
        at=NOW,
        actor="user:7d1f",
        action="client.created",
        object=f"client:{_ID}",
        request_id="4bf92f3577b34da6a3ce929d",
        details={"name": "Campus Card"},
    )
)
_LIST: dict[str, Any] = {
    "kinds": list(KINDS),
    "kind": "users",
    "columns": KINDS["users"].brief,
    "records": [_USER],
    "after": "7d1f",
    "kept": {},
    "q": "",
}

_INVITATIONS: dict[str, Any] = _LIST | {
    "kind": "invitations",
    "columns": KINDS["invitations"].brief,
    "records": [],
    "after": None,
    "here": "/admin/invitations",
}

BUILDERS_PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "clients": (
        "sso/clients.html",
        {
            "clients": [{"id": _ID, "name": "Campus Card", "host": "card.example.edu"}],
            "deleted": None,
        },
    ),
    "clients-none": ("sso/clients.html", {"clients": [], "deleted": "Campus Card"}),
    "client": ("sso/client.html", _CLIENT_PAGE),
    "client-with-secret": (
        "sso/client.html",
        _CLIENT_PAGE
        | {"secret": "n6SyB4bQ0kZxkG0T5q1nJb2Zs7m3h9c8v", "secrets": _SECRETS[:1], "refusals": []},
    ),
    "client-new": ("sso/client_form.html", _FORM),
    "client-edit": ("sso/client_form.html", _FORM | {"client_id": _ID}),
    "client-wrong": (
        "sso/client_form.html",
        _FORM
        | {
            "errors": {
                "name": ("required", ""),
                "redirect_uris": ("plain_http", "http://card.example.edu/"),
                "scope": ("required", ""),
            }
        },
    ),
    "admin-list": ("sso/admin_list.html", _LIST),
    "admin-list-empty": ("sso/admin_list.html", _LIST | {"records": [], "after": None, "q": "x"}),
    "admin-list-audit": (
        "sso/admin_list.html",
        _LIST
        | {
            "kind": "audit",
            "columns": KINDS["audit"].brief,
            "records": [_ENTRY],
            "kept": {"actor": "user:7d1f"},
        },
    ),
    "admin-list-invited": (
        "sso/admin_list.html",
        _INVITATIONS | {"made": Made("7d1f", "https://sso.example.edu/sign-up?invitation=s")},
    ),
    "admin-list-wrong": ("sso/admin_list.html", _INVITATIONS | {"wrong": "invitation"}),
    "admin-item": (
        "sso/admin_item.html",
        {
            "kinds": list(KINDS),
            "kind": "users",
            "record": _USER,
            "deeds": [
                "disable",
                "enable",
                "promote",
                "demote",
                "sign-out",
                "reset-factors",
                "erase",
            ],
        },
    ),
    "admin-item-client": (
        "sso/admin_item.html",
        {
            "kinds": list(KINDS),
            "kind": "clients",
            "record": {"id": _ID, "name": "Campus Card", "owner": "7d10", "scopes": _SCOPES},
            "deeds": ["delete", "revoke", "end", "replace", "withdraw"],
        },
    ),
}
