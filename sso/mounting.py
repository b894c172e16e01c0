"""The second composition root: the rooms of developers and operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso.accounts.freshness import Freshness
from sso.clients.owned import OwnedClients
from sso.console import views as console
from sso.recent_refusals import RecentRefusals

if TYPE_CHECKING:
    from flask import Flask

    from sso.services import Foundation, Services


def open_side_rooms(app: Flask, base: Foundation, services: Services) -> None:
    """Mount them on *app*."""
    refusals = RecentRefusals(
        services.throttle.redis, base.clock, exists=lambda id_: base.clients.find(id_) is not None
    )
    refusals.install(app)
    _open_console(app, base, services, refusals)


def _open_console(
    app: Flask, base: Foundation, services: Services, refusals: RecentRefusals
) -> None:
    owned = OwnedClients(base.storage, base.clients, base.clock, base.settings.scopes)
    app.register_blueprint(
        console.create_blueprint(
            console.Console(
                owned=owned,
                refusals=refusals,
                browser=services.browser,
                freshness=Freshness(
                    base.clock, recent_s=base.settings.lifetimes.reauthentication_s
                ),
                clock=base.clock,
                issuer=base.settings.issuer,
            )
        )
    )
