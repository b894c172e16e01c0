"""What our client sends to a provider, and how it judges every kind of reply."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bff.problems import PROVIDER_UNAVAILABLE, Unavailable
from bff.sessions.model import AccessToken, BoundToken
from bff.tokens.wire import GrantRefused, ProviderFault
from tests.support.fake_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    DISCOVERY,
    JWKS,
    REVOKE,
    TOKEN,
    USERINFO,
    FakeProvider,
    cuts_short,
    hangs_up,
    says,
)
from tests.support.ports import free_port
from tests.unit.bff.tokens.conftest import REDIRECT_URI

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bff.tokens.provider import Provider
    from tests.support.upstream import Answer, Received
    from tests.unit.bff.tokens.conftest import Patient

    Act = Callable[[Received], Answer]

VERIFIER = "v" * 43
TOKEN_OF_ADA = BoundToken(AccessToken("token", 0))
GOOD = {"access_token": "a", "token_type": "Bearer", "expires_in": 60}


def _exchange(client: Provider) -> object:
    return client.exchange_code(code="the-code", code_verifier=VERIFIER)


@pytest.mark.rule("B-02", "B-03")
def test_the_authorization_request_is_code_with_pkce_s256(client: Provider) -> None:
    """Code flow, our one redirect URI, a S256 challenge and never the verifier itself."""
    url = client.authorization_url(code_verifier=VERIFIER, parameters={"state": "s", "nonce": "n"})
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == REDIRECT_URI
    assert asked["code_challenge_method"] == "S256"
    # RFC 7636 §4.2 of 43 times "v"
    assert len(asked["code_challenge"]) == 43
    assert VERIFIER not in url
    assert (asked["state"], asked["nonce"], asked["client_id"]) == ("s", "n", CLIENT_ID)
    assert asked["scope"].split()[0] == "openid"


@pytest.mark.rule("B-03")
def test_a_provider_that_rules_out_s256_is_not_signed_in_at(
    fake: FakeProvider, client: Provider
) -> None:
    """Without PKCE we do not go there; a provider that says nothing of it is tried (B-03)."""
    fake.metadata = {"code_challenge_methods_supported": ["plain"]}
    with pytest.raises(ProviderFault):
        client.authorization_url(code_verifier=VERIFIER, parameters={})


@pytest.mark.rule("B-01")
def test_the_client_authenticates_in_the_header_with_both_halves_encoded(
    fake: FakeProvider, client: Provider
) -> None:
    """A colon or a plus in the secret survives (RFC 6749 §2.3.1); nothing of it is in the form."""
    _exchange(client)
    [received] = [one for one in fake.server.received if one.target == TOKEN.encode()]
    [basic] = received.values("Authorization")
    pair = base64.b64decode(basic.removeprefix("Basic ")).decode()
    assert [unquote_plus(half) for half in pair.split(":")] == [CLIENT_ID, CLIENT_SECRET]
    form = fake.forms()[0]
    assert form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT_URI,
    }
    assert b"?" not in received.target


def test_a_provider_that_knows_only_the_form_gets_the_form(
    fake: FakeProvider, client: Provider
) -> None:
    """``client_secret_post`` where basic is not offered, and then only one method."""
    fake.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    _exchange(client)
    [received] = [one for one in fake.server.received if one.target == TOKEN.encode()]
    assert received.values("Authorization") == []
    assert fake.forms()[0]["client_secret"] == CLIENT_SECRET


@pytest.mark.rule("B-01")
@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_a_private_key_signs_an_assertion_for_the_issuer(
    fake: FakeProvider, client_of: Callable[..., Provider], tmp_path: Path, kind: str
) -> None:
    """Short-lived, once, and addressed to the issuer, so that no endpoint replays it."""
    key: RSAKey | ECKey = RSAKey.generate_key() if kind == "RSA" else ECKey.generate_key()
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.as_pem(private=True))
    client = client_of(fake, client_secret=None, private_key_file=str(pem))
    _exchange(client)
    _exchange(client)
    assertions = [form["client_assertion"] for form in fake.forms()]
    claims = [jwt.decode(one, key, ["RS256", "ES256"]).claims for one in assertions]
    assert {one["iss"] for one in claims} == {one["sub"] for one in claims} == {CLIENT_ID}
    assert {one["aud"] for one in claims} == {fake.issuer}
    assert len({one["jti"] for one in claims}) == 2
    assert all(one["exp"] - one["iat"] <= 60 for one in claims)
    assert "client_secret" not in fake.forms()[0]


@pytest.mark.parametrize(
    ("reply", "expected_s"),
    [({}, 3600), ({"expires_in": None}, 3600), ({"expires_in": 1}, 1), ({"expires_in": "60"}, 60)],
)
def test_a_token_reply_is_read(
    fake: FakeProvider, client: Provider, reply: dict[str, object], expected_s: float
) -> None:
    """Lifetimes as numbers or digits; an hour where the provider does not say."""
    fake.reply = reply
    read = client.exchange_code(code="c", code_verifier=VERIFIER)
    assert read.access_token.lifetime_s == expected_s
    assert read.refresh_token is not None
    assert read.id_token is not None
    assert read.access_token.value not in repr(read)


UNUSABLE: dict[str, Act] = {
    "html": says(200, b"<html>maintenance</html>", Content_Type="text/html"),
    "array": says(200, [GOOD]),
    "null": says(200, None),
    "string": says(200, "token"),
    "cut json": says(200, b'{"access_token": "a'),
    "not utf-8": says(200, b"\xff\xfe\xfd"),
    "nested without end": says(200, b"[" * 100_000),
    "too large": says(200, b" " * 1_100_000 + b"{}"),
    "zipped": says(200, b"\x1f\x8b", Content_Encoding="gzip"),
    "redirect": says(302, b"", Location="https://evil.example/token"),
    "permanent redirect": says(308, b"", Location="https://evil.example/token"),
    "empty": says(200, b""),
    "no token": says(200, {"token_type": "Bearer"}),
    "token is no text": says(200, {**GOOD, "access_token": 7}),
    "empty token": says(200, {**GOOD, "access_token": ""}),
    "other token type": says(200, {**GOOD, "token_type": "DPoP"}),
    "no token type": says(200, {"access_token": "a"}),
    "negative lifetime": says(200, {**GOOD, "expires_in": -1}),
    "endless lifetime": says(200, {**GOOD, "expires_in": 1e300}),
    "lifetime is no number": says(200, {**GOOD, "expires_in": "soon"}),
    "lifetime is not-a-number": says(
        200, b'{"access_token":"a","token_type":"Bearer","expires_in":NaN}'
    ),
    "lifetime is true": says(200, {**GOOD, "expires_in": True}),
    "refresh token is no text": says(200, {**GOOD, "refresh_token": ["r"]}),
    "id token is no text": says(200, {**GOOD, "id_token": {"sub": "ada"}}),
}


@pytest.mark.rule("F-33")
@pytest.mark.parametrize("reply", UNUSABLE)
@pytest.mark.parametrize("grant", ["code", "refresh"])
def test_an_unusable_token_reply_is_the_providers_fault(
    fake: FakeProvider, client: Provider, reply: str, grant: str
) -> None:
    """502: nothing is kept of it, nothing followed, nothing unpacked (F-33)."""
    fake.misbehave(TOKEN, UNUSABLE[reply])
    with pytest.raises(ProviderFault):
        _exchange(client) if grant == "code" else client.refresh("r")
    assert fake.asked(TOKEN) == 1


@pytest.mark.rule("F-24")
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_not_now_is_an_outage(fake: FakeProvider, client: Provider, status: int) -> None:
    """With the provider's own ``Retry-After``, bounded; asked once, not hammered (F-24)."""
    fake.misbehave(TOKEN, says(status, {"error": "invalid_grant"}, Retry_After="7"))
    with pytest.raises(Unavailable) as outage:
        client.refresh("r")
    assert outage.value.problem is PROVIDER_UNAVAILABLE
    assert outage.value.retry_after_s == 7
    assert fake.asked(TOKEN) == 1


