"""How the extension comes into an application: once, by its settings, apart from every other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import Blueprint, Flask

from bff.extension import Begun, Cloakroom, Ended, SettingsInvalid, signed_in, signed_out
from tests.unit.bff.extension.conftest import PAGE, SCRIPT, Host

if TYPE_CHECKING:
    from tests.support.fake_provider import FakeProvider


def faults_of(settings: dict[str, Any] | None, **config: object) -> list[str]:
    """Return what installing with *settings* complains of."""
    app = Flask("host")
    app.config.update(config)
    if settings is not None:
        app.config["CLOAKROOM"] = settings
    with pytest.raises(SettingsInvalid) as refused:
        Cloakroom(app)
    return refused.value.faults


def test_second_cloakroom_on_one_application_is_refused(host: Host) -> None:
    """With what to do instead."""
    with pytest.raises(RuntimeError, match="'host' has a Cloakroom already"):
        Cloakroom(host.app)


def test_application_without_cloakroom_says_so(host: Host) -> None:
    """A guarded view in an application that was never given to `init_app`."""
    app = Flask("bare")
    app.add_url_rule("/", view_func=host.cloakroom.login_required(lambda: "in"))
    app.testing = True
    with pytest.raises(RuntimeError, match="'bare' has no Cloakroom"):
        app.test_client().get("/")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"idle_ttl": 3}, "unknown key"),
        ({"secret_keys": ["short"]}, "secret_keys: must hold at least one key"),
        ({"upstreams": ["http://api.example.com"]}, "upstreams: plain http is accepted"),
        ({"upstreams": ["https://api.example.com/v1"]}, "upstreams: must be an origin"),
        ({"port": 80, "workers": 2}, "port, workers: set this where the application is served"),
        ({"routes": []}, "routes: belong to the gateway"),
        ({"frontends": []}, "frontends: belong to the gateway"),
        ({"session": {"idle_ttl_s": 0}}, "session.idle_ttl_s: "),
        ({"upstream": []}, "did you mean upstreams?"),
    ],
)
def test_wrong_setting_is_one_line_with_its_place(
    settings: dict[str, Any], change: dict[str, Any], fault: str
) -> None:
    """Where it is, what is wrong; never what a secret was."""
    faults = faults_of({**settings, **change})
    assert len(faults) == 1
    assert faults[0].startswith('app.config["CLOAKROOM"]: ')
    assert fault in faults[0]
    assert "short" not in faults[0]


def test_missing_settings_are_said(settings: dict[str, Any]) -> None:
    """None at all, and one that has no default."""
    assert faults_of(None) == [
        'app.config["CLOAKROOM"]: is missing; set it to a dictionary of settings'
    ]
    del settings["redis_url"]
    assert faults_of(settings) == ['app.config["CLOAKROOM"]: redis_url: is missing']


def test_host_session_cookie_of_our_name_is_refused(settings: dict[str, Any]) -> None:
    """Two cookies of one name would sign everybody out."""
    settings["flask_session"] = False
    assert "choose another" in faults_of(settings)[0]


def test_settings_may_come_from_prefixed_environment(
    settings: dict[str, Any], provider: FakeProvider
) -> None:
    """Keys in upper case, as Flask leaves them."""
    host = Host({key.upper(): value for key, value in settings.items()}, provider)
    assert host.ask(path="/bff/user").status_code == 401
    host.close()


def test_names_of_ours_leave_the_host_its_own(host: Host) -> None:
    """Blueprints called login or account are the host's to have."""
    for name in ("login", "logout", "account", "sessions"):
        host.app.register_blueprint(Blueprint(name, __name__))


def test_two_applications_share_nothing(settings: dict[str, Any], provider: FakeProvider) -> None:
    """One extension object, two applications: a ticket of one is nobody at the other."""
    cloakroom = Cloakroom()
    apps = [Flask("one"), Flask("two")]
    for app, key in zip(apps, ("a" * 32, "b" * 32), strict=True):
        app.config["CLOAKROOM"] = {**settings, "secret_keys": [key]}
        cloakroom.init_app(app)
        app.add_url_rule("/", view_func=cloakroom.login_required(lambda: cloakroom.current.sub))
    first = Host.__new__(Host)
    first.app, first.cloakroom, first.provider = apps[0], cloakroom, provider
    ticket = first.sign_in()
    headers = {**SCRIPT, "Cookie": f"session={ticket.encode()}"}
    answers = [app.test_client(use_cookies=False).get("/", headers=headers) for app in apps]
    assert [answer.status_code for answer in answers] == [200, 401]
    for app in apps:
        cloakroom.close(app)


