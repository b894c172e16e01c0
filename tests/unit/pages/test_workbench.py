"""The workbench's front end as files: others' parts unharmed, every sentence in both languages."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from bff.pages.views import WORKBENCH_PLACES
from tests.support import needs
from tests.support.programs import ROOT
from workbench import problems
from workbench.journal import Verb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER = ROOT / "static" / "workbench"
_VENDOR = _FOLDER / "vendor"
_TESTS = ROOT / "tests" / "unit" / "pages" / "workbench"
_STRING = r'"((?:[^"\\]|\\.)*)"'
_LINES_MAX = 350
_OWN_BYTES_MAX = 260_000
_PLACEHOLDER = re.compile(r"\{\w+\}")


def _own_modules() -> list[Path]:
    return [file for file in sorted(_FOLDER.rglob("*.js")) if file.parent != _VENDOR]


def _sentences() -> set[str]:
    """Return every sentence that a module says, by `t`, `tn`, `pieces` or the mark `s`."""
    found: set[str] = set()
    for file in _own_modules():
        if file.parent.name == "words":
            continue
        source = file.read_text(encoding="utf-8")
        found |= set(re.findall(rf"\b(?:t|s|pieces)\(\s*{_STRING}", source))
        for pair in re.findall(rf"\btn\([^\"]*?,\s*{_STRING},\s*{_STRING}", source):
            found |= set(pair)
    return {json.loads(f'"{sentence}"') for sentence in found}


def _chinese() -> Iterator[tuple[str, str]]:
    for file in sorted((_FOLDER / "words").glob("zh-*.js")):
        for pair in re.findall(
            rf"^  {_STRING}: {_STRING},$", file.read_text("utf-8"), re.MULTILINE
        ):
            yield json.loads(f'"{pair[0]}"'), json.loads(f'"{pair[1]}"')


def test_modules_do_what_they_say() -> None:
    """The parts that need no page: calls, merging, the tree, uploads, streams, Markdown."""
    files = sorted(str(file) for file in _TESTS.glob("*.test.mjs"))
    done = subprocess.run(
        [needs.program("node", package="nodejs"), "--test", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 40


@pytest.mark.parametrize(
    "entry",
    json.loads((_VENDOR / "vendor.json").read_text("utf-8")),
    ids=lambda entry: str(entry["file"]),
)
def test_what_others_wrote_is_as_they_published_it(entry: dict[str, object]) -> None:
    """To the byte, apart from the changes that are written down."""
    source = (_VENDOR / str(entry["file"])).read_text(encoding="utf-8")
    changes = entry["changed"]
    assert isinstance(changes, list)
    for change in changes:
        assert source.count(change["to"]) == 1
        source = source.replace(change["to"], change["from"])
    assert hashlib.sha256(source.encode()).hexdigest() == entry["sha256"]
    assert entry["version"]
    assert (_VENDOR / f"LICENSE.{entry['package']}.txt").stat().st_size > 0


def test_nothing_of_others_is_there_unnamed() -> None:
    """Each vendored script has its entry."""
    named = {entry["file"] for entry in json.loads((_VENDOR / "vendor.json").read_text("utf-8"))}
    assert {file.name for file in _VENDOR.glob("*.js")} == named


def test_every_sentence_has_its_chinese_and_no_other_stands_there() -> None:
    """A page is never half in one language."""
    pairs = list(_chinese())
    assert len(pairs) > 400
    assert len(dict(pairs)) == len(pairs), "a sentence stands twice"
    assert set(dict(pairs)) == _sentences()


def test_translations_keep_what_is_filled_in() -> None:
    """A name that one language loses would be lost to its readers."""
    for sentence, chinese in _chinese():
        assert sorted(_PLACEHOLDER.findall(chinese)) == sorted(_PLACEHOLDER.findall(sentence)), (
            sentence
        )
        assert chinese.strip()


def test_the_feed_has_a_sentence_for_everything_that_can_happen() -> None:
    """The journal's verbs are a closed set; each is told in words."""
    source = (_FOLDER / "ui" / "feed.js").read_text(encoding="utf-8")
    told = set(re.findall(r'^  "([a-z_]+\.[a-z_]+)": s\(', source, re.MULTILINE))
    assert told == {verb.value for verb in Verb}


def test_every_refusal_that_a_page_can_meet_is_told_in_words() -> None:
    """What a person can mend is not "something went wrong on our side"."""
    source = (_FOLDER / "ui" / "words.js").read_text(encoding="utf-8")
    told = set(re.findall(r"^  (\w+): \(\) =>", source, re.MULTILINE))
    by_status = {int(status) for status in re.findall(r"^  (\d{3}): ", source, re.MULTILINE)}
    by_status |= {400, 422, 502, 503, 504}
    kinds = [each for each in vars(problems).values() if isinstance(each, problems.ProblemType)]
    untold = {kind.code for kind in kinds if kind.code not in told and kind.status not in by_status}
    # The gateway renews tokens and the page sends versions and whole files: a person meets none.
    ours = {"token_required", "invalid_token", "precondition_required", "range_not_satisfiable"}
    assert untold == ours
    vague = {kind.code for kind in kinds if kind.status == 409} - told
    assert vague == {"wrong_offset"}, "what does not fit is named, so that it can be mended"


def test_the_gateway_knows_every_place_of_the_router() -> None:
    """An address that the router knows is the workbench's also after a reload."""
    source = (_FOLDER / "routes.js").read_text(encoding="utf-8")
    places = {path.split("/")[1] for path in re.findall(r'page\("([^"]+)"', source)} - {""}
    assert places == set(WORKBENCH_PLACES)


def test_every_page_that_the_router_names_is_there() -> None:
    """Pages are loaded when they are needed; a wrong name would show only then."""
    source = (_FOLDER / "routes.js").read_text(encoding="utf-8")
    named = re.findall(r'import\("\./pages/([^"]+)"\)', source)
    assert set(named) == {file.name for file in (_FOLDER / "pages").glob("*.js")}


def test_modules_are_small_and_together_not_much() -> None:
    """Without a build step the size of a file is what a browser loads."""
    sizes = {file: file.read_text(encoding="utf-8") for file in _own_modules()}
    long = {file.name for file, text in sizes.items() if text.count("\n") > _LINES_MAX}
    assert long == set()
    own = sum(len(text.encode()) for file, text in sizes.items() if file.parent.name != "words")
    assert own < _OWN_BYTES_MAX


def test_no_module_makes_markup_of_text() -> None:
    """Everything becomes an element or a text, never a string of markup; nothing is evaluated."""
    for file in _own_modules():
        source = file.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|dangerously|document\.write|eval\(|new Function",
            source,
        ), file.name
        assert not re.search(r"\bstyle=[\"$]", source), (
            f"{file.name}: the policy allows no inline style"
        )


def test_colours_stand_in_both_schemes_and_nowhere_else() -> None:
    """As in the shared stylesheet: a colour outside of the schemes would not follow them."""
    source = (_FOLDER / "styles" / "frame.css").read_text(encoding="utf-8")
    light, dark = (set(re.findall(r"(--[\w-]+): #", part)) for part in source.split("@media", 1))
    assert light - dark == set()
    for file in (_FOLDER / "styles").glob("*.css"):
        rules = re.sub(r":root\s*{.*?}", "", file.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rules), file.name
