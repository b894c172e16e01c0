"""What may be said of a route's upstream: its addresses, its certificates, its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from bff.settings import RouteSettings
from tests.support.authority import Authority

if TYPE_CHECKING:
    from pathlib import Path

ONE = "http://127.0.0.1:7000"


def load(upstream: object = ONE, **more: Any) -> RouteSettings:  # noqa: ANN401 - what TOML knows
    """Return the settings of a route to *upstream*."""
    return RouteSettings.model_validate({"path": "/api", "upstream": upstream, **more})


@pytest.mark.parametrize("several", [[ONE, "unix:/run/a.sock"], f"{ONE} unix:/run/a.sock"])
def test_upstream_may_be_several_addresses(several: object) -> None:
    """As a list, or as words where the environment must say it; unix sockets among them."""
    assert load(several).upstream == (ONE, "unix:/run/a.sock")


@pytest.mark.parametrize(
    ("upstream", "more", "told"),
    [
        ([ONE, "http://127.0.0.1:7001/base"], {}, "all addresses of a route must have the same"),
        ([], {}, "must name at least one address"),
        ([ONE, ONE], {}, "the same address stands twice"),
        ("unix:api.sock", {}, "a unix socket is unix: and an absolute path of plain ASCII"),
        ([ONE, "http://10.0.0.1"], {}, "plain http is accepted on loopback only"),
        (ONE, {"upstream_ca_file": "/no/ca.pem"}, "are for https upstreams"),
        ("https://a.example", {"upstream_ca_file": "/no/ca.pem"}, "/no/ca.pem holds no cert"),
        ("https://a.example", {"upstream_certificate_file": "/no/x"}, "/no/x: no certificate with"),
        ("https://a.example", {"upstream_key_file": "/no/x"}, "needs upstream_certificate_file"),
        (ONE, {"upstream_host": "a\r\nb"}, "upstream_host"),
        (ONE, {"total_timeout_s": 0}, "total_timeout_s"),
        (ONE, {"balance": "random"}, "'least-outstanding' or 'round-robin'"),
    ],
)
def test_fault_says_what_would_be_right(
    upstream: object, more: dict[str, object], told: str
) -> None:
    """At the start, not at the first call."""
    with pytest.raises(ValidationError) as caught:
        load(upstream, **more)
    assert told in str(caught.value)


def test_certificates_are_read_at_the_start(tmp_path: Path) -> None:
    """Authority, certificate and key in files of their own."""
    authority = Authority(tmp_path)
    own = authority.certificate("cloakroom.client")
    files = {"upstream_ca_file": authority.file, "upstream_certificate_file": own}
    assert load("https://a.example", **files).tls.ca_file == authority.file
    with pytest.raises(ValidationError, match="no certificate with its key"):
        load("https://a.example", **files, upstream_key_file=authority.file)


def test_connecting_has_a_bound_of_its_own() -> None:
    """Five seconds, the upstream's time where that is less, or what is set."""
    assert load().connect_s == 5
    assert load(timeout_s=2).connect_s == 2
    assert load(timeout_s=2, connect_timeout_s=7).connect_s == 7
