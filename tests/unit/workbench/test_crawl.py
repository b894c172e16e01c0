"""Every operation of the OpenAPI document, knocked at by people it is not for, and with nonsense.

The document is all that the crawl knows: rooms that are added to it are crawled without a line
here. `CRAWL_EXAMPLES` makes it longer.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.errors import SchemathesisError

from tests.support.crawl import MARK, SOUGHT, Known, Operation, letter_of, operations
from tests.support.crawl import seed as sow
from tests.unit.workbench.conftest import ALL_SCOPES, Someone, bearer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask.testing import FlaskClient
    from schemathesis import APIOperation, Case
    from werkzeug.test import TestResponse

    from tests.unit.workbench.conftest import Issuer

    AnyCase = Case[Any]

EXAMPLES = int(os.environ.get("CRAWL_EXAMPLES", "2"))
# What a schema cannot say, for what is created by the document alone.
BY_HAND: dict[str, dict[str, Any]] = {
    "foundTeam": {"listed": True},
    "beginUpload": {"name": f"{MARK}.txt", "size": len(MARK), "type": "text/plain"},
}
# Its own owner cannot: somebody else does it, below.
NOT_BY_ITS_OWNER = {"apply"}


@dataclass(frozen=True)
class Site:
    """A marked team of one person, and everything in it; another person who is not in it."""

    document: Mapping[str, Any]
    known: Known
    owner: Someone
    stranger: Someone

    def snapshot(self) -> dict[str, str]:
        """Return everything marked that the owner reads."""
        answers = {
            path: self.owner.get(path)
            for operation in operations(self.document)
            if operation.method == "GET" and not operation.streams
            for place in self.known.places(operation)
            for path in [operation.at(place)]
        }
        return {path: each.text for path, each in answers.items() if MARK in each.text}


@pytest.fixture
def document(api: FlaskClient) -> dict[str, Any]:
    found = api.get("/openapi.json").json
    assert found is not None
    return dict(found)


@pytest.fixture
def site(person: Callable[[str], Someone], document: dict[str, Any]) -> Site:
    owner, stranger, applicant = person("owner"), person("stranger"), person("applicant")
    known = Known()
    known.learn(f"{owner.id} {applicant.id} {stranger.id}")
    failed = sow(owner, document, known, BY_HAND)
    assert failed.keys() - NOT_BY_ITS_OWNER == set(), failed
    team = f"/teams/{known.by_parameter['teams team'].copy().pop()}"
    sent = applicant.post(f"{team}/applications", {"message": MARK})
    known.learn(sent.text)
    known.learn_place(sent.headers["Location"], document["paths"])
    assert owner.call("PATCH", team, {"listed": False}, match="*").status_code == 200
    contact = {"phone": "0123456789", "bio": MARK, "email": f"{MARK}@example.org"}
    assert owner.call("PATCH", "/users/me", contact, match="*").status_code == 200
    _upload(owner, known)
    return Site(document, known, owner, stranger)


def _upload(owner: Someone, known: Known) -> None:
    """Finish the upload that was begun, so that there is a file."""
    for upload in known.by_parameter["uploads upload"]:
        answer = owner.client.patch(
            f"/uploads/{upload}",
            data=MARK.encode(),
            content_type="application/octet-stream",
            headers=owner.headers | {"Upload-Offset": "0"},
        )
        assert answer.status_code == 200, answer.text
        known.learn(answer.text)
        assert answer.json is not None
        known.by_parameter["files node"].add(str(answer.json["id"]))


def knock(
    someone: Someone, operation: Operation, place: Mapping[str, str], case: AnyCase | None = None
) -> TestResponse:
    """Call *operation* at *place*, with what *case* made up."""
    headers = dict(someone.headers)
    more: dict[str, Any] = {}
    if case is not None:
        made_up = {str(name): str(value) for name, value in (case.headers or {}).items()}
        headers = {name: value for name, value in made_up.items() if _may_be_sent(value)} | headers
        more["query_string"] = {name: _text(each) for name, each in (case.query or {}).items()}
        if case.media_type == "application/json" and not _is_unset(case.body):
            body = json.dumps(case.body, default=str)
            more |= {"data": body.encode("utf-8", "replace"), "content_type": case.media_type}
        elif isinstance(case.body, bytes):
            more |= {"data": case.body, "content_type": case.media_type}
    client = someone.client.application.test_client()
    return client.open(operation.at(place), method=operation.method, headers=headers, **more)


def _may_be_sent(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _text(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _is_unset(body: object) -> bool:
    return type(body).__name__ == "NotSet"


def invented(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> list[AnyCase]:
    """Return some calls of *operation*, by its schema or against it; the same ones every time."""
    cases: list[AnyCase] = []

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def collect(case: AnyCase) -> None:
        cases.append(case)

    with contextlib.suppress(SchemathesisError, Unsatisfiable):  # there is no wrong way to call it
        collect()
    return cases


def crawl(site: Site, someone: Someone, check: Callable[[Operation, TestResponse], None]) -> int:
    """Call everything as *someone*, sensibly and not; return how many calls it took."""
    schema = schemathesis.openapi.from_dict(dict(site.document))
    calls = 0
    for operation in operations(site.document):
        if operation.streams:
            continue
        described = schema[operation.path][operation.method]
        cases = [case for mode in GenerationMode for case in invented(described, mode)]
        for number, case in enumerate(cases):
            if number % 2:
                _point_at_foreign_things(site.known, operation, case)
            for place in site.known.places(operation):
                calls += 1
                check(operation, knock(someone, operation, place, case))
    return calls


def _point_at_foreign_things(known: Known, operation: Operation, case: AnyCase) -> None:
    """Put ids that somebody else's things have, and the mark's front, where they fit."""
    if isinstance(case.body, dict):
        for name, schema in (operation.body or {}).get("properties", {}).items():
            letter = letter_of(schema) or {"group": "g", "to": "u"}.get(name)
            if letter and known.by_letter[letter]:
                case.body[name] = min(known.by_letter[letter])
    asked = {parameter["name"] for parameter in operation.described.get("parameters", ())}
    for name, value in (("team", "t"), ("project", "p"), ("group", "g"), ("person", "u")):
        if name in asked and known.by_letter[value]:
            case.query[name] = min(known.by_letter[value])
    if "q" in asked:
        case.query["q"] = SOUGHT


def test_a_stranger_gets_nothing_of_a_team(site: Site) -> None:
    """With every id in hand, by no operation: no marked word, no change, no 5xx."""
    before = site.snapshot()
    assert len(before) > 20

    def check(operation: Operation, answer: TestResponse) -> None:
        assert answer.status_code < 500, (operation.name, answer.text)
        assert MARK not in answer.text + str(answer.headers), operation.name
        assert "0123456789" not in answer.text, operation.name

    assert crawl(site, site.stranger, check) > 200
    assert site.snapshot() == before


def test_nothing_that_its_owner_sends_breaks_it(site: Site) -> None:
    """Good and bad input, by somebody who may do everything: never a 5xx, 4xx in words."""

    def check(operation: Operation, answer: TestResponse) -> None:
        assert answer.status_code < 500, (operation.name, answer.text)
        if answer.status_code >= 400 and operation.method != "HEAD":
            assert answer.content_type == "application/problem+json", operation.name

    assert crawl(site, site.owner, check) > 200


def test_every_operation_wants_a_token_with_its_scope(
    api: FlaskClient, document: dict[str, Any], issuer: Issuer, site: Site
) -> None:
    """None: 401. Every scope but the one that the document names: 403 that names it."""
    every = f"{ALL_SCOPES} internal:users".split()
    for operation in operations(document):
        place = next(site.known.places(operation))
        assert knock(Someone(api, {}), operation, place).status_code == 401, operation.name
        others = " ".join(scope for scope in every if scope != operation.scope)
        token = issuer.token(sub="owner", scope=others)
        answer = knock(Someone(api, bearer(token)), operation, place)
        assert answer.status_code == 403, operation.name
        challenge = answer.headers["WWW-Authenticate"]
        assert f'error="insufficient_scope", scope="{operation.scope}"' in challenge
