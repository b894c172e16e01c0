"""Tokens bound to a key of the session: every proof, every nonce, and what is not taken."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from joserfc.jwk import ECKey

from bff.sessions.model import AccessToken, BoundToken
from bff.tokens.client_tokens import ClientTokens
from bff.tokens.dpop import ProofKey, Proofs, asks_for_nonce, new_key, proof_key
from bff.tokens.wire import GrantRefused, ProviderFault
from tests.support.fake_provider import TOKEN, USERINFO, FakeProvider, says
from tests.support.proofs import ProofJudge
from tests.support.upstream import Answer, Received

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bff.tokens.provider import Provider

VERIFIER = "v" * 43
URL = "https://api.example.com/things"


def exchange(client: Provider, key: bytes | None) -> AccessToken:
    """Return the access token for a code."""
    reply = client.exchange_code(code="c", code_verifier=VERIFIER, proof_key=key)
    return reply.access_token


def received(proof: str, method: str = "GET") -> Received:
    """Return a request with *proof*."""
    return Received(method, b"/things", [(b"DPoP", proof.encode())], b"")


def test_a_proof_is_of_one_request_one_token_and_one_key() -> None:
    """A strict server takes it; the private half of the key is nowhere in it."""
    key, judge = new_key(), ProofJudge(demands_nonce=False)
    proofs = Proofs()
    token = AccessToken("t" * 40, time.time() + 60)
    seen = {
        judge.judge(received(proofs.prove(key, "GET", f"{URL}?q=1", token=token)), URL, token.value)
        for _n in range(2)
    }
    assert len(seen) == 1
    assert judge.judge(received(proofs.prove(new_key(), "POST", URL), "POST"), URL) not in seen


@pytest.mark.rule("B-36")
def test_a_key_shows_itself_nowhere() -> None:
    """Neither the maker of proofs nor a bound token has a repr that tells it."""
    key = new_key()
    shown = repr([ProofKey(key), BoundToken(AccessToken("secret-token", 1), key)])
    assert key.hex() not in shown
    assert repr(key) not in shown
    assert "secret-token" not in shown
    assert proof_key(key) is proof_key(key), "the key is worked out anew for every proof"


@pytest.mark.parametrize("nonce", ["", "two words", 'a"b', "back\\slash", "ü", "n" * 257, "a\r\nb"])
def test_what_is_no_nonce_is_not_signed(nonce: str) -> None:
    """A server cannot put anything into our proofs but a nonce (RFC 9449 §8.1)."""
    proofs, judge = Proofs(), ProofJudge()
    proofs.remember(URL, judge.nonce)
    proofs.remember(URL, nonce)
    judge.judge(received(proofs.prove(new_key(), "GET", URL)), URL)


def test_nonces_of_two_servers_do_not_meet() -> None:
    """Each origin has its own; a path does not matter."""
    proofs, judge = Proofs(), ProofJudge()
    proofs.remember(URL, judge.nonce)
    proofs.remember("https://other.example.com/x", "another")
    other = received(proofs.prove(new_key(), "GET", f"{URL}/deeper"))
    assert isinstance(judge.judge(other, f"{URL}/deeper"), str)


@pytest.mark.parametrize(
    ("challenge", "asks"),
    [
        ('DPoP error="use_dpop_nonce"', True),
        ('dpop algs="ES256", error="use_dpop_nonce", error_description="x"', True),
        ("DPoP error=use_dpop_nonce", True),
        ('DPoP error="invalid_token"', False),
        ('Bearer error="use_dpop_nonce"', False),
        ("DPoP", False),
    ],
)
def test_a_challenge_is_read(challenge: str, asks: bool) -> None:  # noqa: FBT001
    """Only DPoP's own challenge asks for a nonce (RFC 9449 §9)."""
    assert asks_for_nonce(["Basic", challenge]) is asks


