"""The administrators' pages: lists, single objects, and one form a deed."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, make_response, render_template, request

from httpkit.problems import NOT_FOUND, Refused
from sso.accounts.freshness import sign_in_address
from sso.accounts.invitations import InvitationInvalid
from sso.administration.kinds import KINDS, Record
from sso.problems import FORBIDDEN, SIGN_IN_REQUIRED
from sso.refusals import log_page_refusal
from sso.requests.replies import see_other

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso.accounts.browser import Browser
    from sso.accounts.freshness import Freshness
    from sso.accounts.invitations import Made
    from sso.accounts.sessions import SignedIn
    from sso.administration.catalogue import Catalogue
    from sso.administration.deeds import Deeds
    from sso.administration.kinds import Kind
    from sso.administration.making import Making

HOME = "/admin"
_MAX_DIGITS = 6
# Whether a record says that a deed was done already.
_IDLE: Final[dict[str, Callable[[Record], object]]] = {
    "disable": itemgetter("disabled_at"),
    "enable": lambda record: not record["disabled_at"],
    "promote": itemgetter("admin"),
    "demote": lambda record: not record["admin"],
    "require-par": itemgetter("require_pushed_authorization_requests"),
    "lift-par": lambda record: not record["require_pushed_authorization_requests"],
    "require-dpop": itemgetter("dpop_bound_access_tokens"),
    "lift-dpop": lambda record: not record["dpop_bound_access_tokens"],
    "revoke": itemgetter("revoked_at"),
    "withdraw": itemgetter("revoked_at"),
    "end": itemgetter("ended_at"),
}


class AdminPages:
    """Shows everything to administrators, and nothing to anybody else."""

    def __init__(
        self,
        catalogue: Catalogue,
        deeds: Deeds,
        making: Making,
        browser: Browser,
        freshness: Freshness,
    ) -> None:
        self._catalogue = catalogue
        self._deeds = deeds
        self._making = making
        self._browser = browser
        self._freshness = freshness

    def visitor_away(self) -> Response | None:
        """Return the way to the sign-in for a visitor.

        Raises:
            Refused: 403 for a person who is no administrator.
        """
        signed_in = self._browser.signed_in()
        if signed_in is None:
            return see_other(sign_in_address(request.path if request.method == "GET" else HOME))
        if not signed_in.user.is_admin:
            raise Refused(FORBIDDEN, hint="not an administrator")
        return None

    def listing(self, name: str, *, made: Made | None = None, wrong: str | None = None) -> str:
        """Return one page of a list; with the invitation *made* just now, or what was wrong."""
        kind = _kind(name)
        wanted = request.args
        listing = self._catalogue.page(kind, wanted)
        return render_template(
            "sso/admin_list.html",
            kinds=list(KINDS),
            kind=kind.name,
            columns=kind.brief,
            records=listing.records,
            after=listing.after,
            kept={name: wanted[name] for name in kind.filters if wanted.get(name)},
            q=wanted.get("q", ""),
            here=f"{HOME}/{kind.name}",
            made=made,
            wrong=wrong,
        )

    def invite(self, uses: str, days: str, note: str) -> Response:
        """Return the list with the link of a fresh invitation, which is on no other page."""
        if not self._freshness.is_recent(self._signed_in()):
            return see_other(sign_in_address(f"{HOME}/invitations", again=True))
        try:
            made = self._making.invitations.create(
                uses=_number(uses), ttl_s=_number(days) * 86_400, note=note.strip()
            )
        except InvitationInvalid as invalid:
            log_page_refusal("invitation_invalid", str(invalid))
            return make_response(self.listing("invitations", wrong="invitation"), 400)
        return make_response(self.listing("invitations", made=made))

    def item(self, name: str, id_: str) -> str:
        """Return the page of one object."""
        kind = _kind(name)
        record = self._catalogue.find(kind, id_)
        if record is None:
            raise Refused(NOT_FOUND, hint=f"none of the {kind.name} has the id")
        return render_template(
            "sso/admin_item.html",
            kinds=list(KINDS),
            kind=kind.name,
            record=record,
            deeds=[] if self._is_oneself(kind, id_) else self._deeds_left(kind, record),
            here=f"{HOME}/{kind.name}/{id_}",
        )

    def act(self, name: str, id_: str, deed: str) -> Response:
        """Do *deed* and return the way back to its object, or to the list where it is gone."""
        kind = _kind(name)
        back = f"{HOME}/{kind.name}/{id_}"
        if self._is_oneself(kind, id_):
            # So that there is always one administrator left.
            raise Refused(FORBIDDEN, hint="an administrator's deed to their own account")
        if not self._freshness.is_recent(self._signed_in()):
            return see_other(sign_in_address(back, again=True))
        if self._deeds.do(kind.name, id_, deed) is None:
            raise Refused(NOT_FOUND, hint=f"no such deed for {kind.name}")
        gone = self._catalogue.find(kind, id_) is None
        return see_other(f"{HOME}/{kind.name}" if gone else back)

    def _deeds_left(self, kind: Kind, record: Record) -> list[str]:
        """Return the deeds that would change something: nobody is offered both on and off."""
        return [d for d in self._deeds.of(kind.name) if d not in _IDLE or not _IDLE[d](record)]

    def _is_oneself(self, kind: Kind, id_: str) -> bool:
        return kind.name == "users" and id_ == self._signed_in().user.sub

    def _signed_in(self) -> SignedIn:
        signed_in = self._browser.signed_in()
        if signed_in is None:
            raise Refused(SIGN_IN_REQUIRED, hint="no session")
        return signed_in


def create_blueprint(pages: AdminPages) -> Blueprint:
    """Return the routes of the pages."""
    room = Blueprint("admin", __name__)
    room.before_request(pages.visitor_away)

    @room.get(HOME)
    def home() -> Response:
        return see_other(f"{HOME}/users")

    @room.get(f"{HOME}/<kind>")
    def listing(kind: str) -> str:
        return pages.listing(kind)

    @room.post(f"{HOME}/invitations")
    def invite() -> Response:
        form = request.form
        return pages.invite(form.get("uses", ""), form.get("days", ""), form.get("note", ""))

    @room.get(f"{HOME}/<kind>/<id>")
    def item(kind: str, id: str) -> str:  # noqa: A002 - the word of the address
        return pages.item(kind, id)

    @room.post(f"{HOME}/<kind>/<id>/<deed>")
    def act(kind: str, id: str, deed: str) -> Response:  # noqa: A002 - as above
        return pages.act(kind, id, deed)

    return room


def _number(text: str) -> int:
    """Return the number that *text* is; 0, which is of no use anywhere, where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise Refused(NOT_FOUND, hint="no such kind")
    return KINDS[name]
