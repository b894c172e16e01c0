"""Every fault of the settings is told in one line: where, what, what would be right, no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bff.settings import Settings, SettingsInvalid, load_settings

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a-secret-key-of-32-characters-or-more"
OTHER_KEY = "another-secret-key-of-32-characters-.."
SECRETS = (KEY, OTHER_KEY, "sesame", "redis-password")
GOOD = f"""
public_url = "https://app.example.com"
secret_keys = ["{KEY}"]
redis_url = "redis://:redis-password@127.0.0.1:6379/0"

[[providers]]
name = "sso"
issuer = "https://sso.example.com"
client_id = "c"
client_secret = "sesame"

[[routes]]
path = "/api"
upstream = "http://127.0.0.1:7000"
"""


class Desk:
    """A settings file and an environment of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "bff.toml"

    def load(self, text: str = GOOD, **environ: str) -> Settings:
        """Return the settings of *text* with *environ* over it."""
        self.file.write_text(text, encoding="utf-8")
        return load_settings(self.file, environ)

    def faults(self, text: str = GOOD, **environ: str) -> list[str]:
        """Return the lines that loading ends in; none of them holds a secret."""
        with pytest.raises(SettingsInvalid) as invalid:
            self.load(text, **environ)
        faults = invalid.value.faults
        assert all("\n" not in line for line in faults)
        assert [one for one in SECRETS if one in f"{faults} {invalid.value}"] == []
        return faults

    def fault(self, text: str = GOOD, **environ: str) -> str:
        """Return the one line that loading ends in, without the file's folder."""
        [line] = self.faults(text, **environ)
        return line.replace(f"{self.folder}/", "")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_good_settings_load_with_their_defaults(desk: Desk) -> None:
    """Lifetimes, cookie and route defaults are those of the reference."""
    settings = desk.load()
    assert (settings.session.idle_ttl_s, settings.session.absolute_ttl_s) == (1800, 28800)
    assert settings.all_frontends()[0].cookie_name == "__Host-Http-session"
    assert settings.trusted_proxies == ()
    assert settings.providers[0].scopes == ("openid", "profile", "email", "offline_access")
    route = settings.routes[0]
    assert (route.token, route.timeout_s, route.body_limit_bytes) == ("user", 30, 10485760)
    assert (route.strip_prefix, route.allow_set_cookie, route.websocket) == (True, False, False)


def test_secrets_do_not_show_themselves(desk: Desk) -> None:
    """Neither repr nor JSON of the settings holds a key, a password or a client secret."""
    settings = desk.load()
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert [one for one in SECRETS if one in shown] == []


def test_settings_are_frozen(desk: Desk) -> None:
    """Nobody changes them under another part's feet."""
    with pytest.raises(ValueError, match="frozen"):
        desk.load().port = 1  # type: ignore[misc] # what the test is about


def test_the_environment_wins_over_the_file(desk: Desk) -> None:
    """By table, by index, by JSON, by words and by lines."""
    settings = desk.load(
        BFF_PORT="8080",
        BFF_SESSION__IDLE_TTL_S="60",
        BFF_PROVIDERS__0__CLIENT_ID="from-the-environment",
        BFF_PROVIDERS__0__SCOPES="openid email",
        BFF_ROUTES__1__PATH="/files",
        BFF_ROUTES__1__UPSTREAM="http://127.0.0.1:7001",
        BFF_SECRET_KEYS=f"{OTHER_KEY}\n{KEY}\n",
        BFF_TRUSTED_PROXIES='["10.0.0.0/8"]',
        UNRELATED="1",
    )
    assert (settings.port, settings.session.idle_ttl_s) == (8080, 60)
    assert settings.providers[0].client_id == "from-the-environment"
    assert settings.providers[0].scopes == ("openid", "email")
    assert [route.path for route in settings.routes] == ["/api", "/files"]
    assert [key.get_secret_value() for key in settings.secret_keys] == [OTHER_KEY, KEY]
    assert str(settings.trusted_proxies[0]) == "10.0.0.0/8"


def test_the_environment_alone_is_enough() -> None:
    """No file is needed; a port names its own public address."""
    provider = (
        '[{"name":"sso","issuer":"http://127.0.0.1:9000","client_id":"c","client_secret":"s"}]'
    )
    settings = load_settings(
        environ={
            "BFF_SECRET_KEYS": KEY,
            "BFF_REDIS_URL": "unix:///run/redis.sock",
            "BFF_PROVIDERS": provider,
            "BFF_PORT": "8100",
        }
    )
    assert settings.public_url == "http://localhost:8100"
    assert settings.all_frontends()[0].cookie_name == "session"


