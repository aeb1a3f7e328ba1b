"""The accounts: by environment, in legwork.toml, and both."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from settings_kit import ACCOUNT, NOWHERE, problems_of

from schemas.settings import SettingsError, load_settings

TABLE = """
[[accounts]]
sid = "acme2m"
api_key = "env:ACME2_KEY"
api_token = "env:ACME2_TOKEN"
callback_token = "env:ACME2_CALLBACK_TOKEN"
"""

VARIABLES_OF_TABLE = {
    "ACME2_KEY": "key-of-acme2",
    "ACME2_TOKEN": "token-of-acme2",
    "ACME2_CALLBACK_TOKEN": "callback-token-of-acme2",
}


@pytest.fixture
def toml(tmp_path):
    def write(text):
        (tmp_path / "legwork.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_four_variables_make_an_account():
    settings = load_settings(ACCOUNT | {"EXOTEL_QUOTA": "50", "EXOTEL_QUOTA_SECONDS": "1.5"}, directory=NOWHERE)
    (account,) = settings.accounts
    assert account is settings.account("acme1m")
    assert (account.api_key, account.api_token) == ("key-of-acme", "token-of-acme")
    assert account.callback_tokens == ("callback-token-of-acme",)
    assert account.base_url == "https://api.exotel.com"
    assert (account.quota, account.quota_seconds) == (50, 1.5)
    assert account.timezone == ZoneInfo("Asia/Kolkata")
    assert account.timeout_seconds == 15
    assert account.region == "IN"


def test_the_base_url_goes_before_the_subdomain():
    environ = ACCOUNT | {"EXOTEL_SUBDOMAIN": "api.in.exotel.com"}
    assert load_settings(environ, directory=NOWHERE).account("acme1m").base_url == "https://api.in.exotel.com"
    environ |= {"EXOTEL_BASE_URL": "http://127.0.0.1:8010"}
    assert load_settings(environ, directory=NOWHERE).account("acme1m").base_url == "http://127.0.0.1:8010"


def test_no_account_is_known_by_another_sid():
    with pytest.raises(KeyError):
        load_settings(ACCOUNT, directory=NOWHERE).account("acme2m")


def test_without_any_account_both_ways_are_told():
    problems = problems_of({})
    assert [problem.split(":")[0] for problem in problems] == list(ACCOUNT)
    assert "or describe the account in legwork.toml" in problems[0]


@pytest.mark.parametrize("missing", ACCOUNT)
def test_half_an_account_is_a_problem(missing):
    (problem,) = problems_of({name: value for name, value in ACCOUNT.items() if name != missing})
    assert problem.startswith(f"{missing}: is not set; give ")


def test_a_table_makes_an_account_out_of_the_variables_that_it_refers_to(toml):
    directory = toml(TABLE + 'subdomain = "api.in.exotel.com"\nquota = 60\ntimezone = "UTC"\nregion = "SG"\n')
    (account,) = load_settings(VARIABLES_OF_TABLE, directory=directory).accounts
    assert (account.sid, account.api_key, account.api_token) == ("acme2m", "key-of-acme2", "token-of-acme2")
    assert account.callback_tokens == ("callback-token-of-acme2",)
    assert account.base_url == "https://api.in.exotel.com"
    assert (account.quota, account.quota_seconds) == (60, 60)
    assert (account.timezone, account.region) == (ZoneInfo("UTC"), "SG")


def test_what_a_table_leaves_out_is_as_the_variables_say(toml):
    environ = VARIABLES_OF_TABLE | {"EXOTEL_BASE_URL": "http://127.0.0.1:8010", "EXOTEL_QUOTA": "5"}
    account = load_settings(environ, directory=toml(TABLE)).account("acme2m")
    assert (account.base_url, account.quota) == ("http://127.0.0.1:8010", 5)


def test_an_accounts_own_subdomain_goes_before_the_base_url_of_all(toml):
    environ = VARIABLES_OF_TABLE | {"EXOTEL_BASE_URL": "http://127.0.0.1:8010"}
    own_host = TABLE + 'subdomain = "api.in.exotel.com"\n'
    assert load_settings(environ, directory=toml(own_host)).account("acme2m").base_url == "https://api.in.exotel.com"
    own_url = own_host + 'base_url = "https://proxy.example.com"\n'
    assert load_settings(environ, directory=toml(own_url)).account("acme2m").base_url == "https://proxy.example.com"


def test_an_account_never_takes_its_identity_from_the_environment(toml):
    problems = problems_of(ACCOUNT, toml("[[accounts]]\n"))
    assert [problem.split(":")[1].strip() for problem in problems] == [
        "accounts[0].sid",
        "accounts[0].api_key",
        "accounts[0].api_token",
        "accounts[0].callback_token",
    ]


def test_a_reference_may_be_to_a_file(toml):
    directory = toml(TABLE)
    (directory / "key").write_text("key-out-of-a-file\n", encoding="utf-8")
    environ = VARIABLES_OF_TABLE | {"ACME2_KEY": "", "ACME2_KEY_FILE": "key"}
    assert load_settings(environ, directory=directory).account("acme2m").api_key == "key-out-of-a-file"


def test_a_reference_to_nothing_is_told_by_the_tables_key_and_the_variables_name(toml):
    environ = VARIABLES_OF_TABLE | {"ACME2_KEY": "", "ACME2_TOKEN_FILE": "nowhere", "ACME2_TOKEN": ""}
    unset, unreadable = problems_of(environ, toml(TABLE))
    assert unset.startswith("legwork.toml: accounts[0].api_key: refers to ACME2_KEY, which is not set; ")
    assert unreadable.startswith("legwork.toml: accounts[0].api_token: ACME2_TOKEN_FILE: names a file that cannot")


def test_a_secret_that_was_written_as_a_reference_is_not_shown(toml):
    (problem,) = problems_of(VARIABLES_OF_TABLE, toml(TABLE.replace("env:ACME2_KEY", "env:hunter2")))
    assert "hunter2" not in problem


def test_what_a_reference_stands_for_is_not_shown_whatever_the_key(toml):
    (problem,) = problems_of(VARIABLES_OF_TABLE, toml(TABLE + 'quota = "env:ACME2_KEY"\n'))
    assert problem == (
        "legwork.toml: accounts[0].quota: the value is not a whole number; give a whole number, 1 or more"
    )


def test_the_account_by_environment_is_served_beside_those_of_the_file(toml):
    settings = load_settings(ACCOUNT | VARIABLES_OF_TABLE, directory=toml(TABLE))
    assert [account.sid for account in settings.accounts] == ["acme1m", "acme2m"]


def test_half_an_account_by_environment_is_a_warning_beside_a_file(toml):
    environ = VARIABLES_OF_TABLE | ACCOUNT | {"EXOTEL_API_KEY": ""}
    settings = load_settings(environ, directory=toml(TABLE))
    assert [account.sid for account in settings.accounts] == ["acme2m"]
    assert settings.warnings == ("EXOTEL_ACCOUNT_SID: does not make an account without EXOTEL_API_KEY",)


def test_variables_that_the_file_refers_to_are_neither_an_account_nor_a_warning(toml):
    table = TABLE.replace("ACME2_KEY", "EXOTEL_API_KEY").replace("ACME2_TOKEN", "EXOTEL_API_TOKEN_2")
    environ = VARIABLES_OF_TABLE | {"EXOTEL_API_KEY": "key", "EXOTEL_API_TOKEN_2": "token"}
    assert load_settings(environ, directory=toml(table)).warnings == ()


def test_no_account_is_described_twice(toml):
    environ = ACCOUNT | VARIABLES_OF_TABLE | {"EXOTEL_ACCOUNT_SID": "acme2m"}
    (problem,) = problems_of(environ, toml(TABLE))
    assert problem.startswith("legwork.toml: accounts[0].sid: 'acme2m' is described twice; ")


def test_no_two_accounts_share_a_callback_token(toml):
    tokens = {
        "CALLBACK_TOKEN": "first-token-of-acme shared-token-of-both",
        "ACME2_CALLBACK_TOKEN": "shared-token-of-both",
    }
    (problem,) = problems_of(ACCOUNT | VARIABLES_OF_TABLE | tokens, toml(TABLE))
    assert problem.startswith("legwork.toml: accounts[0].callback_token: is also another account's; ")
    assert "shared-token" not in problem


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("quota = 0", "accounts[0].quota: 0 is out of range; give a whole number, 1 or more"),
        ("quota = 1.5", "accounts[0].quota: 1.5 is not a whole number"),
        ("quota = true", "accounts[0].quota: True is neither a text nor a number"),
        ("quota = [200]", "accounts[0].quota: the value is neither a text nor a number"),
        ("quota_seconds = inf", "accounts[0].quota_seconds: inf is out of range"),
        ("timezone = 'India'", "accounts[0].timezone: 'India' is not a time zone"),
        ("region = 'India'", "accounts[0].region: 'India' is not a country's code"),
        ("base_url = 'x'", "accounts[0].base_url: the value is not the URL of a web server"),
        ("qota = 5", "accounts[0]: 'qota' is not known here (did you mean quota?); known are sid, api_key"),
        ("zebra = 5", "accounts[0]: 'zebra' is not known here; known are sid, api_key"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_by_its_full_name(toml, line, wrong):
    (problem,) = problems_of(VARIABLES_OF_TABLE, toml(TABLE + line))
    assert problem.startswith(f"legwork.toml: {wrong}")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("sid = \n", "legwork.toml: Invalid value (at line 1, column 7); "),
        ("[[account]]\n", "legwork.toml: 'account' is not known here (did you mean accounts?); "),
        (
            "[accounts]\n",
            "legwork.toml: accounts is not a list of tables; begin each of them with [[accounts]]",
        ),
        ("sinks = [1]\n", "legwork.toml: sinks is not a list of tables; begin each of them with [[sinks]]"),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_problem(toml, text, wrong):
    (problem,) = problems_of({}, toml(text))
    assert problem.startswith(wrong)


def test_a_file_that_is_no_text_is_a_problem(tmp_path):
    (tmp_path / "legwork.toml").write_bytes(b"\xff")
    assert problems_of({}, tmp_path) == ["legwork.toml: is not a text file; save it as UTF-8"]


def test_problems_name_the_file_as_it_was_named(tmp_path):
    (tmp_path / "other.toml").write_text(TABLE + "quota = 0\n", encoding="utf-8")
    (problem,) = problems_of(VARIABLES_OF_TABLE | {"LEGWORK_CONFIG": "other.toml"}, tmp_path)
    assert problem.startswith("other.toml: accounts[0].quota: ")


def test_the_problems_of_variables_and_of_the_file_are_told_together(toml):
    with pytest.raises(SettingsError) as caught:
        load_settings(ACCOUNT | {"PORT": "x", "ACME2_KEY": "k"}, directory=toml(TABLE + "quota = 0\n"))
    names = [problem.split("; ")[0].split(" is ")[0] for problem in caught.value.problems]
    assert names[0].startswith("PORT: ")
    assert [name.split(": ")[1] for name in names[1:]] == [
        "accounts[0].api_token",
        "accounts[0].callback_token",
        "accounts[0].quota",
    ]


def test_the_example_file_is_right():
    root = Path(__file__).parents[2]
    environ = VARIABLES_OF_TABLE | {
        "ACME_KEY": "key-of-acme",
        "ACME_TOKEN": "token-of-acme",
        "ACME_CALLBACK_TOKEN": "callback-token-of-acme",
        "CRM_SECRET": "whsec_" + "QUFB" * 8,
        "WAREHOUSE_URL": "postgresql://user:password@host/database?table=calls",
        "LEGWORK_CONFIG": str(root / "legwork.example.toml"),
    }
    settings = load_settings(environ, directory=NOWHERE)
    assert [account.sid for account in settings.accounts] == ["acme1m", "acme2m"]
    assert [sink.name for sink in settings.sinks] == ["crm", "warehouse", "archive"]
