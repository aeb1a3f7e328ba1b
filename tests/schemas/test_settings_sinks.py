"""The sinks: by URL, in legwork.toml, and what each is called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some
from settings_kit import ACCOUNT, NOWHERE, problem_with, problems_of

from schemas.settings import SettingsError, load_settings

SECRET = "whsec_" + "QUFB" * 8
TABLE = '[[sinks]]\nname = "crm"\nurl = "https://crm.example.com/hooks"\n'


def names_of(sinks):
    return [sink.name for sink in load_settings(ACCOUNT | {"SINKS": sinks}, directory=NOWHERE).sinks]


@pytest.fixture
def toml(tmp_path):
    def write(text):
        (tmp_path / "legwork.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("sinks", "names"),
    [
        ("file:records.jsonl", ["file"]),
        ("file:///var/records.jsonl stdout: folder:///var/records", ["file", "stdout", "folder"]),
        (
            "https://crm.example.com/hooks?x=1 http://127.0.0.1:9000/",
            ["https-crm-example-com", "http-127-0-0-1"],
        ),
        ("https://crm/a https://crm/b https://erp/c", ["https-crm", "https-crm-2", "https-erp"]),
        ("postgresql+psycopg://user:pass@db:5432/calls?table=x", ["postgresql-db"]),
        ("postgresql:///calls sqlite:///rel.db", ["postgresql", "sqlite"]),
        ("redis://:pass@cache:6379/0?stream=calls", ["redis-cache"]),
        ("amqp://user:pass@[::1]:5672/vhost", ["amqp-1"]),
        ("HTTPS://CRM/a", ["https-crm"]),
        ("acme.sinks:Crm?x=1", ["acme-sinks-crm"]),
        ("s3://bucket/prefix gs://bucket kafka://broker/topic", ["s3-bucket", "gs-bucket", "kafka-broker"]),
    ],
)
def test_a_sink_without_a_name_is_called_after_its_kind_and_host(sinks, names):
    assert names_of(sinks) == names


@given(some.text(some.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1))
def test_every_made_up_name_is_a_name(rest):
    try:
        names = names_of(f"https://{rest} https://{rest}")
    except SettingsError:
        return
    assert len(set(names)) == 2
    assert all(re.fullmatch("[a-z0-9][a-z0-9_-]{0,63}", name) for name in names)


@pytest.mark.parametrize("password", ["hunter2", "hun%2Fter2", "hun@ter2", "hun:ter2"])
def test_no_name_holds_a_part_of_a_password(password):
    (name,) = names_of(f"redis://u:{password}@cache:6379/0")
    assert name == "redis-cache"


@pytest.mark.parametrize(
    ("sinks", "wrong"),
    [
        ("gopher://x", "SINKS: the value has an unknown scheme; give a URL with one of these schemes: "),
        ("postgres://x", "has an unknown scheme (did you mean postgresql://?)"),
        ("https+x://host", "has an unknown scheme"),
        ("records.jsonl", "has an unknown scheme"),
        ("file:x gopher://x", "has a sink, number 2, that has an unknown scheme"),
        (
            "https:///x gopher://x",
            "sink, number 1, that names no host; has a sink, number 2, that has an unknown scheme",
        ),
        (" ", "is empty"),
    ],
)
def test_a_sink_of_an_unknown_kind_is_a_problem(sinks, wrong):
    assert wrong in problem_with("SINKS", sinks)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("https:///path", "names no host"),
        ("http:path", "names no host"),
        ("https://[::1/path", "is not a URL"),
        ("https://a,b/path", "names several hosts, but only one is allowed"),
        ("https://host:port/path", "is not a URL: its port is not a number up to 65535"),
        ("https://host:65536/path", "is not a URL: its port is not a number up to 65535"),
        ("amqp:///vhost", "names no host"),
        ("kafka:///?topic=calls", "names no host"),
        ("redis:///0", "names no host"),
        ("s3:///prefix", "names no bucket"),
        ("postgresql://host:port/x", "is not a URL: its port is not a number up to 65535"),
    ],
)
def test_a_url_that_leads_nowhere_is_a_problem_of_the_settings(url, wrong):
    """`legwork check` found it out after Redis and Exotel had been tried, and a webhook added at run time at once."""
    assert wrong in problem_with("SINKS", url)


def test_the_signing_secret_is_for_the_webhooks_among_the_urls(toml):
    environ = ACCOUNT | {"SINKS": "file:x https://a http://b", "SINK_SECRET": SECRET}
    settings = load_settings(environ, directory=toml(TABLE))
    assert [sink.secrets for sink in settings.sinks] == [(), (SECRET,), (SECRET,), ()]


def test_a_table_describes_a_sink_and_other_keys_are_its_options(toml):
    directory = toml(
        TABLE
        + 'secret = "env:CRM_SECRET"\ntypes = ["legwork.call.completed"]\naccounts = ["acme1m"]\n'
        + 'timeout = 3\nheaders = {x = "y"}\nkey = "env:CRM_KEY"\n'
    )
    environ = ACCOUNT | {"CRM_SECRET": SECRET, "CRM_KEY": "hunter2"}
    (sink,) = load_settings(environ, directory=directory).sinks
    assert (sink.name, sink.url) == ("crm", "https://crm.example.com/hooks")
    assert (sink.secrets, sink.types, sink.accounts) == ((SECRET,), ("legwork.call.completed",), ("acme1m",))
    assert sink.options == {"timeout": 3, "headers": {"x": "y"}, "key": "hunter2"}
    assert "hunter2" not in repr(sink)


def test_the_default_sink_gives_way_to_those_of_the_file(toml):
    settings = load_settings(ACCOUNT, directory=toml(TABLE))
    assert [sink.name for sink in settings.sinks] == ["crm"]
    assert settings.sources["SINKS"] == "legwork.toml"


def test_the_sinks_of_the_environment_stand_beside_those_of_the_file(toml):
    settings = load_settings(ACCOUNT | {"SINKS": "file:records.jsonl"}, directory=toml(TABLE))
    assert [sink.name for sink in settings.sinks] == ["file", "crm"]


def test_a_made_up_name_leaves_the_names_of_the_file_alone(toml):
    table = '[[sinks]]\nname = "file"\nurl = "file:a.jsonl"\n'
    settings = load_settings(ACCOUNT | {"SINKS": "file:b.jsonl"}, directory=toml(table))
    assert [(sink.name, sink.url) for sink in settings.sinks] == [
        ("file-2", "file:b.jsonl"),
        ("file", "file:a.jsonl"),
    ]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (
            "[[sinks]]\nurl = 'file:x'",
            "sinks[1].name: is missing; give up to 64 small letters, digits, - and _; not `fetch`",
        ),
        ("[[sinks]]\nname = 'x'", "sinks[1].url: is missing; give a URL with one of these schemes"),
        ("[[sinks]]\nname = 'A'\nurl = 'file:x'", "sinks[1].name: 'A' is not a name"),
        ("[[sinks]]\nname = 'crm'\nurl = 'file:x'", "sinks[1].name: 'crm' is taken; give each sink its own"),
        ("[[sinks]]\nname = 'x'\nurl = 'gopher:'", "sinks[1].url: the value has an unknown scheme"),
        ("[[sinks]]\nname = 'x'\nurl = ''", "sinks[1].url: the value is empty"),
        ("secret = 'hunter2'", "sinks[0].secret: the value does not start with whsec_"),
        (
            "types = ['call.completed']",
            "sinks[0].types: the value is not a type of record (did you mean legwork.call.completed?); give a list of",
        ),
        ("types = []", "sinks[0].types: the value is empty"),
        ("accounts = ['acme2m']", "sinks[0].accounts: 'acme2m' is not an account (did you mean acme1m?)"),
        ("key = 'env:NOWHERE'", "sinks[0].key: refers to NOWHERE, which is not set"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_by_its_full_name(toml, line, wrong):
    (problem,) = problems_of(ACCOUNT, toml(TABLE + line))
    assert problem.startswith(f"legwork.toml: {wrong}")
    assert "hunter2" not in problem


@given(
    some.dictionaries(
        some.sampled_from(["SINKS", "REDIS_URL", "EXOTEL_BASE_URL", "PORT", "CALLBACK_ALLOW"]), some.text()
    )
)
def test_any_text_is_read_or_refused_and_nothing_else(environ):
    for problem in problems_of(ACCOUNT | environ):
        assert problem.split(":")[0] in environ
        assert "\n" not in problem


def test_a_sink_may_ask_for_operator_records(toml):
    """Their names hold underscores, which were refused, so none of them could be asked for."""
    folder = toml(TABLE + 'types = ["legwork.operator.account_suspended"]\n')
    (sink,) = load_settings(ACCOUNT, directory=folder).sinks
    assert sink.types == ("legwork.operator.account_suspended",)