def test_the_file_is_named_by_the_environment(desk: Desk) -> None:
    """``BFF_CONFIG`` is where a server process finds it."""
    desk.file.write_text(GOOD, encoding="utf-8")
    environ = {"BFF_CONFIG": str(desk.file)}
    assert load_settings(environ=environ).public_url == "https://app.example.com"


def test_secrets_come_from_files(desk: Desk) -> None:
    """``…_FILE`` in the environment, ``…_file`` in the TOML; the last newline is not part of it."""
    (desk.folder / "keys").write_text(f"{OTHER_KEY}\n{KEY}\n", encoding="utf-8")
    (desk.folder / "redis").write_text("redis://:redis-password@10.0.0.1\n", encoding="utf-8")
    (desk.folder / "client").write_text("sesame two\n", encoding="utf-8")
    text = GOOD.replace('client_secret = "sesame"', f'client_secret_file = "{desk.folder}/client"')
    settings = desk.load(
        text,
        BFF_SECRET_KEYS_FILE=str(desk.folder / "keys"),
        BFF_REDIS_URL_FILE=str(desk.folder / "redis"),
    )
    assert [key.get_secret_value() for key in settings.secret_keys] == [OTHER_KEY, KEY]
    assert settings.redis_url.get_secret_value() == "redis://:redis-password@10.0.0.1"
    secret = settings.providers[0].client_secret
    assert secret is not None
    assert secret.get_secret_value() == "sesame two"


def test_a_secret_file_that_cannot_be_read_is_named(desk: Desk) -> None:
    """Missing, a folder, not text."""
    (desk.folder / "binary").write_bytes(b"\xff\xfe")
    for name in ("absent", ".", "binary"):
        line = desk.fault(BFF_REDIS_URL_FILE=str(desk.folder / name))
        assert "BFF_REDIS_URL_FILE" in line
        assert "cannot be read" in line


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    """Absent, a folder, no TOML, not UTF-8: a line, never a traceback."""
    (tmp_path / "broken.toml").write_text('secret_keys = ["sesame', encoding="utf-8")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for name in ("absent.toml", ".", "broken.toml", "binary.toml"):
        with pytest.raises(SettingsInvalid) as invalid:
            load_settings(tmp_path / name, {})
        [line] = invalid.value.faults  # what it would have held is not missing on top of that
        assert str(tmp_path) in line
        assert "sesame" not in line


@pytest.mark.rule("B-01")
def test_every_fault_is_told_at_once(desk: Desk) -> None:
    """Nobody mends one, starts, and meets the next."""
    text = GOOD.replace("https://app", "http://app").replace('"/api"', '"api"') + "unknown = 1\n"
    lines = desk.faults(text, BFF_PORT="x", BFF_SESSION__IDLE_TTL_S="0")
    assert len(lines) == 5


