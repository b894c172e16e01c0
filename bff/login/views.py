"""`/bff/login` and `/bff/callback/{provider}`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, request, url_for

from bff.login.flow import CameAgain, LoginRequest
from bff.login.return_to import parse_return_to
from bff.problems import BAD_REQUEST, ORIGIN_DENIED, Refused
from bff.sessions.cookie import cookie_pairs
from bff.sessions.current import cookie_headers
from bff.sessions.model import Device
from httpkit.answers import note_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from werkzeug.wrappers import Response as BaseResponse

    from bff.login.flow import CompletedLogin, LoginFlow
    from bff.login.recent import Start
    from bff.sessions.cookie import SessionCookie
    from bff.sessions.current import CurrentSession
    from bff.sessions.model import Ticket

_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_OWN_SITES = frozenset({"same-origin", "none"})
_TEXT_LIMIT = 512
_MAX_AGE_DIGITS = 9
_USER_AGENT_LIMIT = 256


def login_blueprint(
    *,
    flow: LoginFlow,
    cookie: SessionCookie,
    current: CurrentSession,
    require_own_page: Callable[[], None],
    render_landing: Callable[[str, bool], str],
) -> Blueprint:
    """Return the routes of signing in.

    *current* is the session that a new login is going to replace; *require_own_page* refuses a
    script's call from elsewhere; *render_landing* is the page that moves on to an address by
    itself, told whether somebody has just signed in.
    """
    login = Blueprint("bff_login", __name__, url_prefix="/bff")

    @login.get("/login")
    def start() -> BaseResponse:
        _refuse_embedding()
        started = flow.start(_parse_login(_arguments()), _previous(current), _cookies())
        response = redirect(started.authorization_url, 303)
        return _with_cookies(response, started.set_cookies)

    @login.post("/login")
    def start_by_script() -> BaseResponse:
        require_own_page()
        started = flow.start(_parse_login(_json_object()), _previous(current), _cookies())
        response = jsonify(authorization_url=started.authorization_url)
        return _with_cookies(response, started.set_cookies)

    @login.get("/callback/<provider>")
    def callback(provider: str) -> BaseResponse:
        try:
            completed = flow.complete(provider, _query_pairs(), _cookies(), _device())
        except CameAgain as again:
            return _refused_and_moving_on(again, render_landing)
        page = render_landing(completed.return_to, completed.ticket is not None)
        return _handed_over(_page(page, 200), completed, cookie)

    @login.post("/callback/<provider>")
    def callback_by_post(provider: str) -> BaseResponse:
        if not request.is_json:
            # A cross-site post comes without the attempt's Lax cookie; a get brings it.
            query = urlencode(list(request.form.items(multi=True)))
            return redirect(f"{url_for('bff_login.callback', provider=provider)}?{query}", 303)
        require_own_page()
        completed = flow.complete(provider, _pairs_of_url(), _cookies(), _device())
        return _handed_over(jsonify(return_to=completed.return_to), completed, cookie)

    return login


def _refused_and_moving_on(
    again: CameAgain, render_landing: Callable[[str, bool], str]
) -> Response:
    """Answer 400, on a page that moves on to what the visitor came for."""
    note_outcome(again)
    page = _page(render_landing(_address_after(again.start), False), 400)
    page.headers.update(again.headers)
    return page


def _page(html: str, status: int) -> Response:
    # Not a redirect: a browser would count it as a step of the provider's site and keep the
    # new Strict cookie back. A page of ours that moves on by itself starts a step of our own.
    response = Response(html, status)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _address_after(start: Start) -> str:
    """Return where a late or doubled callback leads: to its end, or once more from its start."""
    if start.done:
        return start.return_to
    query = urlencode({"return_to": start.return_to, "provider": start.provider})
    return f"{url_for('bff_login.start')}?{query}"


def _pairs_of_url() -> list[tuple[str, str]]:
    """Return the callback's parameters as the front end saw them in its address bar."""
    try:
        query = urlsplit(_json_object().get("url", "")).query
    except ValueError as error:
        raise Refused(BAD_REQUEST, detail="url must be the callback's address.") from error
    return parse_qsl(query, keep_blank_values=True)


def _parse_login(given: Mapping[str, str]) -> LoginRequest:
    """Return what the page asks; raises `Refused` with what would be right."""
    prompt = _text(given, "prompt")
    if prompt is not None:
        words = prompt.split()
        if not set(words) <= _PROMPTS or ("none" in words and len(words) > 1):
            raise Refused(BAD_REQUEST, detail=f"prompt must be made of {sorted(_PROMPTS)}.")
        # Another site, or a sibling under the same domain: neither is our own page (B-25).
        if "none" in words and request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES:
            raise Refused(ORIGIN_DENIED, hint="a foreign page asks for a silent sign-in")
    max_age = _text(given, "max_age")
    if max_age is not None and not (max_age.isdecimal() and len(max_age) <= _MAX_AGE_DIGITS):
        raise Refused(BAD_REQUEST, detail="max_age must be whole seconds.")
    return LoginRequest(
        provider=_text(given, "provider"),
        return_to=parse_return_to(given.get("return_to"), request.script_root),
        prompt=prompt,
        login_hint=_text(given, "login_hint"),
        max_age_s=None if max_age is None else int(max_age),
        acr_values=tuple((_text(given, "acr_values") or "").split()),
        ui_locales=_text(given, "ui_locales"),
    )


def _text(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if not value:
        return None
    if len(value) > _TEXT_LIMIT or not value.isprintable():
        raise Refused(BAD_REQUEST, detail=f"{name} is too long or not plain text.")
    return value


def _arguments() -> dict[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Refused(BAD_REQUEST, detail=f"{name[:32]} stands twice.")
    return request.args.to_dict()


def _json_object() -> dict[str, str]:
    try:
        text = request.get_data() if request.is_json else b""
        body: Any = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):  # no JSON, a repeated member, or nested without end
        body = None
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise Refused(BAD_REQUEST, detail="The body must be a JSON object of strings.")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _query_pairs() -> list[tuple[str, str]]:
    return list(request.args.items(multi=True))


def _cookies() -> list[tuple[str, str]]:
    return cookie_pairs(cookie_headers())


def _previous(current: CurrentSession) -> Ticket | None:
    try:
        return current.ticket()
    except Refused:
        return None  # two cookies: a new sign-in is how the visitor gets out of that


def _device() -> Device:
    return Device(
        ip=request.remote_addr or "",
        user_agent=request.headers.get("User-Agent", "")[:_USER_AGENT_LIMIT],
    )


def _refuse_embedding() -> None:
    # Browsers that say where a request comes from say so of frames and of scripts (S-033).
    destination = request.headers.get("Sec-Fetch-Dest", "document")
    if destination != "document":
        raise Refused(ORIGIN_DENIED, detail="Signing in is a navigation of the whole page.")


def _with_cookies(response: BaseResponse, set_cookies: Sequence[str]) -> BaseResponse:
    for value in set_cookies:
        response.headers.add("Set-Cookie", value)
    return response


def _handed_over(
    response: BaseResponse, completed: CompletedLogin, cookie: SessionCookie
) -> BaseResponse:
    issued = [] if completed.ticket is None else [cookie.issue(completed.ticket)]
    return _with_cookies(response, [*issued, *completed.set_cookies])
