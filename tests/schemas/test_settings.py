"""Each variable: its default, what is right, and what is said of what is wrong."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from settings_kit import ACCOUNT, NOWHERE, problem_with, problems_of, value_of

from schemas.settings import SettingsError, load_settings
from schemas.settings.model import VARIABLES

SECRET = "whsec_" + "QUFB" * 8
OTHER_SECRET = "whsec_" + "QkJC" * 8


def test_defaults_are_those_of_the_contract():
    settings = load_settings(ACCOUNT, directory=NOWHERE)
    assert settings.redis_url is None
    assert settings.broker_url is None
    assert settings.port == 8000
    assert settings.exotel_base_url == "https://api.exotel.com"
    assert settings.exotel_quota == 200
    assert settings.exotel_quota_seconds == 60
    assert settings.exotel_timezone == ZoneInfo("Asia/Kolkata")
    assert settings.exotel_timeout_seconds == 15
    assert settings.callback_allow == ()
    assert settings.trusted_proxies == 0
    assert settings.settle_seconds == 120
    assert settings.progress_seconds == 300
    assert settings.retry_schedule == (15, 60, 300, 900, 3600, 10800, 21600)
    assert settings.confirm_seconds == 900
    assert settings.suspension_probe_seconds == 300
    assert settings.delivery_schedule == (5, 30, 300, 1800, 7200, 18000, 36000, 36000)
    assert [(sink.name, sink.url) for sink in settings.sinks] == [("file", "file:records.jsonl")]
    assert settings.sink_secret is None
    assert settings.retention_days == 7
    assert settings.console_password is None
    assert settings.log_level == "INFO"
    assert settings.log_format is None  # whether stderr is a terminal decides, once logging is set up
    assert settings.warnings == ()
    assert set(settings.sources.values()) == {"default", "environment"}


def test_every_default_is_right_by_its_own_declaration():
    for variable in VARIABLES.values():
        if variable.default is not None:
            variable.read(variable.name, variable.default)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PORT", "65535", 65535),
        ("PORT", " 80 ", 80),
        ("EXOTEL_QUOTA", "1", 1),
        ("EXOTEL_QUOTA_SECONDS", "0.5", 0.5),
        ("EXOTEL_TIMEZONE", "UTC", ZoneInfo("UTC")),
        ("EXOTEL_SUBDOMAIN", "api.in.exotel.com", "api.in.exotel.com"),
        ("EXOTEL_SUBDOMAIN", "localhost", "localhost"),
        ("EXOTEL_BASE_URL", "http://127.0.0.1:8010/", "http://127.0.0.1:8010"),
        ("EXOTEL_BASE_URL", "https://proxy.example.com/exotel", "https://proxy.example.com/exotel"),
        ("SETTLE_SECONDS", "0", 0),
        ("CONFIRM_SECONDS", "0", 0),
        ("RETRY_SCHEDULE", "0.5 1  2.25", (0.5, 1, 2.25)),
        ("DELIVERY_SCHEDULE", "1", (1,)),
        ("RETENTION_DAYS", "0.25", 0.25),
        ("TRUSTED_PROXIES", "2", 2),
        ("HOST", "127.0.0.1", "127.0.0.1"),
        ("HOST", "[::1]", "::1"),
        ("HOST", "0:0:0:0:0:0:0:0", "::"),
        ("HOST", "localhost", "127.0.0.1"),
        ("HOST", "fe80::1%eth0", "fe80::1%eth0"),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_FORMAT", "Console", "console"),
        ("REDIS_URL", "redis://localhost", "redis://localhost"),
        ("REDIS_URL", "rediss://user:pass@host:6380/2?ssl_cert_reqs=none", None),
        ("REDIS_URL", "unix:///run/redis.sock?db=1", None),
        ("CALLBACK_TOKEN", "a" * 16, ("a" * 16,)),
        ("CALLBACK_TOKEN", "new-token-of-acme old_token.of~acme", ("new-token-of-acme", "old_token.of~acme")),
        (
            "CALLBACK_ALLOW",
            "203.0.113.0/24 2001:db8::1",
            (ip_network("203.0.113.0/24"), ip_network("2001:db8::1")),
        ),
        ("CONSOLE_PASSWORD", " with spaces ", " with spaces "),
        ("SINK_SECRET", SECRET, (SECRET,)),
        ("SINK_SECRET", f"{SECRET} {OTHER_SECRET}", (SECRET, OTHER_SECRET)),
    ],
)
def test_a_right_value_is_read(name, text, value):
    assert value_of(name, text) == (text if value is None else value)


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("PORT", "eighty", "PORT: 'eighty' is not a whole number; give a whole number from 1 to 65535"),
        ("PORT", "0", "out of range"),
        (
            "HOST",
            "web.example.com",
            "HOST: 'web.example.com' is not an IP address; give an IP address such as 127.0.0.1",
        ),
        ("HOST", "127.0.0.1:8000", "not an IP address"),
        ("HOST", "[127.0.0.1", "not an IP address"),
        ("PORT", "65536", "out of range"),
        ("PORT", "80.5", "not a whole number"),
        ("EXOTEL_QUOTA", "0", "EXOTEL_QUOTA: '0' is out of range; give a whole number, 1 or more"),
        ("EXOTEL_QUOTA", "9" * 5000, "not a whole number"),
        ("EXOTEL_QUOTA_SECONDS", "0", "out of range"),
        ("EXOTEL_QUOTA_SECONDS", "nan", "out of range"),
        ("EXOTEL_TIMEOUT_SECONDS", "inf", "out of range"),
        ("EXOTEL_TIMEOUT_SECONDS", "15s", "not a number"),
        ("EXOTEL_TIMEZONE", "India", "not a time zone"),
        ("EXOTEL_TIMEZONE", "Asia", "not a time zone"),
        ("EXOTEL_TIMEZONE", "/etc/passwd", "not a time zone"),
        ("EXOTEL_SUBDOMAIN", "https://api.exotel.com", "not a host name"),
        ("EXOTEL_SUBDOMAIN", "api.exotel.com/evil", "not a host name"),
        ("EXOTEL_SUBDOMAIN", "user@api.exotel.com", "not a host name"),
        ("EXOTEL_SUBDOMAIN", "-.exotel.com", "not a host name"),
        ("EXOTEL_BASE_URL", "ftp://host", "not the URL of a web server"),
        ("EXOTEL_BASE_URL", "api.exotel.com", "not the URL of a web server"),
        ("EXOTEL_BASE_URL", "https://host:port", "not a URL"),
        ("EXOTEL_BASE_URL", "https://[::1", "not a URL"),
        ("EXOTEL_BASE_URL", "https://user@host", "a user, a query or a fragment"),
        ("EXOTEL_BASE_URL", "https://host/?", "a user, a query or a fragment"),
        ("EXOTEL_BASE_URL", "https://ho\nst", "a control character"),
        ("EXOTEL_ACCOUNT_SID", "acme/../x", "not an account SID"),
        ("EXOTEL_API_KEY", "key:with:colons", "a colon"),
        ("EXOTEL_API_TOKEN", "two\nlines", "unprintable"),
        ("SETTLE_SECONDS", "-1", "out of range"),
        ("PROGRESS_SECONDS", "1e9", "out of range"),
        ("RETRY_SCHEDULE", " ", "is empty"),
        ("RETRY_SCHEDULE", "15 soon", "holds a value that is not a number"),
        ("RETRY_SCHEDULE", "15 0", "holds a value that is out of range"),
        ("DELIVERY_SCHEDULE", "5 -30", "out of range"),
        ("RETENTION_DAYS", "0", "out of range"),
        ("TRUSTED_PROXIES", "-1", "out of range"),
        ("CALLBACK_ALLOW", "exotel.com", "not a network"),
        ("CALLBACK_ALLOW", "10.0.0.1/8", "that network is 10.0.0.0/8"),
        ("CALLBACK_TOKEN", "short", "too short"),
        ("CALLBACK_TOKEN", f"{'a' * 16} short", "too short"),
        ("CALLBACK_TOKEN", "a" * 16 + "/", "not URL-safe"),
        ("CALLBACK_TOKEN", "ü" * 16, "not URL-safe"),
        ("CALLBACK_TOKEN", " ", "too short"),
        ("REDIS_URL", "localhost:6379", "not the URL of a Redis server"),
        ("REDIS_URL", "http://localhost", "not the URL of a Redis server"),
        ("REDIS_URL", "redis://", "names no host"),
        ("REDIS_URL", "redis://host:99999", "not a URL"),
        ("REDIS_URL", "redis://host/zero", "not a database number"),
        ("REDIS_URL", "unix://", "names no socket"),
        ("REDIS_URL", "unix:/run/redis.sock", "not the URL of a Redis server"),
        ("REDIS_URL", "REDIS://host", "not the URL of a Redis server"),
        ("REDIS_URL", "redis://host/0?password=hunter2", "has an unknown option in its query"),
        ("REDIS_URL", "redis://host?timeout=5", "has an unknown option in its query"),
        ("REDIS_URL", "redis://host?db=1", "has an unknown option in its query"),
        ("REDIS_URL", "unix:///run/redis.sock?db=one", "has a `db` that is not a number"),
        ("REDIS_URL", "unix:///run/redis.sock?db=0&password=hunter2", "has an unknown option in its query"),
        ("BROKER_URL", "redis://host?socket_timeout=abc", "has an unknown option in its query"),
        ("BROKER_URL", "pyamqp://host", "not the URL of a Redis server"),
        ("SINK_SECRET", "secret", "does not start with whsec_ or whsk_"),
        ("SINK_SECRET", "whpk_" + "QUFB" * 8, "does not start with whsec_ or whsk_"),
        ("SINK_SECRET", "whsec_$", "not base64"),
        ("SINK_SECRET", "whsec_QUFB", "wrong length"),
        ("SINK_SECRET", "whsec_" + "QUFB" * 22, "wrong length"),
        ("SINK_SECRET", "whsk_$", "not base64 after whsk_"),
        ("SINK_SECRET", "whsk_" + "QUFB" * 8, "wrong length; give whsec_"),
        ("SINK_SECRET", f"{SECRET} whsk_QUFB", "wrong length"),
        ("SINK_SECRET", " ".join([SECRET] * 5), "not one to 4 secrets"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: 'loud' is not one of them; give one of DEBUG, INFO, WARNING"),
        ("LOG_FORMAT", "xml", "give one of json, console"),
    ],
)
def test_a_wrong_value_is_told_with_the_variables_name_and_what_would_be_right(name, text, wrong):
    problem = problem_with(name, text)
    assert problem.startswith(f"{name}: ")
    assert wrong in problem
    assert "; give " in problem


def test_everything_wrong_is_told_at_once_in_one_line_each():
    wrong = {"PORT": "x", "EXOTEL_QUOTA": "x", "SINKS": "gopher://x", "LOG_LEVEL": "x", "REDIS_URL": "x"}
    with pytest.raises(SettingsError) as caught:
        load_settings(ACCOUNT | wrong, directory=NOWHERE)
    problems = caught.value.problems
    assert sorted(problem.split(":")[0] for problem in problems) == sorted(wrong)
    assert str(caught.value) == "\n".join(problems)
    assert not any("\n" in problem for problem in problems)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("REDIS_URL", "redis://user:hunter2@host:notaport/0"),
        ("REDIS_URL", "hunter2@host"),
        ("BROKER_URL", "amqp://user:hunter2@host"),
        ("EXOTEL_API_KEY", "hunter2 hunter2"),
        ("EXOTEL_API_TOKEN", "hunter2\thunter2"),
        ("EXOTEL_BASE_URL", "https://user:hunter2@host"),
        ("CALLBACK_TOKEN", "hunter2"),
        ("CALLBACK_TOKEN", "hunter2 hunter2/hunter2/hunter2"),
        ("SINKS", "gopher://user:hunter2@host"),
        ("SINKS", "user:hunter2@host"),
        ("SINKS", "file:x hunter2"),
        ("SINK_SECRET", "hunter2"),
        ("SINK_SECRET", "whsec_hunter2!"),
        ("CALLBACK_TOKEN_FILE", "hunter2"),
        ("PORT_FILE", "hunter2"),
    ],
)
def test_no_problem_shows_a_secret(name, text):
    environ = ACCOUNT | {name: text}
    if name.endswith("_FILE"):
        environ.pop(name.removesuffix("_FILE"), None)
    (problem,) = problems_of(environ)
    assert "hunter2" not in problem


def test_no_repr_shows_a_secret():
    secrets = {
        "REDIS_URL": "redis://user:hunter2@host",
        "BROKER_URL": "redis://user:hunter2@host",
        "EXOTEL_API_KEY": "hunter2",
        "EXOTEL_API_TOKEN": "hunter2",
        "CALLBACK_TOKEN": "hunter2-hunter2-hunter2",
        "CONSOLE_PASSWORD": "hunter2",
        "SINKS": "postgresql://user:hunter2@host/db https://host/hunter2",
        "SINK_SECRET": SECRET,
    }
    settings = load_settings(ACCOUNT | secrets, directory=NOWHERE)
    assert "hunter2" not in repr(settings)
    assert SECRET not in repr(settings)


def test_the_broker_is_the_redis_of_the_ledger_unless_it_is_another():
    ledger = {"REDIS_URL": "redis://ledger"}
    assert load_settings(ACCOUNT | ledger, directory=NOWHERE).broker_url == "redis://ledger"
    both = ledger | {"BROKER_URL": "redis://broker"}
    assert load_settings(ACCOUNT | both, directory=NOWHERE).broker_url == "redis://broker"


def test_a_name_that_is_nearly_ours_is_a_warning():
    environ = ACCOUNT | {"EXOTEL_QUTOA": "100", "SINK": "file:x", "CALLBACK_TOKENS_FILE": "x", "PATH": "/bin"}
    assert load_settings(environ, directory=NOWHERE).warnings == (
        "EXOTEL_QUTOA: is not a setting (did you mean EXOTEL_QUOTA?)",
        "SINK: is not a setting (did you mean SINKS?)",
        "CALLBACK_TOKENS_FILE: is not a setting (did you mean CALLBACK_TOKEN?)",
    )


def test_a_config_file_that_is_named_must_be_there(tmp_path):
    (problem,) = problems_of(ACCOUNT | {"LEGWORK_CONFIG": "other.toml"}, tmp_path)
    assert problem.startswith("LEGWORK_CONFIG: other.toml cannot be read (No such file or directory); ")
    (tmp_path / "other.toml").touch()
    settings = load_settings(ACCOUNT | {"LEGWORK_CONFIG": "other.toml"}, directory=tmp_path)
    assert settings.legwork_config == Path("other.toml")
