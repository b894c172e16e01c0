"""What needs neither database nor wire: texts, keys, names, kinds, headers, tokens."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.kit.searching import fold, marked, parse_query, tokens_of
from workbench.projects.disposition import content_disposition
from workbench.projects.kinds import KindMismatch, judged, may_show, parse_media_type
from workbench.projects.names import NameInvalid, name_key, next_free, parse_name
from workbench.projects.order_keys import between, spread
from workbench.projects.storage.signing import EMPTY_SHA256, Credentials, signed_headers
from workbench.projects.text.diff import difference
from workbench.projects.text.lines import matches, split
from workbench.projects.text.merge import merge

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "\n"]), max_size=14)


@given(LINES, LINES)
@settings(deadline=None)
def test_matches_are_equal_lines_in_order(old: list[str], new: list[str]) -> None:
    """None overlaps another, and equal texts match as a whole."""
    at = new_at = 0
    for match in matches(old, new):
        assert match.old >= at
        assert match.new >= new_at
        assert old[match.old :][: match.length] == new[match.new :][: match.length]
        at, new_at = match.old + match.length, match.new + match.length
    assert sum(match.length for match in matches(old, old)) == len(old)


@given(LINES, LINES)
@settings(deadline=None)
def test_a_difference_leads_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    """What is not in a hunk is the same; the counts are those of the lines."""
    told = difference("".join(old), "".join(new))
    lines = [line for hunk in told["hunks"] for line in hunk["lines"]]
    assert sum(line["kind"] == "added" for line in lines) == told["added"]
    assert len(old) - told["removed"] + told["added"] == len(new)
    for line in lines:
        if line["old"]:
            assert old[line["old"] - 1] == line["text"] + "\n"
        if line["new"]:
            assert new[line["new"] - 1] == line["text"] + "\n"


def test_a_text_made_to_be_slow_ends_soon() -> None:
    """A million equal lines, and lines of two letters at random: an answer, if not the shortest."""
    blank = "\n" * 30_000
    assert difference(blank, f"x{blank}y")["added"] > 0
    a, b = ("".join("ab"[n * seed % 7 % 2] + "\n" for n in range(15_000)) for seed in (3, 5))
    assert difference(a, b)["removed"] >= 0


@given(LINES, LINES, LINES)
@settings(deadline=None)
def test_a_merge_takes_the_only_change(base: list[str], mine: list[str], theirs: list[str]) -> None:
    """Where one side changed nothing, the other's text is the result; equal changes agree."""
    texts = ["".join(lines) for lines in (base, mine, theirs)]
    assert merge(texts[0], texts[1], texts[0]).body == texts[1]
    assert merge(texts[0], texts[0], texts[2]).body == texts[2]
    assert merge(texts[0], texts[1], texts[1]).body == texts[1]
    found = merge(*texts).as_json()
    assert found["clean"] == all("text" in segment for segment in found["segments"])


@given(st.text(st.sampled_from("ab\n\r\u2028")))
def test_split_loses_nothing(text: str) -> None:
    """Joined, the lines are the text."""
    assert "".join(split(text)) == text


@given(st.lists(st.floats(0, 1), max_size=60))
def test_there_is_always_a_key_between(places: list[float]) -> None:
    """Wherever something is put: the order of keys is the order of the list."""
    keys: list[str] = []
    for place in places:
        at = round(place * len(keys))
        low = keys[at - 1] if at else None
        high = keys[at] if at < len(keys) else None
        keys.insert(at, between(low, high))
    assert keys == sorted(set(keys))


def test_appending_keeps_keys_short() -> None:
    """Ten thousand at the end; and a list numbered anew has room everywhere."""
    key = None
    for _ in range(10_000):
        following = between(key, None)
        assert key is None or following > key
        key = following
    assert key is not None
    assert len(key) == 4
    keys = spread(1000)
    assert keys == sorted(set(keys))
    assert all(low < between(low, high) < high for low, high in itertools.pairwise(keys))
    with pytest.raises(ValueError, match="no key"):
        between("b", "a")


