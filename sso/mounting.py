"""The second composition root: the rooms of developers and operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sso.accounts.freshness import Freshness
from sso.administration import api as admin_api
from sso.administration import pages as admin
from sso.administration.catalogue import Catalogue
from sso.administration.deeds import Affairs, Deeds
from sso.administration.making import Making
from sso.clients.initial_tokens import InitialTokens
from sso.clients.owned import OwnedClients
from sso.console import views as console
from sso.device import views as device
from sso.housekeeping.keeper import Keeper, KeeperMetrics
from sso.housekeeping.sweeper import Sweeper
from sso.mail.letters import RESET_ASKED, Writer
from sso.mail.postbox import Postman
from sso.mail.transports import transport_of
from sso.portal import (
    email_views,
    factor_views,
    own_data_views,
    password_views,
    second_step_views,
)
from sso.pushed import views as pushed
from sso.recent_refusals import RecentRefusals
from sso.registration import views as registration

if TYPE_CHECKING:
    from flask import Flask
    from prometheus_client import CollectorRegistry

    from sso.mail.transports import Transport
    from sso.services import Foundation, Services


def postman_of(
    app: Flask, base: Foundation, services: Services, *, via: Transport | None = None
) -> Postman:
    """Return who sends the letters of *app*, as the settings say unless *via* is given."""
    mail = base.settings.mail
    return Postman(
        base.postbox,
        Writer(app, sender=mail.sender),
        via or transport_of(mail),
        base.clock,
        {RESET_ASKED: services.own_affairs.recovery.prepare},
    )


def keeper_of(base: Foundation, registry: CollectorRegistry) -> Keeper:
    """Return who keeps house, and tells *registry* what was done."""
    return Keeper(
        base.settings.housekeeping,
        base.storage,
        base.keys,
        Sweeper(base.storage, base.clock),
        KeeperMetrics(registry),
        base.clock,
    )


def start_beside(app: Flask, registry: CollectorRegistry) -> None:
    """Start what a server process of *app* does beside requests."""
    parts = app.extensions["sso"]
    parts.services.backchannel.start()
    keeper_of(parts.base, registry).start()
    postman_of(app, parts.base, parts.services).start()


def open_side_rooms(app: Flask, base: Foundation, services: Services) -> None:
    """Mount them on *app*."""
    refusals = RecentRefusals(
        services.throttle.redis, base.clock, exists=lambda id_: base.clients.find(id_) is not None
    )
    refusals.install(app)
    freshness = Freshness(base.clock, recent_s=base.settings.lifetimes.reauthentication_s)
    _open_second_factors(app, base, services, freshness)
    _open_own_affairs(app, base, services, freshness)
    _open_console(app, base, services, refusals, freshness)
    _open_administration(app, base, services, freshness)
    _open_device(app, base, services)
    _open_pushing(app, base, services)
    if base.settings.dynamic_registration:
        _open_registration(app, base, services)


def _open_second_factors(
    app: Flask, base: Foundation, services: Services, freshness: Freshness
) -> None:
    step = second_step_views.SecondStepPages(
        second_step_views.Parts(
            browser=services.browser,
            factors=services.second_step.factors,
            passkeys=services.second_step.passkeys,
            half_way=services.second_step.half_way,
            entrance=services.entrance,
            carrier=services.carrier,
            throttle=services.throttle,
            limits=base.settings.throttles,
        )
    )
    app.register_blueprint(second_step_views.create_blueprint(step))
    pages = factor_views.FactorPages(
        services.browser, freshness, services.second_step.factors, services.second_step.passkeys
    )
    app.register_blueprint(factor_views.create_blueprint(pages))


def _open_own_affairs(
    app: Flask, base: Foundation, services: Services, freshness: Freshness
) -> None:
    affairs = services.own_affairs
    password = password_views.PasswordPages(
        affairs.recovery, services.session_end, base.settings.passwords.min_length
    )
    email = email_views.EmailPages(services.browser, freshness, affairs.addresses)
    data = own_data_views.OwnDataPages(
        services.browser, freshness, services.password_sign_in, affairs.account_end
    )
    app.register_blueprint(password_views.create_blueprint(password))
    app.register_blueprint(email_views.create_blueprint(email))
    app.register_blueprint(own_data_views.create_blueprint(data))


def _open_console(
    app: Flask,
    base: Foundation,
    services: Services,
    refusals: RecentRefusals,
    freshness: Freshness,
) -> None:
    owned = OwnedClients(base.storage, base.clients, base.clock, base.settings.scopes)
    app.register_blueprint(
        console.create_blueprint(
            console.Console(
                owned=owned,
                refusals=refusals,
                browser=services.browser,
                freshness=freshness,
                clock=base.clock,
                issuer=base.settings.issuer,
            )
        )
    )


def _open_administration(
    app: Flask, base: Foundation, services: Services, freshness: Freshness
) -> None:
    catalogue = Catalogue(base.storage)
    own = services.own_affairs
    deeds = Deeds(
        base.storage,
        services.session_end,
        base.keys,
        base.exchange_policies,
        Affairs(base.notices, own.invitations, own.account_end),
        base.clock,
    )
    making = Making(base.users, base.clients, own.invitations, own.recovery)
    api = admin_api.AdminApi(
        issuer=base.settings.issuer,
        presented=services.presented,
        users=base.users,
        clients=base.clients,
        catalogue=catalogue,
        deeds=deeds,
        policies=base.exchange_policies,
        making=making,
    )
    pages = admin.AdminPages(catalogue, deeds, making, services.browser, freshness)
    app.register_blueprint(admin_api.create_blueprint(api))
    app.register_blueprint(admin.create_blueprint(pages))


def _open_device(app: Flask, base: Foundation, services: Services) -> None:
    pages = device.DevicePages(
        settings=base.settings,
        codes=services.device_codes,
        clients=base.clients,
        authentication=services.authentication,
        throttle=services.throttle,
        browser=services.browser,
        ring=base.ring,
    )
    app.register_blueprint(device.create_endpoint(pages))
    app.register_blueprint(device.create_pages(pages))


def _open_pushing(app: Flask, base: Foundation, services: Services) -> None:
    parts = pushed.Parts(
        settings=base.settings,
        authentication=services.authentication,
        validator=services.validator,
        requests=services.pushed_requests,
        throttle=services.throttle,
        proofs=services.proofs,
    )
    app.register_blueprint(pushed.create_blueprint(pushed.Pushing(parts)))


def _open_registration(app: Flask, base: Foundation, services: Services) -> None:
    parts = registration.Parts(
        settings=base.settings,
        storage=base.storage,
        clients=base.clients,
        tokens=InitialTokens(base.storage, base.clock),
        throttle=services.throttle,
        clock=base.clock,
    )
    app.register_blueprint(registration.create_blueprint(registration.Registration(parts)))
