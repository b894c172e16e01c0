"""Settings: from a file, from the environment, from secret files; every fault at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sso.settings import SettingsInvalid, load_settings

if TYPE_CHECKING:
    from pathlib import Path

KEY = "k" * 40
GOOD = {
    "SSO_REDIS_URL": "redis://127.0.0.1:6379/0",
    "SSO_SECRET_KEYS": f'["{KEY}"]',
    "CLOAKROOM_VAR": "/tmp/var-of-a-test",
}


def faults(environ: dict[str, str], config: Path | None = None) -> list[str]:
    """Return the faults of *environ*."""
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(config, environ)
    return caught.value.faults


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """And nested names are joined by two underscores."""
    config = tmp_path / "sso.toml"
    config.write_text(
        f'issuer = "https://sso.example.com"\nredis_url = "redis://h/0"\n'
        f'secret_keys = ["{KEY}"]\nport = 1\n[lifetimes]\ncode_s = 30\nrefresh_grace_s = 5\n'
    )
    environ = {"SSO_CONFIG": str(config), "SSO_PORT": "2", "SSO_LIFETIMES__CODE_S": "20"}
    settings = load_settings(None, environ)
    assert settings.issuer == "https://sso.example.com"
    assert settings.port == 2
    assert settings.lifetimes.code_s == 20
    assert settings.lifetimes.refresh_grace_s == 5


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    """As orchestrators hand them over, with a newline at the end."""
    file = tmp_path / "url"
    file.write_text("mysql+pymysql://u:p@h/d\n")
    settings = load_settings(None, {**GOOD, "SSO_DATABASE_URL_FILE": str(file)})
    assert settings.database_url.get_secret_value() == "mysql+pymysql://u:p@h/d"
    assert "p@h" not in repr(settings)


def test_the_database_is_a_file_in_var_unless_told_otherwise() -> None:
    """CLOAKROOM_VAR says where."""
    settings = load_settings(None, GOOD)
    assert settings.database_url.get_secret_value() == "sqlite:////tmp/var-of-a-test/sso.sqlite3"


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"SSO_ISSUER": "http://sso.example.com"}, "issuer"),
        ({"SSO_ISSUER": "https://sso.example.com/"}, "issuer"),
        ({"SSO_ISSUER": "sso"}, "issuer"),
        ({"SSO_SECRET_KEYS": '["short"]'}, "secret_keys.0"),
        ({"SSO_SECRET_KEYS": "[]"}, "secret_keys"),
        ({"SSO_SECRET_KEYS": "not json"}, "environment"),
        ({"SSO_REDIS_URL": "embedded"}, "redis_url"),
        ({"SSO_DATABASE_URL": "postgresql://x"}, "database_url"),
        ({"SSO_LIFETIMES__REFRESH_GRACE_S": "31"}, "lifetimes.refresh_grace_s"),
        ({"SSO_NONSENSE": "1"}, "SSO_NONSENSE"),
        ({"SSO_LIFETIMES__NONSENSE": "1"}, "lifetimes.NONSENSE"),
        ({"SSO_PORT": "x"}, "port"),
        ({"SSO_CONFIG": "/nowhere/sso.toml"}, "/nowhere/sso.toml"),
        ({"SSO_DATABASE_URL_FILE": "/nowhere"}, "SSO_DATABASE_URL_FILE"),
    ],
)
def test_a_fault_is_one_line_that_says_where(changed: dict[str, str], where: str) -> None:
    """And never what the value was."""
    lines = faults({**GOOD, **changed})
    assert any(line.lower().startswith(where.lower() + ":") for line in lines), lines
    assert all("\n" not in line for line in lines)


def test_all_faults_are_reported_at_once() -> None:
    """Nobody likes to start a program five times."""
    lines = faults({"SSO_ISSUER": "x", "SSO_PORT": "y", "SSO_NONSENSE": "1"})
    assert len(lines) >= 5


def test_a_fault_in_a_file_names_the_file_and_what_would_be_right(tmp_path: Path) -> None:
    """Whoever looks after ten of them opens the right one."""
    config = tmp_path / "sso.toml"
    config.write_text(
        f'secret_keys = ["{KEY}"]\nregistraton = "open"\n[lifetimes]\ncode_s = 0\ncod_s = 1\n'
        '[mail]\nsmtp_host = "h"\nsecurity = "none"\nusername = "u"\npassword = "p4ssw0rd"\n'
    )
    lines = faults({"SSO_PORT": "x"}, config)
    assert f"{config}: registraton: is no setting of the SSO; did you mean registration?" in lines
    assert f"{config}: lifetimes.cod_s: is no setting of the SSO; did you mean code_s?" in lines
    assert any(line.startswith(f"{config}: lifetimes.code_s: ") for line in lines)
    assert any(line.startswith(f"{config}: mail: a password needs") for line in lines)
    assert any(line.startswith("port: ") for line in lines)
    assert "redis_url: is missing; set it in the file, or as SSO_REDIS_URL" in lines
    assert not any("p4ssw0rd" in line for line in lines)


@pytest.mark.parametrize(
    ("mail", "where"),
    [
        ({"SSO_MAIL__USERNAME": "u"}, "mail"),
        ({"SSO_MAIL__SENDER": "nobody"}, "mail.sender"),
        ({"SSO_MAIL__SENDER": "a@b\r\nBcc: c@d"}, "mail.sender"),
        ({"SSO_MAIL__SMTP_PORT": "0"}, "mail.smtp_port"),
        ({"SSO_HOUSEKEEPING__ROTATE_KEYS_AFTER_S": "60"}, "housekeeping"),
    ],
)
def test_what_cannot_be_is_refused(mail: dict[str, str], where: str) -> None:
    """Before anything starts."""
    assert any(line.startswith(f"{where}:") for line in faults({**GOOD, **mail}))


def test_letters_go_to_the_outbox_beside_the_database_unless_told_otherwise() -> None:
    """So that `make run` needs no mail server."""
    assert str(load_settings(None, GOOD).mail.outbox) == "/tmp/var-of-a-test/outbox"
    told = load_settings(None, {**GOOD, "SSO_MAIL__SMTP_HOST": "mail.example.com"})
    assert told.mail.smtp_host == "mail.example.com"
