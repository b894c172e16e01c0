"""Pushed authorization requests: the browser carries a name, the provider has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey

from bff.problems import Unavailable
from bff.tokens.wire import GrantRefused, ProviderFault
from tests.support.fake_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    PAR,
    REQUEST_URI,
    FakeProvider,
    hangs_up,
    says,
)
from tests.unit.bff.tokens.conftest import REDIRECT_URI

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bff.tokens.provider import Provider
    from tests.support.upstream import Answer, Received

ASKED = {"state": "s", "nonce": "n"}
BASIC_ONLY = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
POST_ONLY = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}


def url_of(client: Provider) -> str:
    """Return where *client* would send a browser."""
    return client.authorization_url(code_verifier="v" * 43, parameters=ASKED)


@pytest.mark.parametrize("metadata", [BASIC_ONLY, POST_ONLY], ids=["basic", "post"])
def test_the_browser_carries_the_clients_id_and_a_name_for_the_request(
    fake: FakeProvider, client_of: Callable[..., Provider], metadata: dict[str, object]
) -> None:
    """Everything else is pushed, once each, from an authenticated client (RFC 9126 §2.1, §4)."""
    fake.offer_par(**metadata)
    url = url_of(client_of(fake, par="auto"))
    asked = dict(parse_qsl(urlsplit(url).query))
    assert asked.keys() == {"client_id", "request_uri"}
    assert asked["client_id"] == CLIENT_ID
    assert asked["request_uri"].startswith(REQUEST_URI)
    [received] = [one for one in fake.server.received if one.target == PAR.encode()]
    form = parse_qs(received.body.decode())
    assert {len(values) for values in form.values()} == {1}
    assert form["client_id"] == [CLIENT_ID]
    assert (form["state"], form["nonce"]) == (["s"], ["n"])
    assert form["redirect_uri"] == [REDIRECT_URI]
    assert form["code_challenge_method"] == ["S256"]
    assert ("client_secret" in form) is (metadata is POST_ONLY)
    assert bool(received.values("Authorization")) is (metadata is BASIC_ONLY)
    assert CLIENT_SECRET not in url


def test_a_client_with_a_key_signs_its_push(
    fake: FakeProvider, client_of: Callable[..., Provider], tmp_path: Path
) -> None:
    """``private_key_jwt``, as at the token endpoint."""
    file = tmp_path / "key.pem"
    file.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    fake.offer_par()
    url_of(client_of(fake, par="auto", client_secret=None, private_key_file=file))
    [form] = fake.forms(PAR)
    assert form["client_assertion"].count(".") == 2
    assert form["client_id"] == CLIENT_ID


def test_the_endpoints_own_query_stays_in_the_address(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """And is not pushed (RFC 6749 §3.1)."""
    fake.offer_par(authorization_endpoint=f"{fake.issuer}/authorize?tenant=a")
    url = url_of(client_of(fake, par="auto"))
    assert dict(parse_qsl(urlsplit(url).query)).keys() == {"tenant", "client_id", "request_uri"}
    [form] = fake.forms(PAR)
    assert "tenant" not in form


@pytest.mark.parametrize(
    ("par", "offered", "demanded", "pushes"),
    [
        (None, True, False, False),
        (None, True, True, True),
        ("auto", True, False, True),
        ("auto", False, False, False),
        ("never", True, False, False),
        ("required", True, False, True),
        ("required", False, False, None),
        ("never", True, True, None),
        ("auto", False, True, None),
    ],
)
def test_it_is_used_as_set_and_as_demanded(
    fake: FakeProvider,
    client_of: Callable[..., Provider],
    par: str | None,
    offered: bool,  # noqa: FBT001 - a column
    demanded: bool,  # noqa: FBT001 - a column
    pushes: bool | None,  # noqa: FBT001 - a column
) -> None:
    """Where one side demands what the other rules out, nobody is sent anywhere."""
    if offered:
        fake.offer_par()
    fake.metadata["require_pushed_authorization_requests"] = demanded
    client = client_of(fake, par=par)
    if pushes is None:
        with pytest.raises(ProviderFault):
            url_of(client)
    else:
        assert ("request_uri=" in url_of(client)) is pushes
    assert fake.asked(PAR) == int(pushes is True)


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (says(400, {"error": "invalid_request"}), GrantRefused),
        (says(401, {"error": "invalid_client"}), GrantRefused),
        (says(503), Unavailable),
        (says(429, b"", Retry_After="5"), Unavailable),
        (says(400, {"error": "temporarily_unavailable"}), Unavailable),
        (hangs_up, Unavailable),
        (says(201, b"<html>"), ProviderFault),
        (says(201, {}), ProviderFault),
        (says(201, {"request_uri": 7}), ProviderFault),
        (says(201, []), ProviderFault),
        (says(400, {}), ProviderFault),
        (says(307, b"", Location="https://evil.example"), ProviderFault),
    ],
)
def test_a_push_is_refused_unavailable_or_unusable_and_never_opened_up(
    fake: FakeProvider,
    client_of: Callable[..., Provider],
    act: Callable[[Received], Answer],
    outcome: type[Exception],
) -> None:
    """The three are told apart, and none leads to an open request."""
    fake.offer_par()
    fake.misbehave(PAR, act)
    with pytest.raises(outcome):
        url_of(client_of(fake, par="auto"))
    assert fake.asked(PAR) == 1
