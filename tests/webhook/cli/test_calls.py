from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run, settle
from end_to_end.stage import wait_until
from factories import ACCOUNT, make_callback

from worker.ledger.backlog import Lane
from worker.ledger.queries.number_search import LOOKED_THROUGH

SETTLED, DEAD, WAITING = "settled0001", "dead00000001", "waiting00001"
HOUR_MS = 3_600_000


@pytest.fixture
def ledger(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, SETTLED)
    settle(ledger, DEAD, "dead", "404: unknown [call]")
    ledger.calls[ACCOUNT].admit(make_callback(WAITING), wait_seconds=50)
    return ledger


def test_a_search_that_finds_nothing_says_that_a_part_of_a_number_will_not_do(redis_url, ledger):
    found = run("calls", "find", "9001", redis_url=redis_url)
    assert "3 call(s) searched; 0 with this number." in found.output
    assert "Part of a number finds nothing: give all of it" in found.output
    whole = run("calls", "find", "+919000099999", redis_url=redis_url)
    assert "Part of a number" not in whole.output


def test_a_search_that_finds_nothing_exits_with_1_and_one_that_finds_with_0(redis_url, ledger):
    def code(number, *options):
        return run("calls", "find", number, *options, redis_url=redis_url).exit_code

    assert (code("+919000099999"), code("+919000000002")) == (1, 0)
    assert (code("+919000099999", "--json"), code("+919000000002", "--json")) == (1, 0)
    assert json_of("calls", "find", "+919000099999", code=1, redis_url=redis_url) == []


def test_the_list_has_every_call_once_the_newest_first(redis_url, ledger):
    listed = json_of("calls", "list", redis_url=redis_url)
    assert [(call["call_sid"], call["state"]) for call in listed] == [
        (WAITING, "waiting"),
        (DEAD, "dead"),
        (SETTLED, "settled"),
    ]
    assert listed[1]["reason"] == "404: unknown [call]"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--state", "dead"], {DEAD}),
        (["--state", "fetching"], set()),
        (["--account", ACCOUNT, "--limit", "2"], {WAITING, DEAD}),
    ],
)
def test_the_list_can_be_narrowed_down(redis_url, ledger, options, found):
    assert {call["call_sid"] for call in json_of("calls", "list", *options, redis_url=redis_url)} == found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--since", "90m"], [WAITING, DEAD]),
        (["--since", "90m", "--state", "dead"], [DEAD]),
        (["--until", "90m"], [SETTLED]),
        (["--since", "4h", "--until", "30m"], [DEAD, SETTLED]),
        (["--since", "4h", "--limit", "1"], [WAITING]),
    ],
)
def test_a_span_of_time_goes_by_when_a_call_got_where_it_is(redis_url, ledger, options, found):
    book, now_ms = ledger.calls[ACCOUNT], ledger.now_ms()
    ledger.client.zadd(book.key("settled"), {SETTLED: now_ms - 2 * HOUR_MS})
    ledger.client.zadd(book.key("dead"), {DEAD: now_ms - HOUR_MS})
    listed = json_of("calls", "list", *options, redis_url=redis_url)
    assert [call["call_sid"] for call in listed] == found


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("2026-09-16T11:00", "2026-09-16T11:01", [SETTLED]),
        ("2026-09-16T05:30Z", "2026-09-16T05:31Z", [SETTLED]),
        ("2026-09-16T10:59", "2026-09-16T11:00", []),
        ("2026-09-16T11:00Z", "2026-09-16T11:01Z", []),
    ],
)
def test_a_time_without_a_zone_is_what_the_clocks_of_the_account_show(redis_url, ledger, since, until, found):
    at = datetime(2026, 9, 16, 5, 30, tzinfo=UTC)
    ledger.client.zadd(ledger.calls[ACCOUNT].key("settled"), {SETTLED: at.timestamp() * 1000})
    listed = json_of("calls", "list", "--since", since, "--until", until, redis_url=redis_url)
    assert [call["call_sid"] for call in listed] == found