def test_every_grant_proves_the_key_and_takes_up_the_nonce(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """The first is asked once more, with the nonce; each later reply brings the next one."""
    judge = fake.bind_tokens()
    client = client_of(fake, dpop=True)
    key = client.new_proof_key()
    token = exchange(client, key)
    assert (token.token_type, fake.asked(TOKEN)) == ("DPoP", 2)
    replies = [
        client.refresh(fake.new_refresh_token(), key),
        client.exchange_token(token.value, key, audience="https://other"),
        client.client_credentials(key),
    ]
    assert {reply.access_token.token_type for reply in replies} == {"DPoP"}
    assert fake.asked(TOKEN) == 5
    assert len(set(fake.bound_to.values())) == 1
    judge.renew_nonce()
    assert exchange(client, key).token_type == "DPoP"
    assert fake.asked(TOKEN) == 7


def test_a_nonce_is_asked_for_once_more_and_no_oftener(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """A provider that takes none of its own nonces is not called in a circle."""
    judge = fake.bind_tokens()

    def never_content(received: Received) -> Answer:
        judge.renew_nonce()
        return fake.answers_rightly(received)

    fake.misbehave(TOKEN, *[never_content] * 3)
    client = client_of(fake, dpop=True)
    with pytest.raises(GrantRefused, match="use_dpop_nonce"):
        exchange(client, client.new_proof_key())
    assert fake.asked(TOKEN) == 2


def test_the_second_request_has_a_client_assertion_of_its_own(
    fake: FakeProvider, client_of: Callable[..., Provider], tmp_path: Path
) -> None:
    """An assertion is good for one request (RFC 7523 §3); so is a proof."""
    fake.bind_tokens()
    path = tmp_path / "key.pem"
    path.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    client = client_of(fake, dpop=True, client_secret=None, private_key_file=path)
    exchange(client, client.new_proof_key())
    assertions = [form["client_assertion"] for form in fake.forms()]
    assert len(set(assertions)) == len(assertions) == 2


def test_a_token_that_is_not_bound_is_not_taken(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """Where binding is demanded a bearer token is a downgrade (RFC 9449 §5)."""
    client = client_of(fake, dpop=True)
    with pytest.raises(ProviderFault) as fault:
        exchange(client, client.new_proof_key())
    assert "token_type" in (fault.value.hint or "")


def test_a_bound_token_that_nobody_asked_for_is_not_taken(
    fake: FakeProvider, client: Provider
) -> None:
    """Without a key there is nothing that could use it."""
    fake.reply = {"token_type": "DPoP"}
    with pytest.raises(ProviderFault) as fault:
        exchange(client, None)
    assert "token_type" in (fault.value.hint or "")


@pytest.mark.parametrize(
    ("dpop", "offered", "bound"),
    [
        (False, ["ES256"], False),
        ("auto", ["ES256", "RS256"], True),
        ("auto", ["RS256"], False),
        ("auto", None, False),
        (True, None, True),
        (True, ["ES256"], True),
    ],
)
def test_who_gets_a_key(
    fake: FakeProvider,
    client_of: Callable[..., Provider],
    dpop: object,
    offered: object,
    bound: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """`auto` follows the metadata; a demand holds also where the metadata is silent."""
    fake.metadata = {"dpop_signing_alg_values_supported": offered}
    assert (client_of(fake, dpop=dpop).new_proof_key() is not None) is bound


def test_a_demand_that_the_metadata_rules_out_is_the_providers_fault(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """No sign-in with a lesser protection than the settings demand."""
    fake.metadata = {"dpop_signing_alg_values_supported": ["RS256"]}
    with pytest.raises(ProviderFault):
        client_of(fake, dpop=True).new_proof_key()


def test_auto_takes_what_it_is_given(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """A provider may offer binding and not bind this client: then it is a bearer token."""
    fake.metadata = {"dpop_signing_alg_values_supported": ["ES256"]}
    client = client_of(fake, dpop="auto")
    key = client.new_proof_key()
    reply = client.exchange_code(code="c", code_verifier=VERIFIER, proof_key=key)
    assert reply.bound_to(key) == BoundToken(reply.access_token, None)


def test_userinfo_is_asked_with_a_proof(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """Scheme, proof with the token's hash, and the nonce that it asks for."""
    judge = fake.bind_tokens()
    client = client_of(fake, dpop=True)
    key = client.new_proof_key()
    token = exchange(client, key)
    judge.renew_nonce()
    fake.people = {"name": "Ada"}
    assert client.userinfo(BoundToken(token, key), sub="ada")["name"] == "Ada"
    assert fake.asked(USERINFO) == 2


def test_the_clients_own_tokens_have_a_key_of_their_own(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """One for all of them in this process; no session's."""
    fake.bind_tokens()
    tokens = ClientTokens(client_of(fake, dpop=True))
    bound = [tokens.wait_for_access_token(f"audience={name}") for name in "ab"]
    tokens.close()
    assert bound[0].proof_key == bound[1].proof_key is not None
    assert len(set(fake.bound_to.values())) == 1


def test_a_demand_for_a_nonce_is_no_refusal_of_the_session(
    fake: FakeProvider, client_of: Callable[..., Provider]
) -> None:
    """``use_dpop_nonce`` where no proof was sent is a misconfiguration, never ``invalid_grant``."""
    fake.misbehave(TOKEN, says(400, {"error": "use_dpop_nonce"}))
    with pytest.raises(GrantRefused, match="use_dpop_nonce"):
        client_of(fake).refresh(fake.new_refresh_token())
    assert fake.asked(TOKEN) == 1
