"""What a stranger registered is asked for only where anybody could ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sso.logout.backchannel import BackchannelLogout
from sso.logout.destinations import DestinationRefused, Destinations, addresses_of
from tests.unit.sso.logout.test_backchannel import Receiver, receiver

if TYPE_CHECKING:
    from tests.unit.sso.house import House

__all__ = ["receiver"]
AWAY = "https://sso.example.com"
APP = "https://app.example.com:8443/logout?x=1"


def away(*addresses: str) -> Destinations:
    """Return the judge of a public server that finds *addresses* for every name."""
    return Destinations(issuer=AWAY, resolve=lambda _host, _port: list(addresses))


@pytest.mark.rule("A-56", "S-100")
@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "x"),
    ],
)
def test_nothing_behind_the_wall_is_asked_for(address: str) -> None:
    """Not even where another of the name's addresses is public."""
    for found in ([address], ["93.184.216.34", address]):
        with pytest.raises(DestinationRefused):
            away(*found).require(APP, trusted=False)


@pytest.mark.rule("A-56", "S-100")
def test_what_was_judged_is_what_is_connected_to() -> None:
    """A name that is looked up anew cannot lead elsewhere; the certificate is the name's."""
    four = away("93.184.216.34").require(APP, trusted=False)
    assert four.url == "https://93.184.216.34:8443/logout?x=1"
    assert four.headers == {"Host": "app.example.com:8443"}
    assert four.extensions == {"sni_hostname": "app.example.com"}
    six = away("2606:2800:220:1::1").require(APP, trusted=False)
    assert six.url == "https://[2606:2800:220:1::1]:8443/logout?x=1"


@pytest.mark.rule("A-56")
def test_an_operator_knows_their_own_network() -> None:
    """And on a machine of one's own everything is one's own."""
    assert away("10.0.0.1").require(APP, trusted=True).url == APP
    here = Destinations(issuer="http://127.0.0.1:9000")
    assert here.require("http://127.0.0.1:8000/", trusted=False).url == "http://127.0.0.1:8000/"
    with pytest.raises(DestinationRefused):
        away().require(APP, trusted=False)
    with pytest.raises(DestinationRefused):
        addresses_of("no-such-host.invalid", 443)


@pytest.mark.rule("A-56", "S-100")
def test_a_developers_address_on_loopback_hears_nothing(house: House, receiver: Receiver) -> None:
    """An operator's does, from the very same server."""
    base, services = house.base, house.app.extensions["sso"].services
    deliverer = BackchannelLogout(
        issuer=AWAY,
        storage=base.storage,
        keys=base.keys,
        clock=base.clock,
        session_end=services.session_end,
    )
    for owner in (house.user.sub, None):
        house.client = house.new_client(
            first_party=True, owner_sub=owner, backchannel_logout_uri=receiver.uri
        )
        browser = house.signed_in()
        house.tokens(browser)
        browser.submit("/account", action="/sign-out")
        assert deliverer.deliver_due() == 1
        assert len(receiver.tokens) == (0 if owner else 1)