@pytest.mark.parametrize(
    ("said", "least_s", "most_s"),
    [
        ("0", 0, 0),
        ("86400", 120, 120),
        ("Wed, 21 Oct 2037 07:28:00 GMT", 1, 3),
        ("-1", 1, 3),
        ("1e9", 1, 3),
        ("9" * 5000, 1, 120),
        ("", 1, 3),
    ],
)
def test_a_strange_retry_after_is_bounded(
    fake: FakeProvider, client: Provider, said: str, least_s: int, most_s: int
) -> None:
    """No reply of a provider keeps us away for longer than two minutes."""
    fake.misbehave(TOKEN, says(503, b"", Retry_After=said))
    with pytest.raises(Unavailable) as outage:
        client.refresh("r")
    assert least_s <= outage.value.retry_after_s <= most_s


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
def test_an_oauth_error_that_passes_is_an_outage(
    fake: FakeProvider, client: Provider, error: str
) -> None:
    """400 with "not now" is no refusal."""
    fake.misbehave(TOKEN, says(400, {"error": error}))
    with pytest.raises(Unavailable):
        client.refresh("r")


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "invalid_request", "odd"])
@pytest.mark.parametrize("status", [400, 401])
def test_an_oauth_error_is_a_refusal(
    fake: FakeProvider, client: Provider, error: str, status: int
) -> None:
    """Its code comes back; it is asked once."""
    fake.misbehave(TOKEN, says(status, {"error": error, "error_description": "no"}))
    with pytest.raises(GrantRefused) as refusal:
        client.refresh("r")
    assert refusal.value.error == error
    assert fake.asked(TOKEN) == 1