FAULTS: list[tuple[str, str, str]] = [
    (
        'path = "/api"',
        'path = "/api"\nmethds = ["GET"]',
        "routes.0.methds: unknown key; did you mean methods?",
    ),
    (
        'name = "sso"',
        'name = "sso"\nsecret = "x"',
        "providers.0.secret: unknown key; did you mean client_secret?",
    ),
    ("public_url", "pubic_url", "pubic_url: unknown key; did you mean public_url?"),
    (
        'client_id = "c"',
        "",
        "providers.0.client_id: is missing; set it there or as BFF_PROVIDERS__0__CLIENT_ID",
    ),
    (
        'client_id = "c"',
        'client_id = ""',
        "providers.0.client_id: String should have at least 1 character",
    ),
    (
        'client_secret = "sesame"',
        "",
        "providers.0: needs a client_secret or a private_key_file, and not both",
    ),
    (
        'client_id = "c"',
        'client_id = "c"\nscopes = ["email"]',
        'providers.0.scopes: must contain "openid"',
    ),
    (
        'issuer = "https://sso',
        'issuer = "http://sso',
        "providers.0.issuer: plain http is accepted on loopback only; use https",
    ),
    (
        'issuer = "https://sso',
        'issuer = "sso',
        "providers.0.issuer: must be an absolute URL such as https://host.example",
    ),
    (
        'sso.example.com"',
        'sso.example.com#a"',
        "providers.0.issuer: must not carry a user, a query or a fragment",
    ),
    (
        'sso.example.com"',
        'sso.example.com?a=b"',
        "providers.0.issuer: must not carry a user, a query or a fragment",
    ),
    (
        'sso.example.com"',
        'sso.example.com?"',
        "providers.0.issuer: must not carry a user, a query or a fragment",
    ),
    (
        "https://sso",
        "https://u:sesame@sso",
        "providers.0.issuer: must not carry a user, a query or a fragment",
    ),
    (
        'https://sso.example.com"',
        'https://u:sesame/x@sso.example.com"',
        "providers.0.issuer: is not a URL of plain ASCII such as https://host.example",
    ),
    (
        'https://sso.example.com"',
        'https://sso.exa mple.com"',
        "providers.0.issuer: is not a URL of plain ASCII such as https://host.example",
    ),
    (
        'https://sso.example.com"',
        'https://sso.exa\\tmple.com"',
        "providers.0.issuer: is not a URL of plain ASCII such as https://host.example",
    ),
    (
        'https://sso.example.com"',
        'https://sso.example.com\\\\@evil"',
        "providers.0.issuer: is not a URL of plain ASCII such as https://host.example",
    ),
    (
        '"https://app.example.com"',
        '"https://b\u00fccher.example"',
        "public_url: is not a URL of plain ASCII such as https://host.example",
    ),
    (
        '"https://app.example.com"',
        '"https://app.example.com/x"',
        "public_url: must be an origin without a path, such as https://app.example.com",
    ),
    (
        '"https://app.example.com"',
        '"http://app.example.com"',
        "public_url: plain http is accepted on loopback only; use https",
    ),
    (
        '"https://app.example.com"',
        '"http://127.0.0.1.evil.example"',
        "public_url: plain http is accepted on loopback only; use https",
    ),
    (f'["{KEY}"]', "[]", "secret_keys: must hold at least one key, each of 32 characters or more"),
    (
        f'["{KEY}"]',
        '["sesame"]',
        "secret_keys: must hold at least one key, each of 32 characters or more",
    ),
    (f'["{KEY}"]', f'["{KEY}", "{KEY}"]', "secret_keys: must not hold the same key twice"),
    (f'secret_keys = ["{KEY}"]', "", "secret_keys: is missing; set it there or as BFF_SECRET_KEYS"),
    (
        '"redis://:redis-password@127.0.0.1:6379/0"',
        '"embedded"',
        'redis_url: is "embedded": start through app.py, or name a server',
    ),
    (
        '"redis://',
        '"http://',
        "redis_url: must begin with one of redis://, rediss://, unix://, redis+sentinel://, redis+cluster://",
    ),
    (
        'upstream = "http://127.0.0.1:7000"',
        'upstream = "http://10.0.0.1"',
        "routes.0.upstream: plain http is accepted on loopback only; use https",
    ),
    (
        'path = "/api"',
        'path = "/api"\ntoken = "all"',
        "routes.0.token: Input should be 'none', 'user', 'client' or 'user-or-none'",
    ),
    (
        'path = "/api"',
        'path = "/api"\nmethods = ["GET", "TRACE"]',
        "routes.0.methods: must be upper-case method names; CONNECT and TRACE never pass",
    ),
    (
        'path = "/api"',
        'path = "/api"\ntimeout_s = 0',
        "routes.0.timeout_s: Input should be greater than 0",
    ),
    (
        'path = "/api"',
        'path = "/api"\ntimeout_s = inf',
        "routes.0.timeout_s: Input should be a finite number",
    ),
    (
        "[[providers]]",
        '[session]\ncookie_name = "sid"\n[[providers]]',
        "session.cookie_name: must begin with __Host- under https",
    ),
    ('client_secret = "', 'client_secret = ""\n#"', "providers.0.client_secret: is empty"),
    (
        "[[providers]]",
        '[session]\ncookie_name = "a;b"\n[[providers]]',
        "session.cookie_name: must be made of letters, digits, - and _",
    ),
    (
        "[[providers]]",
        '[session]\ncookie_same_site = "none"\n[[providers]]',
        "session.cookie_same_site: Input should be 'strict' or 'lax'",
    ),
]


@pytest.mark.rule("B-01")
@pytest.mark.parametrize(
    ("right", "wrong", "told"), FAULTS, ids=[fault[2][:60] for fault in FAULTS]
)
def test_a_fault_is_one_line(desk: Desk, right: str, wrong: str, told: str) -> None:
    """Where it is, what is wrong, what would be right."""
    assert right in GOOD
    line = desk.fault(GOOD.replace(right, wrong, 1))
    assert line.startswith("bff.toml: ")
    assert line.endswith(told)


@pytest.mark.parametrize(
    "path",
    [
        *("api", "", "/api/../x", "/api/./x", "/api//x", "/a%2fb", "/a?b", "/a#b", "/a b", "/\\a"),
        *("/bff", "/bff/x", "/bff/", "/livez", "/readyz", "/\u00e9", "/a\\u0000"),
    ],
)
def test_a_route_has_a_plain_path_of_its_own(desk: Desk, path: str) -> None:
    """Ambiguous ones and the gateway's own are refused."""
    escaped = path.replace("\\a", "\\\\a")
    assert "routes.0.path: " in desk.fault(GOOD.replace('"/api"', f'"{escaped}"'))


