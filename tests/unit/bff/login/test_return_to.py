"""Where a login may end: our own origin, judged by somebody else's reading of URLs."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.login.return_to import HOME, parse_return_to
from bff.problems import BAD_REQUEST, Refused
from tests.support import needs

if TYPE_CHECKING:
    from collections.abc import Iterable

ORIGIN = "https://good.example"
# Node's `URL` is the WHATWG algorithm, by other people (§4.4).
_JUDGE = (
    "const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    f"const page = '{ORIGIN}/bff/callback/sso';"
    "const origin = (text) => { try { return new URL(text, page).origin } catch { return null } };"
    "process.stdout.write(JSON.stringify(asked.map(origin)))"
)


def origins_of(targets: Iterable[str]) -> list[str | None]:
    """Return where a browser on our page would go for each of *targets*; None where nowhere."""
    node = needs.program("node", package="nodejs")
    done = subprocess.run(
        [node, "-e", _JUDGE],
        input=json.dumps(list(targets)),
        capture_output=True,
        text=True,
        check=True,
        timeout=150,
    )
    judged: list[str | None] = json.loads(done.stdout)
    return judged


def parsed(value: str) -> str | None:
    """Return what *value* is taken for; None where it is refused."""
    try:
        return parse_return_to(value)
    except Refused as refusal:
        if refusal.problem is not BAD_REQUEST:
            raise
        return None


ATTACKS = {
    "S-001": ["//evil.example", "///evil.example", "////evil.example", "//evil.example/%2f.."],
    "S-002": [
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "/%5cevil.example",
        "/%5Ce",
    ],
    "S-003": [
        *("/%09/evil.example", "/%0a/evil.example", "/%0b\\evil.example", "/%0D/evil.example"),
        *(
            " /evil",
            "\x01/evil",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            "/ /e",
        ),
        *("/a\n", "/\x00", "/\x7f", "/%00", "/%7f", "/%1F"),
    ],
    "S-004": [
        "/./\\evil.example",
        "/.//evil.example",
        "/a/..//evil.example",
        "/../",
        "/a/./b",
        "/..",
    ],
    "S-005": [
        *("https://good.example@evil.example", "good.example\\@evil.example"),
        *("evil.example#@good.example", "//good.example@evil.example", "@evil.example"),
    ],
    "S-006": [
        "good.example.evil.example",
        "evilgood.example",
        "good.example.",
        "//good.example:99",
    ],
    "S-007": [
        "/\uff0fevil.example",
        "//evil\u3002example",
        "/\u2044e",
        "/\u202eelpmaxe",
        "//b\u00fc.e",
        "/\u00e9",
    ],
    "S-008": [
        *("javascript:alert(1)", "data:text/html,x", "java\nscript:alert(1)", "http:evil.example"),
        *("https:/evil.example", "https:///evil.example", "mailto:a@b", "JaVaScRiPt:1", "a", "a/b"),
    ],
    "S-009": [
        "/%2f%2fevil.example",
        "/%252f",
        "/%2Fevil.example",
        "/a%2f..%2fb",
        "/%2e%2e/",
        "/%2E/x",
    ],
    "S-010": ["/%0d%0aSet-Cookie:%20a=b", "/a?b=%0d%0a", "/a#%0a", "/\r\nSet-Cookie: a=b"],
    "S-013": [
        "/" + "a" * 65536,
        "/%",
        "/%zz",
        "/a%2",
        "/[",
        "/{",
        '/"',
        "/<",
        "/^",
        "/`",
        "/|",
        "/a b",
    ],
    "other": ["?a=b", "#a", "*", ".", "..", "./", "/a//b", "/a/", "/;/..", "/a;/b", "//"],
}


@pytest.mark.rule(
    "B-37", "S-001", "S-002", "S-003", "S-004", "S-005", "S-006", "S-007", "S-008", "S-009"
)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_redirect_attack_ends_at_home_or_is_refused(attack: str) -> None:
    """Whatever is accepted stays on our origin in a browser's own reading."""
    accepted = [target for value in ATTACKS[attack] if (target := parsed(value)) is not None]
    assert set(origins_of(accepted)) <= {ORIGIN}


@pytest.mark.parametrize("attack", [key for key in ATTACKS if key != "other"])
def test_what_reads_in_two_ways_is_refused(attack: str) -> None:
    """None of these is repaired into something that looks harmless."""
    assert {value: parsed(value) for value in ATTACKS[attack]} == dict.fromkeys(ATTACKS[attack])


PLAIN = [
    *("/", "/projects", "/projects/", "/a/b/c", "/a.b/c~d", "/..a", "/a..", "/...", "/%20"),
    *("/projects?page=2", "/?a=b&c=d", "/a?b=/c//d", "/a?b=https://evil.example", "/a?b=%2F%2e"),
    *(
        "/a#section",
        "/#/route",
        "/#//route?x=y",
        "/a?b#c",
        "/a;b=c",
        "/a:b@c",
        "/a?b[]=1",
        "/login",
    ),
    *("/100%25", "/%E4%BD%A0", "/a?b=%252F"),
]


def test_a_plain_local_address_is_kept_as_it_is() -> None:
    """Path, query and fragment come back byte for byte, and stay on our origin."""
    assert [parse_return_to(value) for value in PLAIN] == PLAIN
    assert set(origins_of(PLAIN)) == {ORIGIN}


@pytest.mark.parametrize("value", [None, "", "/"])
def test_home_is_where_nothing_else_was_asked_for(value: str | None) -> None:
    """Absent is no fault."""
    assert parse_return_to(value) == HOME


@pytest.mark.rule("S-012")
@pytest.mark.parametrize(
    "value",
    [
        *("/bff", "/bff/", "/bff/login", "/bff/login?return_to=/", "/bff/logout?sid=1", "/bff#x"),
        *("/%62ff/login", "/b%66f/logout", "/%62%66%66", "/bff/callback/sso?code=1", "/bff?x"),
    ],
)
def test_a_path_of_the_login_itself_becomes_home(value: str) -> None:
    """Also in another spelling: it would loop, or sign out (S-012)."""
    assert parse_return_to(value) == HOME


def test_what_only_looks_like_the_logins_path_is_kept() -> None:
    """A front end may call a page so."""
    for value in ("/bffs", "/BFF/login", "/x/bff/login", "/bff.html"):
        assert parse_return_to(value) == value


_PIECES = st.sampled_from(
    [
        *"/\\?#@:;.%&=[]ab ",
        "//",
        "..",
        "%2f",
        "%5c",
        "%2e",
        "%00",
        "\t",
        "\n",
        "evil.example",
        "\uff0f",
    ]
)


@pytest.mark.rule("B-37")
def test_nothing_that_is_accepted_leaves_our_origin() -> None:
    """Random mixtures of everything that ever opened a redirector, judged as one batch."""
    accepted: set[str] = set()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.lists(st.lists(_PIECES, max_size=8).map("".join), min_size=1, max_size=40))
    def collect(tails: list[str]) -> None:
        for value in [*tails, *(f"/{tail}" for tail in tails)]:
            if (target := parsed(value)) is not None:
                accepted.add(target)

    collect()
    batch = sorted(accepted)
    judged = dict(zip(batch, origins_of(batch), strict=True))
    assert len(judged) > 5  # enough is accepted for the judgement to mean something
    assert {target: origin for target, origin in judged.items() if origin != ORIGIN} == {}