@pytest.mark.parametrize("number", ["+919000000002", "09000000002", "+91 90000-00002"])
def test_calls_are_found_by_a_number_however_it_is_written(redis_url, ledger, number):
    ledger.calls[ACCOUNT].admit(make_callback("other0000001", From="09000000003"), wait_seconds=50)
    assert {call["call_sid"] for call in json_of("calls", "find", number, redis_url=redis_url)} == {SETTLED, DEAD}
    text = run("calls", "find", number, redis_url=redis_url).stdout
    assert SETTLED in text
    assert "4 call(s) searched; 2 with this number." in text
    assert number not in text


def test_a_number_can_be_read_from_standard_input(redis_url, ledger):
    result = run("calls", "find", "-", "--json", redis_url=redis_url, typed="09000000002\n")
    assert {call["call_sid"] for call in json.loads(result.stdout)} == {SETTLED, DEAD}


def test_all_calls_are_looked_through_however_many_there_are(redis_url, ledger):
    book = ledger.calls[ACCOUNT]
    for number in range(LOOKED_THROUGH):
        book.admit(make_callback(f"later{number:05}"), wait_seconds=50)
    assert len(json_of("calls", "find", "+919000000002", redis_url=redis_url)) == 2


def test_a_search_that_is_broken_off_says_how_far_it_came(redis_url, client):
    """It said that what was done is done, and that the rest would follow if it were run again: of a search neither is true."""
    ledger = open_ledger(redis_url)
    due = {f"call{number:06}": 1_790_000_000_000 + number for number in range(20 * LOOKED_THROUGH)}
    client.zadd(ledger.calls[ACCOUNT].key("settled"), due)
    client.config_resetstat()
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url}
    command = [sys.executable, "-m", "webhook.cli", "calls", "find", "+919000000002"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: "cmdstat_zrevrangebyscore" in client.info("commandstats"), "the search")
        process.send_signal(signal.SIGINT)
        answered, said = process.communicate()
    assert (process.returncode, answered) == (130, "")
    assert re.fullmatch(
        r"interrupted: [0-9,]+ call\(s\) searched; 0 with this number; run it again to search all\n",
        said,
    )


@pytest.mark.parametrize("number", ["", "Mrs Mehta", "+91", "sip:"])
def test_what_is_no_number_is_bad_usage(redis_url, number):
    result = run("calls", "find", number, redis_url=redis_url)
    assert result.exit_code == 2
    assert "give +919000000001" in result.stderr


def test_a_settled_call_that_is_being_confirmed_is_settled(redis_url, ledger):
    ledger.client.zadd(ledger.calls[ACCOUNT].fetches.leases_key, {SETTLED: 9e15})
    states = {call["call_sid"]: call["state"] for call in json_of("calls", "list", redis_url=redis_url)}
    assert states[SETTLED] == "settled"


def test_people_see_what_comes_next(redis_url, ledger):
    text = run("calls", "list", redis_url=redis_url).stdout
    assert "fetch in" in text
    assert "404: unknown [call]" in text


@pytest.mark.parametrize("options", [["--account", "nobody"], ["--state", "asleep"], ["--limit", "0"]])
def test_what_cannot_be_listed_is_bad_usage(redis_url, options):
    assert run("calls", "list", *options, redis_url=redis_url).exit_code == 2


def test_the_story_has_all_that_the_ledger_holds(redis_url, ledger):
    story = json_of("calls", "show", SETTLED, redis_url=redis_url)
    assert (story["state"], story["revision"], story["fetches"]) == ("settled", 1, 1)
    assert [(callback["kind"], callback["event"]) for callback in story["callbacks"]] == [("status", "terminal")]
    assert [step["answer"] for step in story["steps"]] == ["200: final"]
    assert story["records"]["1/completed"]["subject"] == SETTLED
    assert list(story["deliveries"]) == ["stdout/1/completed"]


def test_the_story_draws_a_bar_for_each_leg_with_its_number(redis_url, ledger):
    text = run("calls", "show", SETTLED, redis_url=redis_url).stdout
    legs = json_of("calls", "show", SETTLED, redis_url=redis_url)["records"]["1/completed"]["data"]["legs"]
    for leg in legs:
        (line,) = [line for line in text.splitlines() if leg["role"] in line and leg["number"] in line]
        assert "█" in line


