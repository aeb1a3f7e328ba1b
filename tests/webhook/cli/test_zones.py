"""Times without a zone, where the accounts' clocks differ: at any moment the date is not the same in all of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cli_kit import SECRETS, run
from factories import make_callback

from schemas.settings import load_settings
from worker.connections import connect
from worker.ledger import Ledger

EARLY, LATE = "Pacific/Kiritimati", "America/New_York"  # the first is ahead by eighteen hours, or nineteen
ACCOUNTS = "".join(
    f"""
[[accounts]]
sid = "{sid}"
api_key = "the-key"
api_token = "{SECRETS["EXOTEL_API_TOKEN"]}"
callback_token = "callback-token-of-{sid}"
timezone = "{zone}"
"""
    for sid, zone in (("late", LATE), ("early", EARLY))
)
SINKS = """
[[sinks]]
name = "all"
url = "stdout:"

[[sinks]]
name = "crm"
url = "stdout:"
accounts = ["late"]
"""
CALL_OF = {"early": "callofearly01", "late": "calloflate001"}


@pytest.fixture
def place(redis_url, tmp_path):
    """A directory with two accounts, of each of which a call waits that has been due for a moment."""
    (tmp_path / "legwork.toml").write_text(ACCOUNTS + SINKS)
    settings = load_settings({"REDIS_URL": redis_url}, directory=tmp_path)
    ledger = Ledger(connect(settings), settings)
    ledger.open()
    for sid, call_sid in CALL_OF.items():
        ledger.calls[sid].admit(make_callback(call_sid), wait_seconds=0)
    return tmp_path


@pytest.fixture
def legwork(redis_url, place):
    def asked(*given):
        return run(*given, redis_url=redis_url, exotel_account_sid="", exotel_api_key="", sinks="", directory=place)

    return asked


def an_hour_ago(hours_ahead):
    """What a clock so far ahead of UTC showed an hour ago."""
    return (datetime.now(UTC) + timedelta(hours=hours_ahead - 1)).strftime("%Y-%m-%dT%H:%M")


def test_an_account_is_asked_by_its_own_clock_alone(legwork):
    """A time that the account's clock had passed was refused, because it lay ahead of another account's clock."""
    listed = legwork("calls", "list", "--account", "early", "--since", an_hour_ago(14), "--json")
    assert [call["call_sid"] for call in json.loads(listed.stdout)] == [CALL_OF["early"]]
    assert legwork("replay", "--account", "early", "--since", an_hour_ago(14), "--dry-run").exit_code == 0


def test_accounts_whose_clock_is_not_there_yet_are_left_out(legwork):
    listed = legwork("calls", "list", "--since", an_hour_ago(14), "--json")
    assert [call["call_sid"] for call in json.loads(listed.stdout)] == [CALL_OF["early"]]
    assert legwork("replay", "--since", an_hour_ago(14), "--dry-run").exit_code == 0
    for sink, code in (("all", 0), ("crm", 2)):  # the second gets nothing of the account that is ahead
        assert legwork("sinks", "recover", sink, "--since", an_hour_ago(14), "--dry-run").exit_code == code
    both = legwork("calls", "list", "--since", an_hour_ago(-5), "--json")
    assert {call["call_sid"] for call in json.loads(both.stdout)} == set(CALL_OF.values())


def test_a_time_ahead_of_every_clock_is_refused(legwork):
    for given in (["calls", "list"], ["replay"], ["calls", "list", "--account", "late"]):
        result = legwork(*given, "--since", an_hour_ago(16))
        assert result.exit_code == 2
        assert "the time span is empty" in result.stderr
