"""People as the API tells of them. Address and telephone are for those who share a team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.kit.clock import told

if TYPE_CHECKING:
    from workbench.users.model import User


def entry(user: User, *, shared: bool) -> dict[str, Any]:
    """Return *user* as others see them; *shared*: they are in some team together."""
    contact = {"email": user.shown_email, "phone": user.phone} if shared else None
    return _plain(user) | {"contact": contact}


def profile(user: User, *, shared: bool) -> dict[str, Any]:
    """Return *user* on a page of their own."""
    return entry(user, shared=shared) | {"bio": user.bio if shared else None}


def own_document(user: User) -> dict[str, Any]:
    """Return *user* as they see themselves."""
    return _plain(user) | {
        "email": user.shown_email,
        "issuer": user.issuer,
        "phone": user.phone,
        "bio": user.bio,
        "locale": user.locale,
    }


def resolved(user: User) -> dict[str, Any]:
    """Return *user* as other services are told."""
    return _plain(user) | {"email": user.shown_email, "issuer": user.issuer}


def _plain(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "sub": user.subject,
        "name": user.shown_name,
        "username": user.username,
        "avatar_url": user.avatar_url,
        "created_at": told(user.created_at),
    }
