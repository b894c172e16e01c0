"""Tells the story: each step is a request of somebody in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from workbench.database import db, outages_named
from workbench.demo import story
from workbench.demo.own_key import OwnKey
from workbench.factory import build_app
from workbench.journal import reading
from workbench.kit.clock import utc_now
from workbench.statuses.model import Status
from workbench.users.model import User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from workbench.demo.people import Account
    from workbench.settings import Settings

_DAYS = 13


class NotTold(Exception):  # noqa: N818 - an outcome
    """The demo was not made; the message says why."""


def tell(settings: Settings, accounts: Sequence[Account], *, beside_others: bool) -> str | None:
    """Make the demo's team; return a code that lets anybody else join it, None if it is there.

    Raises:
        NotTold: the database has other people's data, or a step failed.
    """
    key = OwnKey()
    app = build_app(settings, keys=key)
    with app.app_context(), outages_named():
        others = db.session.scalars(
            select(User.pk).where(User.subject.not_in([account.sub for account in accounts]))
        ).first()
        before = reading.head()
    if others is not None and not beside_others:
        raise NotTold("There are other people in this database; say --beside-others to go on.")
    teller = _Teller(app, settings, accounts, key)
    if teller.is_told():
        return None
    code = teller.tell()
    with app.app_context(), outages_named():
        _spread(before)
    return code


class _Teller:
    def __init__(
        self, app: Flask, settings: Settings, accounts: Sequence[Account], key: OwnKey
    ) -> None:
        self._client = app.test_client()
        self._usernames = [account.username for account in accounts]
        self._headers = [
            key.headers(
                settings,
                account.sub,
                name=character.name,
                username=account.username,
                email=account.email,
            )
            for account, character in zip(accounts, story.PEOPLE, strict=False)
        ]
        self._team = ""

    def is_told(self) -> bool:
        """Return whether the first of the people is in the demo's team already."""
        teams = self._call(0, "GET", "/teams")["items"]
        return any(team["name"] == story.TEAM for team in teams)

    def tell(self) -> str:
        """Go through the story; return the code of an invitation for everybody else."""
        for number, character in enumerate(story.PEOPLE):
            entry, tag = self._tagged(number, "GET", "/users/me")
            if not entry["bio"]:
                profile = {"name": character.name, "bio": character.bio}
                self._call(number, "PATCH", "/users/me", profile, match=tag)
        self._found_team()
        projects = self._projects()
        self._documents(projects)
        self._posts()
        wanted = {"uses": 1000, "expires_in_s": 90 * 86_400}
        return str(self._call(0, "POST", f"{self._team}/invitations", wanted)["code"])

    def _found_team(self) -> None:
        wanted = {
            "name": story.TEAM,
            "description": story.DESCRIPTION,
            "groups": list(story.GROUPS),
        }
        self._team = f"/teams/{self._call(0, 'POST', '/teams', wanted)['id']}"
        groups = self._call(0, "GET", f"{self._team}/groups")["items"]
        named = {group["name"]: group["id"] for group in groups}
        for number, character in enumerate(story.PEOPLE[1:], 1):
            invitation = {"group": named[character.group], "role": "member"}
            code = self._call(0, "POST", f"{self._team}/invitations", invitation)["code"]
            self._call(number, "POST", "/invitations/accept", {"code": code})

    def _projects(self) -> list[str]:
        found = []
        ids = [self._call(number, "GET", "/users/me")["id"] for number in range(len(story.PEOPLE))]
        for name, description, members in story.PROJECTS:
            wanted = {"name": name, "description": description}
            project = self._call(0, "POST", f"{self._team}/projects", wanted)["id"]
            for number in members:
                path = f"/projects/{project}/members/{ids[number]}"
                self._call(0, "PUT", path, {"role": "member"})
            found.append(project)
        return found

    def _documents(self, projects: list[str]) -> None:
        folders: dict[tuple[int, str], str] = {}
        documents: list[str] = []
        for project, folder, title, body, by in story.DOCUMENTS:
            place = f"/projects/{projects[project]}"
            if folder is not None and (project, folder) not in folders:
                made = self._call(0, "POST", f"{place}/folders", {"name": folder, "parent": None})
                folders[project, folder] = made["id"]
            parent = folders[project, folder] if folder is not None else None
            wanted = {"title": title, "body": self._named(body), "parent": parent}
            documents.append(self._call(by, "POST", f"{place}/documents", wanted)["id"])
        subjects = {"document": documents, "project": projects}
        for by, kind, number in story.WATCHES:
            self._call(by, "PUT", f"/watches/{kind}/{subjects[kind][number]}")
        for number, more, by in story.EDITS:
            path = f"/documents/{documents[number]}"
            shown, tag = self._tagged(by, "GET", path)
            self._call(by, "PUT", path, {"body": shown["body"] + more}, match=tag)
        for number, by, text in story.COMMENTS:
            path = f"/nodes/{documents[number]}/comments"
            self._call(by, "POST", path, {"body": self._named(text)})

    def _posts(self) -> None:
        for post in story.POSTS:
            wanted = {
                "title": post.title,
                "body": self._named(post.body),
                "done": post.done,
                "problems": post.problems,
                "next": post.next,
            }
            status = self._call(post.by, "POST", f"{self._team}/statuses", wanted)["id"]
            for number in post.liked_by:
                self._call(number, "PUT", f"/statuses/{status}/like")
            for number, text in post.comments:
                path = f"/statuses/{status}/comments"
                self._call(number, "POST", path, {"body": self._named(text)})

    def _named(self, text: str) -> str:
        """Return *text* with usernames in place of numbers in braces."""
        for number, username in enumerate(self._usernames):
            text = text.replace(f"{{{number}}}", username)
        return text

    def _call(
        self, who: int, method: str, path: str, body: object = None, *, match: str | None = None
    ) -> dict[str, Any]:
        return self._tagged(who, method, path, body, match=match)[0]

    def _tagged(
        self, who: int, method: str, path: str, body: object = None, *, match: str | None = None
    ) -> tuple[dict[str, Any], str]:
        """Return what *who* is answered, and its ETag.

        Raises:
            NotTold: it was refused.
        """
        headers = self._headers[who] | ({"If-Match": match} if match is not None else {})
        answer = self._client.open(path, method=method, headers=headers, json=body)
        if answer.status_code >= 400:  # noqa: PLR2004 - the first refusal
            raise NotTold(f"{method} {path}: {answer.text}")
        return dict(answer.json or {}), answer.headers.get("ETag", "")


def _spread(before: int) -> None:
    """Let what was told since the number *before* have happened over the days until now."""
    found = reading.between(before, reading.head())
    start, step = utc_now() - timedelta(days=_DAYS), timedelta(days=_DAYS) / max(1, len(found))
    for number, event in enumerate(found):
        at = (start + number * step).replace(microsecond=0)
        event.created_at = at
        if event.verb == "status.posted":
            of_post = update(Status).where(Status.id == event.subject_id)
            db.session.execute(of_post.values(created_at=at))
    db.session.commit()