@pytest.mark.rule("F-27")
def test_a_lost_refresh_reply_is_asked_for_once_more(fake: FakeProvider, client: Provider) -> None:
    """Within the provider's grace the same refresh token yields the same successor (F-27)."""
    refresh_token = fake.new_refresh_token()
    fake.misbehave(TOKEN, fake.loses_its_reply)
    reply = client.refresh(refresh_token)
    assert reply.refresh_token == fake.successors[refresh_token]
    assert fake.asked(TOKEN) == 2


@pytest.mark.parametrize("act", ["silent", "hangs up", "cuts short"])
def test_a_refresh_reply_is_not_asked_for_a_third_time(
    fake: FakeProvider,
    client: Provider,
    transport: Patient,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
) -> None:
    """A sick provider is not hammered."""
    if act == "silent":
        client.metadata()
        monkeypatch.setattr(transport, "patience_s", 0.25)
    acts = {"silent": fake.stays_silent, "hangs up": hangs_up, "cuts short": cuts_short}
    fake.misbehave(TOKEN, *[acts[act]] * 5)
    with pytest.raises(Unavailable):
        client.refresh(fake.new_refresh_token())
    assert fake.asked(TOKEN) == 2


def test_a_lost_code_reply_is_not_asked_for_again(fake: FakeProvider, client: Provider) -> None:
    """A code is used once: sending it again would look like a replay."""
    fake.misbehave(TOKEN, fake.loses_its_reply)
    with pytest.raises(Unavailable):
        _exchange(client)
    assert fake.asked(TOKEN) == 1


def test_nobody_at_home_is_an_outage(client_of: Callable[..., Provider]) -> None:
    """A refused connection is told as such, for documents and for grants."""
    with FakeProvider() as fake:
        client = client_of(fake, issuer=f"http://127.0.0.1:{free_port()}")
        with pytest.raises(Unavailable):
            client.metadata()
        with pytest.raises(Unavailable):
            _exchange(client)


DOCUMENT_FAULTS: dict[str, Act] = {
    name: act
    for name, act in UNUSABLE.items()
    if name
    in {
        "html",
        "array",
        "null",
        "cut json",
        "nested without end",
        "too large",
        "zipped",
        "redirect",
    }
} | {"missing": says(404, {}), "forbidden": says(403, {})}


@pytest.mark.rule("F-33")
@pytest.mark.parametrize("document", [DISCOVERY, JWKS])
@pytest.mark.parametrize("fault", DOCUMENT_FAULTS)
def test_an_unusable_document_is_the_providers_fault(
    fake: FakeProvider, client: Provider, document: str, fault: str
) -> None:
    """Metadata and keys are never taken from where a reply points, nor guessed (F-33)."""
    fake.misbehave(document, DOCUMENT_FAULTS[fault])
    with pytest.raises(ProviderFault):
        client.published_keys()


@pytest.mark.rule("B-09", "F-34")
@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"issuer": "{issuer}/"},
        {"token_endpoint": None},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "/token"},
        {"token_endpoint": "https://user:secret@sso.example/token"},
        {"token_endpoint": ["https://sso.example/token"]},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://169.254.169.254/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "//evil.example/userinfo"},
        {"authorization_response_iss_parameter_supported": "yes"},
    ],
)
def test_unsafe_metadata_is_refused(
    fake: FakeProvider, client: Provider, changes: dict[str, object]
) -> None:
    """Another issuer, missing, foreign-scheme and plain-http endpoints (B-09, F-34)."""
    if isinstance(said := changes.get("issuer"), str):
        changes = {"issuer": said.format(issuer=fake.issuer)}
    fake.metadata = changes
    with pytest.raises(ProviderFault):
        client.metadata()