@pytest.mark.parametrize(
    ("path", "kept"), [("/api/", "/api"), ("/", "/"), ("/a/b.c", "/a/b.c"), ("/bffs", "/bffs")]
)
def test_a_routes_path_is_kept_without_its_last_slash(desk: Desk, path: str, kept: str) -> None:
    """So that two spellings of one prefix meet."""
    assert desk.load(GOOD.replace('"/api"', f'"{path}"')).routes[0].path == kept


def test_nothing_stands_twice(desk: Desk) -> None:
    """Neither a route's path, a last slash apart, nor a provider's name."""
    second = '\n[[routes]]\npath = "/api/"\nupstream = "http://127.0.0.1:7000"\n'
    assert desk.fault(GOOD + second).endswith("routes: the same path stands twice: /api")
    second = '\n[[providers]]\nname = "sso"\nissuer = "https://x.example"\nclient_id = "c"\n'
    line = desk.fault(f'{GOOD}{second}client_secret = "sesame"\n')
    assert line.endswith("providers: the same name stands twice: sso")


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("https://App.Example.COM/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://127.9.9.9", "http://127.9.9.9"),
    ],
)
def test_the_public_url_is_spelled_as_browsers_spell_an_origin(
    desk: Desk, value: str, origin: str
) -> None:
    """It is compared with the ``Origin`` header to the letter."""
    assert desk.load(GOOD.replace("https://app.example.com", value)).public_url == origin


@pytest.mark.rule("B-19")
@pytest.mark.parametrize(
    ("url", "name"),
    [("https://app.example.com", "__Host-Http-session"), ("http://localhost", "session")],
)
def test_the_cookie_has_its_prefix_where_browsers_honour_it(
    desk: Desk, url: str, name: str
) -> None:
    """On plain loopback a browser would not store it."""
    settings = desk.load(GOOD.replace("https://app.example.com", url))
    assert settings.all_frontends()[0].cookie_name == name


def test_plain_http_is_a_named_exception(desk: Desk) -> None:
    """For a private network, said beside the address it is for."""
    text = GOOD.replace('"http://127.0.0.1:7000"', '"http://10.0.0.1"\nplain_http = true')
    assert desk.load(text).routes[0].upstream == ("http://10.0.0.1",)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BFF_UNKNOWN", "1"),
        ("BFF_SESSION__UNKNOWN", "1"),
        ("BFF_PORT", "port"),
        ("BFF_PROVIDERS__0__ISSUER", "ftp://sso.example.com"),
        ("BFF_PROVIDERS__7__ISSUER", "https://sso.example.com"),
        ("BFF_PUBLIC_URL__HOST", "x"),
        ("BFF_SESSION", "x"),
        ("BFF_SESSION__COOKIE_NAME", "sid"),
        ("BFF_PROVIDERS", "[]"),
        ("BFF_PROVIDERS", "sesame"),
        ("BFF_PROVIDERS", '[{"name":"sso"}]'),
        ("BFF_ROUTES", '[{"path":"/a","upstream":"ftp://x"}]'),
        ("BFF_ROUTES", "[7]"),
        ("BFF_", "x"),
    ],
)
def test_a_fault_of_the_environment_names_its_variable(
    desk: Desk, variable: str, value: str
) -> None:
    """The file is not blamed for what stands elsewhere."""
    lines = desk.faults(**{variable: value})
    assert [line for line in lines if not line.startswith(variable)] == []


@pytest.mark.parametrize("value", ["5", "true", '"sso"', "[5]", '["sso"]', "1.5", "{ a = 1 }"])
@pytest.mark.parametrize("table", ["providers", "routes", "session", "frontends"])
def test_a_value_in_the_place_of_a_table_is_a_fault(desk: Desk, table: str, value: str) -> None:
    """One line and never a traceback."""
    start = GOOD.index("[[providers]]")
    rest = {"providers": "[[routes]]", "routes": "[[providers]]"}.get(table, "[[providers]]")
    kept = (
        GOOD[GOOD.index(rest) :]
        if rest == "[[routes]]"
        else GOOD[start:].partition("[[routes]]")[0]
    )
    lines = desk.faults(f"{GOOD[:start]}\n{table} = {value}\n{kept}")
    assert all(f": {table}" in line for line in lines)


def test_a_list_in_the_place_of_all_is_a_fault(desk: Desk) -> None:
    """An empty file names everything that is missing."""
    told = " ".join(desk.faults(""))
    assert all(name in told for name in ("secret_keys", "redis_url", "providers"))


def _typed(value: Any) -> str:  # noqa: ANN401 - whatever TOML knows
    return f"port = {value}\n"


@pytest.mark.parametrize("value", ["-1", "65536", "1.5", "[8000]", "1979-05-27"])
def test_a_port_is_a_port(desk: Desk, value: str) -> None:
    """Other numbers and other types are told once."""
    assert "port: " in desk.fault(_typed(value) + GOOD)