@pytest.mark.parametrize(
    "name",
    ["", "  ", ".", "..", "a/b", "a\\b", "a\x00b", "a\x07", "x" * 201, "a\u202egpj.exe", "\u200b"],
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """Paths, dots, what cannot be seen, what turns the text around."""
    with pytest.raises(NameInvalid):
        parse_name(name)


def test_names_are_compared_as_people_read_them() -> None:
    """And a free one is found beside those that are taken."""
    assert parse_name("  年度  报告\u3000.md ") == "年度 报告 .md"
    assert name_key("Ｐlan É") == name_key("plan e\u0301")
    assert next_free("a.md", {name_key("A (2).md")}) == "a (3).md"
    assert next_free(".gitignore", set()) == ".gitignore (2)"
    assert len(next_free("x" * 200, set())) == 200


@pytest.mark.parametrize(
    ("declared", "head", "kind"),
    [
        ("application/octet-stream", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("application/octet-stream", b"whatever", "application/octet-stream"),
        ("text/plain", b"BM is no picture", "text/plain"),
        ("application/vnd.openxmlformats-officedocument", b"PK\x03\x04", None),
        ("image/svg+xml", b"<svg/>", "image/svg+xml"),
        ("audio/webm", b"\x1a\x45\xdf\xa3", "audio/webm"),
    ],
)
def test_kinds_are_told_from_bytes(declared: str, head: bytes, kind: str | None) -> None:
    """What the client says stands, where the bytes do not speak against it."""
    assert judged(declared, head) == (kind or declared)


@pytest.mark.parametrize(
    ("declared", "head"),
    [
        ("image/png", b"<html>"),
        ("image/png", b"\xff\xd8\xff"),
        ("image/svg+xml", b"%PDF-"),
        ("text/html", b"PK\x03\x04"),
        ("application/pdf", b"<script>"),
    ],
)
def test_a_kind_that_the_bytes_deny_is_refused(declared: str, head: bytes) -> None:
    """A page dressed up as a picture, and the like."""
    with pytest.raises(KindMismatch):
        judged(declared, head)


def test_media_types_are_read_without_their_parameters() -> None:
    """And what a browser could run is never shown."""
    assert parse_media_type("Text/HTML; charset=x") == "text/html"
    assert [parse_media_type(bad) for bad in ("", "x", "a/b/c", "a/\nb", "é/x")] == [None] * 5
    assert not any(map(may_show, ("text/html", "image/svg+xml", "application/pdf", "text/css")))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("report.pdf", "report.pdf"),
        ("年度报告.pdf", "file.pdf"),
        ('a"b\\c.txt', "a_b_c.txt"),
        ("Élan.md", "Elan.md"),
        ("年度 (2)", "(2)"),
        ("年度", "file"),
    ],
)
def test_names_travel_in_headers(name: str, plain: str) -> None:
    """In ASCII for the old, as they are for all others (RFC 6266, RFC 8187)."""
    header = content_disposition(name, inline=False)
    assert header.startswith(f'attachment; filename="{plain}"')
    assert header.isascii()
    if plain != name:
        assert unquote(header.partition("filename*=UTF-8''")[2]) == name


@given(st.text(max_size=60))
def test_folding_keeps_every_character_in_its_place(text: str) -> None:
    """So that what is found in the folded text is shown from the text itself."""
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(fold(fold(text)))


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12))
def test_a_text_is_found_by_itself(text: str) -> None:
    """Whatever it is written in: the tokens of the query are tokens of the text."""
    query = parse_query(text)
    if query is None:
        return
    tokens = tokens_of("", fold(text)).split()
    assert set(query.whole) <= set(tokens)
    assert all(any(token.startswith(begun) for token in tokens) for begun in query.begun)
    assert all(token.isascii() and token.isalnum() and 3 <= len(token) <= 60 for token in tokens)


def test_hits_are_set_off_in_the_text_as_it_was_written() -> None:
    """Longest term first."""
    assert marked("API网关 api", ("api", "网关")) == [
        {"text": "API", "hit": True},
        {"text": "网关", "hit": True},
        {"text": " ", "hit": False},
        {"text": "api", "hit": True},
    ]
    assert marked("", ("a",)) == []


def test_signatures_are_amazons() -> None:
    """The example "GET Object" of Amazon's own documentation."""
    credentials = Credentials(
        "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"
    )
    headers = signed_headers(
        credentials,
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {"Range": "bytes=0-9"},
        payload_sha256=EMPTY_SHA256,
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert headers["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    assert "wJalr" not in repr(credentials)