@pytest.mark.parametrize(
    "jwk",
    [
        7,
        {},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "good"},
        {"kty": "RSA", "n": "AQAB", "kid": "x"},
        {"kty": "RSA", "n": 7, "e": "AQAB", "kid": "x"},
        {"kty": "unheard-of", "kid": "x"},
        {"kty": ["RSA"], "kid": "x"},
    ],
)
def test_keys_that_make_no_sense_are_passed_over(
    fake: FakeProvider, client: Provider, jwk: object
) -> None:
    """A provider may publish more than we understand; the good key still counts."""
    fake.keys.append(jwk)  # type: ignore[arg-type] # a provider is not typed
    assert set(client.published_keys()) == {"good"}


def test_a_key_id_that_is_no_text_passes_its_key_over(fake: FakeProvider, client: Provider) -> None:
    """Nobody can ask for it."""
    fake.keys.append({**fake.keys[0], "kid": ["good"]})
    assert set(client.published_keys()) == {"good"}


def test_keys_for_encryption_verify_nothing(fake: FakeProvider, client: Provider) -> None:
    """And without a usable key there is none."""
    fake.keys = [{**fake.keys[0], "use": "enc"}]
    with pytest.raises(ProviderFault):
        client.published_keys()


@pytest.mark.rule("B-12", "S-030")
def test_userinfo_must_speak_of_the_same_person(fake: FakeProvider, client: Provider) -> None:
    """Another sub, or none, is discarded (B-12, S-030)."""
    fake.people = {"email": "ada@example.com"}
    assert client.userinfo(TOKEN_OF_ADA, sub="ada")["email"] == "ada@example.com"
    for other in ({"sub": "mallory"}, {"sub": None}, {"sub": ["ada"]}):
        fake.people = other
        with pytest.raises(ProviderFault):
            client.userinfo(TOKEN_OF_ADA, sub="ada")


@pytest.mark.parametrize("reply", ["html", "array", "cut json", "nested without end", "redirect"])
def test_unusable_userinfo_is_the_providers_fault(
    fake: FakeProvider, client: Provider, reply: str
) -> None:
    """Nothing of it is kept."""
    fake.misbehave(USERINFO, UNUSABLE[reply])
    with pytest.raises(ProviderFault):
        client.userinfo(TOKEN_OF_ADA, sub="ada")


@pytest.mark.parametrize("claim", [b'"n":"\\ud800"', b'"n":1e999', b'"n":123456789012345678901234'])
def test_userinfo_that_no_session_can_hold_is_the_providers_fault(
    fake: FakeProvider, client: Provider, claim: bytes
) -> None:
    """It would fail when the session is stored, as a bug."""
    fake.misbehave(USERINFO, says(200, b'{"sub":"ada",' + claim + b"}"))
    with pytest.raises(ProviderFault):
        client.userinfo(TOKEN_OF_ADA, sub="ada")


def test_userinfo_that_says_no_adds_nothing(fake: FakeProvider, client: Provider) -> None:
    """A scope that UserInfo does not cover is no reason to keep somebody out."""
    fake.misbehave(USERINFO, says(403, {"error": "insufficient_scope"}))
    assert client.userinfo(TOKEN_OF_ADA, sub="ada") == {}
    fake.metadata = {"userinfo_endpoint": None}


def test_revoking_tells_the_provider_once(fake: FakeProvider, client: Provider) -> None:
    """With client authentication, the token in the form."""
    client.revoke("refresh-1")
    [received] = [one for one in fake.server.received if one.target == REVOKE.encode()]
    assert fake.forms(REVOKE) == [{"token": "refresh-1", "token_type_hint": "refresh_token"}]
    assert received.values("Authorization")[0].startswith("Basic ")


@pytest.mark.rule("B-46")
def test_a_provider_without_revocation_is_not_asked(fake: FakeProvider, client: Provider) -> None:
    """Nothing fails where nothing is offered (B-46)."""
    fake.metadata = {"revocation_endpoint": None}
    client.revoke("refresh-1")
    assert fake.asked(REVOKE) == 0


def test_while_a_provider_is_known_to_be_silent_it_is_not_asked(
    fake: FakeProvider, client: Provider
) -> None:
    """The pause is the provider's ``Retry-After``; callers hear at once."""
    fake.misbehave(TOKEN, says(503, b"", Retry_After="60"))
    for _caller in range(5):
        with pytest.raises(Unavailable):
            client.refresh("r")
    assert fake.asked(TOKEN) == 1
