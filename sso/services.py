"""Everything between settings and routes, built once, each part handed what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sso.accounts.addresses import Addresses
from sso.accounts.browser import Browser
from sso.accounts.factors import Factors
from sso.accounts.half_way import HalfWay
from sso.accounts.invitations import Invitations
from sso.accounts.links import Links
from sso.accounts.notices import Notices
from sso.accounts.passkeys import Passkeys
from sso.accounts.passwords import Passwords
from sso.accounts.recovery import Recovery
from sso.accounts.sessions import Sessions
from sso.accounts.sign_in import KnownDevices, PasswordSignIn
from sso.accounts.users import Users
from sso.clients.assertions import Assertions
from sso.clients.authentication import ClientAuthentication
from sso.clients.exchange_policies import ExchangePolicies
from sso.clients.registry import Clients
from sso.grants.account_end import AccountEnd
from sso.grants.codes import Codes
from sso.grants.consents import Consents
from sso.grants.device_codes import DeviceCodes
from sso.grants.exchange import TokenExchange
from sso.grants.introspection import Introspection
from sso.grants.own import Own
from sso.grants.refresh_tokens import RefreshTokens
from sso.grants.revocation import Revocation
from sso.grants.session_end import SessionEnd
from sso.grants.token_endpoint import TokenEndpoint, TokenParts
from sso.keys.ring import KeyRing
from sso.keys.signing import SigningKeys
from sso.logout.backchannel import BackchannelLogout
from sso.mail.postbox import Postbox
from sso.portal.entrance import Entrance
from sso.proofs.dpop import Proofs
from sso.proofs.presented import PresentedTokens
from sso.redis_connection import open_redis
from sso.requests.carrier import Carrier
from sso.requests.pushed import PushedRequests
from sso.requests.validation import RequestValidator
from sso.storage.engine import open_storage
from sso.throttle import Throttle
from sso.tokens.access import AccessTokens
from sso.tokens.id_tokens import IdTokens

if TYPE_CHECKING:
    from flask import Flask

    from sso.clock import Clock
    from sso.settings import Settings
    from sso.storage.engine import Storage


@dataclass(frozen=True)
class Foundation:
    """What the command line and the server both stand on; asks nothing of Redis."""

    settings: Settings
    clock: Clock
    storage: Storage
    ring: KeyRing
    keys: SigningKeys
    passwords: Passwords
    postbox: Postbox
    notices: Notices
    users: Users
    clients: Clients
    exchange_policies: ExchangePolicies


@dataclass(frozen=True)
class SecondStep:
    """What is asked for after the password, or instead of it."""

    factors: Factors
    passkeys: Passkeys
    half_way: HalfWay


@dataclass(frozen=True)
class OwnAffairs:
    """What people do about their own accounts, beside signing in."""

    addresses: Addresses
    recovery: Recovery
    invitations: Invitations
    account_end: AccountEnd


@dataclass(frozen=True)
class Services:
    """The parts that routes act through."""

    access_tokens: AccessTokens
    id_tokens: IdTokens
    throttle: Throttle
    browser: Browser
    session_end: SessionEnd
    own: Own
    password_sign_in: PasswordSignIn
    second_step: SecondStep
    own_affairs: OwnAffairs
    entrance: Entrance
    authentication: ClientAuthentication
    consents: Consents
    codes: Codes
    device_codes: DeviceCodes
    token_endpoint: TokenEndpoint
    revocation: Revocation
    introspection: Introspection
    backchannel: BackchannelLogout
    carrier: Carrier
    validator: RequestValidator
    pushed_requests: PushedRequests
    proofs: Proofs
    presented: PresentedTokens


def lay_foundation(app: Flask, settings: Settings, clock: Clock) -> Foundation:
    """Return the foundation of *settings*; connects to nothing."""
    storage = open_storage(
        app, settings.database_url.get_secret_value(), connections=settings.threads
    )
    ring = KeyRing([key.get_secret_value() for key in settings.secret_keys])
    host = urlsplit(settings.issuer).hostname or ""
    passwords = Passwords(settings.passwords, site=("cloakroom", host, *host.split(".")))
    postbox = Postbox(storage, ring, clock)
    notices = Notices(postbox, issuer=settings.origin)
    return Foundation(
        settings=settings,
        clock=clock,
        storage=storage,
        ring=ring,
        keys=SigningKeys(storage, ring, clock),
        passwords=passwords,
        postbox=postbox,
        notices=notices,
        users=Users(storage, passwords, notices, clock),
        clients=Clients(storage, clock, settings.scopes, settings.operator_scopes),
        exchange_policies=ExchangePolicies(storage, clock, settings.scopes),
    )


def build_services(base: Foundation) -> Services:
    """Return the services on *base*; connects to nothing."""
    settings, storage, clock = base.settings, base.storage, base.clock
    lifetimes, issuer = settings.lifetimes, settings.issuer
    access_tokens = AccessTokens(
        base.keys,
        storage,
        clock,
        issuer=issuer,
        ttl_s=lifetimes.access_token_s,
        ttl_by_grant_s={str(name): s for name, s in lifetimes.access_token_by_grant_s.items()},
    )
    id_tokens = IdTokens(base.keys, clock, issuer=issuer, ttl_s=lifetimes.id_token_s)
    throttle = Throttle(open_redis(settings.redis_url.get_secret_value()), clock)
    devices = KnownDevices(base.ring)
    authentication = _authentication(base, throttle)
    session_end = SessionEnd(storage, clock)
    parts = _token_parts(base, access_tokens, id_tokens)
    proofs = Proofs(base.ring, throttle.redis, clock, origin=settings.origin)
    browser = Browser(Sessions(storage, lifetimes, clock), devices, issuer=issuer)
    second_step = _second_step(base, throttle)
    return Services(
        access_tokens=access_tokens,
        id_tokens=id_tokens,
        throttle=throttle,
        browser=browser,
        session_end=session_end,
        own=Own(storage, session_end, lifetimes, clock),
        password_sign_in=PasswordSignIn(
            base.users, base.passwords, throttle, settings.throttles, devices
        ),
        second_step=second_step,
        own_affairs=_own_affairs(base, throttle, session_end),
        entrance=Entrance(browser, session_end, second_step.factors, second_step.half_way),
        authentication=authentication,
        consents=Consents(storage, clock),
        codes=parts.codes,
        device_codes=parts.device_codes,
        token_endpoint=TokenEndpoint(parts, default_audience=settings.default_audience),
        revocation=Revocation(storage, access_tokens, clock),
        introspection=Introspection(storage, access_tokens, clock, issuer=issuer),
        backchannel=_backchannel(base, session_end),
        carrier=Carrier(base.ring, clock, ttl_s=lifetimes.request_s),
        validator=_validator(base, id_tokens),
        pushed_requests=PushedRequests(storage, lifetimes, clock),
        proofs=proofs,
        presented=PresentedTokens(access_tokens, proofs),
    )


def _token_parts(base: Foundation, access_tokens: AccessTokens, id_tokens: IdTokens) -> TokenParts:
    storage, lifetimes, clock = base.storage, base.settings.lifetimes, base.clock
    refresh_tokens = RefreshTokens(storage, base.ring, lifetimes, clock)
    return TokenParts(
        codes=Codes(storage, refresh_tokens, lifetimes, clock),
        device_codes=DeviceCodes(storage, base.ring, refresh_tokens, lifetimes, clock),
        refresh_tokens=refresh_tokens,
        access_tokens=access_tokens,
        id_tokens=id_tokens,
        exchange=TokenExchange(base.exchange_policies, access_tokens),
    )


def _validator(base: Foundation, id_tokens: IdTokens) -> RequestValidator:
    audience = base.settings.default_audience
    return RequestValidator(base.clients, id_tokens, base.clock, default_audience=audience)


def _backchannel(base: Foundation, session_end: SessionEnd) -> BackchannelLogout:
    return BackchannelLogout(
        issuer=base.settings.issuer,
        storage=base.storage,
        keys=base.keys,
        clock=base.clock,
        session_end=session_end,
    )


def _authentication(base: Foundation, throttle: Throttle) -> ClientAuthentication:
    assertions = Assertions(base.storage, base.clock, issuer=base.settings.issuer)
    return ClientAuthentication(
        base.clients, assertions, base.clock, throttle, base.settings.throttles
    )


def _second_step(base: Foundation, throttle: Throttle) -> SecondStep:
    settings, clock = base.settings, base.clock
    return SecondStep(
        factors=Factors(base.storage, base.ring, throttle, settings.throttles, base.notices, clock),
        passkeys=Passkeys(
            base.storage, base.ring, throttle, base.notices, clock, issuer=settings.origin
        ),
        half_way=HalfWay(base.ring, base.users, clock, issuer=settings.origin),
    )


def _own_affairs(base: Foundation, throttle: Throttle, session_end: SessionEnd) -> OwnAffairs:
    storage, settings, clock = base.storage, base.settings, base.clock
    links = Links(storage, clock)
    return OwnAffairs(
        addresses=Addresses(storage, links, base.postbox, base.notices, throttle, settings, clock),
        recovery=Recovery(
            storage,
            links,
            base.postbox,
            base.notices,
            base.passwords,
            throttle,
            settings,
            clock,
        ),
        invitations=Invitations(storage, clock, issuer=settings.origin),
        account_end=AccountEnd(storage, session_end, base.notices, clock),
    )