def test_host_keeps_its_own_error_handlers(host: Host) -> None:
    """Our outcomes are ours, everything else stays the host's."""
    host.app.register_error_handler(Exception, lambda _error: ("host's own", 500))
    host.app.register_error_handler(404, lambda _error: ("host's 404", 404))
    host.view(lambda: 1 // 0)
    assert host.ask().text == "host's own"
    assert host.ask(path="/nowhere").text == "host's 404"
    assert host.ask(path="/bff/user").json["code"] == "login_required"  # type: ignore[index]


def test_token_of_another_extension_keeps_its_name(
    settings: dict[str, Any], provider: FakeProvider
) -> None:
    """``csrf_token`` in templates stays whose it was."""
    app = Flask("host")
    app.config["CLOAKROOM"] = settings
    app.jinja_env.globals["csrf_token"] = lambda: "of another"
    cloakroom = Cloakroom(app)
    assert app.jinja_env.from_string("{{ csrf_token() }}").render() == "of another"
    cloakroom.close(app)


def login(host: Host) -> tuple[str, str]:
    """Sign ada in by the whole flow; return the ticket's cookie and the landing page."""
    started = host.ask(path="/bff/login?return_to=/view", headers=PAGE)
    assert started.status_code == 303
    attempt = started.headers["Set-Cookie"].split(";")[0]
    back = host.ask(path=host.provider.callback(started.location), headers=PAGE, cookies=attempt)
    assert back.status_code == 200, back.text
    return back.headers.getlist("Set-Cookie")[0].split(";")[0], back.text


def test_signals_tell_who_came_and_who_went(host: Host) -> None:
    """Public id, sub, provider, reason; no token, no ticket; an application context is there."""
    news: list[Begun | Ended] = []

    def note(app: Flask, session: Begun | Ended) -> None:
        assert app is host.app
        news.append(session)

    signed_in.connect(note, host.app)
    signed_out.connect(note, host.app)
    cookie, landing = login(host)
    assert "url=/view" in landing
    host.ask(path="/bff/logout", method="POST", cookies=cookie)
    came, went = news
    assert isinstance(came, Begun)
    assert (came.sub, came.iss, came.provider) == ("ada", host.provider.issuer, "sso")
    assert came.claims["name"] == "Ada"
    assert went == Ended(came.session_id, "sso", "ada", "signed_out")
    ticket = cookie.partition("=")[2]
    assert ticket not in repr(news)
    assert not re.search(r"\bAda\b", repr(news))  # a public id may spell it


def test_receiver_that_fails_keeps_nobody_out(host: Host) -> None:
    """Its bug is logged; the person is signed in."""

    def fail(_app: Flask, session: Begun) -> None:
        raise RuntimeError(session.session_id)

    signed_in.connect(fail, host.app)
    cookie, _landing = login(host)
    assert host.ask(path="/bff/user", cookies=cookie).status_code == 200


def test_sign_out_by_another_device_is_told_with_the_person(host: Host) -> None:
    """So is every other end."""
    news: list[Ended] = []

    def note(_app: Flask, session: Ended) -> None:
        news.append(session)

    signed_out.connect(note, host.app)
    here, there = host.sign_in(), host.sign_in()
    host.ask(here, path=f"/bff/sessions/{there.public_id}", method="DELETE")
    assert news == [Ended(there.public_id, "sso", "ada", "ended_from_other_session")]


def test_landing_speaks_the_visitors_language_and_escapes(host: Host) -> None:
    """Chinese to who reads Chinese; the address is data."""
    with host.app.test_request_context(headers={"Accept-Language": "zh-CN,zh;q=0.9"}):
        from bff.extension.pages import render_landing  # noqa: PLC0415 - beside its only use

        page = render_landing('/a"><script>')
    assert "登录成功" in page
    assert "<script>" not in page