def test_the_story_of_a_dead_call_says_why(redis_url, ledger):
    assert "404: unknown [call]" in run("calls", "show", DEAD, redis_url=redis_url).stdout


def test_a_call_that_is_not_there_is_found_wrong(redis_url, ledger):
    result = run("calls", "show", "nowhere00001", redis_url=redis_url)
    assert result.exit_code == 1
    assert "no such call" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("sid", ["short", "with-a-dash", "x" * 65, "with space"])
def test_what_is_no_callsid_is_bad_usage(redis_url, sid):
    assert run("calls", "show", sid, redis_url=redis_url).exit_code == 2


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_exotel_wrote_is_listed_without_numbers_secrets_and_control_characters(redis_url, ledger, form):
    """`run` looks for the secrets."""
    settle(ledger, "dead00000002", "dead", f"404: no +919000000001 for {ENVIRON['EXOTEL_API_TOKEN']}\x1b[2J")
    text = run("calls", "list", *form, redis_url=redis_url).stdout
    assert "for ***" in text
    assert "9000000001" not in text
    assert "\x1b" not in text
    assert "\\u001b" not in text


def test_a_story_moves_no_cursor(redis_url, ledger):
    settle(ledger, "dead00000002", "dead", "404: no\x1b[2J")
    text = run("calls", "show", "dead00000002", redis_url=redis_url).stdout
    assert "404: no [2J" in text
    assert "\x1b" not in text


def test_a_listed_call_has_its_moments_in_utc_and_in_no_other_form(redis_url, ledger):
    call = json_of("calls", "list", "--limit", "1", redis_url=redis_url)[0]
    assert call.keys() == {"account_sid", "call_sid", "state", "at", "since", "reason"}
    assert call["since"].endswith("Z")


def test_calls_are_fetched_now_whatever_their_schedules_say(redis_url, ledger):
    asked = ("calls", "fetch", WAITING, SETTLED, DEAD, WAITING)
    outcomes = {each["call_sid"]: (each["outcome"], each["queued"]) for each in json_of(*asked, redis_url=redis_url)}
    assert outcomes == {WAITING: ("sooner", True), SETTLED: ("confirm", True), DEAD: ("retried", True)}
    text = run(*asked, redis_url=redis_url).stdout
    assert text.count("already in progress or due.") == 3


def test_of_calls_to_be_fetched_those_that_there_are_not_are_named(redis_url, ledger):
    result = run("calls", "fetch", "nowhere00001", WAITING, redis_url=redis_url)
    assert result.exit_code == 1
    assert "nowhere00001: no such call in the ledger" in result.stderr
    assert f"{WAITING}: queued: fetched as soon as the quota allows." in result.stdout
    assert run("calls", "fetch", redis_url=redis_url).exit_code == 2


def test_a_call_that_is_read_once_more_says_from_when_on(redis_url, ledger):
    """Whoever has erased a number has to know: the reading may bring it back."""
    assert json_of("calls", "show", SETTLED, redis_url=redis_url)["confirm_at"] is None
    confirm = ledger.calls[ACCOUNT].fetches.due_key(Lane.CONFIRM)
    ledger.client.zadd(confirm, {SETTLED: 1_790_000_000_000})
    assert json_of("calls", "show", SETTLED, redis_url=redis_url)["confirm_at"] == "2026-09-21T14:13:20.000Z"
    assert "confirming read at" in run("calls", "show", SETTLED, redis_url=redis_url).stdout


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_story_holds_numbers_and_no_secret(redis_url, ledger, options):
    """A sink had said our key back to us, and it stood in the story."""
    book = ledger.deliveries[ACCOUNT, "stdout"]
    owed = book.claim(book.backlog.lease(1)[0])
    assert book.bury(owed, "401: the-api-key may not call +919000000088")
    text = run("calls", "show", owed.lease.item.split("/")[0], *options, redis_url=redis_url).stdout
    assert "401: *** may not call +919000000088" in text
