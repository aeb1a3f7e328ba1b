from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run, settle
from factories import ACCOUNT
from terminal import seen_on_a_terminal

from worker.ledger.backlog import Lane

SINKS = "stdout: file:records.jsonl"
FILE = "file"
SETTLED, UNKNOWN, REFUSED = "settled0001", "dead00000001", "dead00000002"
NUMBER, SECRET = "+919000000001", ENVIRON["EXOTEL_API_TOKEN"]


@pytest.fixture
def ledger(redis_url):
    """A call that was given up on, and another whose delivery to the file was; the rest is delivered."""
    ledger = open_ledger(redis_url, sinks=SINKS)
    settle(ledger, SETTLED)
    deliver(ledger, "stdout")
    deliver(ledger, FILE)
    settle(ledger, UNKNOWN, "dead", "404: unknown [call]")
    deliver(ledger, "stdout")
    deliver(ledger, FILE)
    settle(ledger, REFUSED)
    deliver(ledger, "stdout")
    deliver(ledger, FILE, f"422: no {NUMBER}\x1b[2J", dead=True)
    return ledger


def deliver(ledger, sink, answered="written", *, dead=False):
    """Let a sink have what is due for it, or have it given up on."""
    book = ledger.deliveries[ACCOUNT, sink]
    for lease in book.backlog.lease(1000):
        delivery = book.claim(lease)
        if dead:
            book.postpone(delivery, "no answer", wait_seconds=0, attempt=True)
            delivery = book.claim(*book.backlog.lease(1))
        assert (book.bury if dead else book.delivered)(delivery, answered)


def due(ledger, sink=FILE):
    backlog = ledger.deliveries[ACCOUNT, sink].backlog
    return [item.decode() for lane in Lane for item in ledger.client.zrange(backlog.due_key(lane), 0, -1)]


def legwork(redis_url, *arguments, **environ):
    return run("dead", *arguments, redis_url=redis_url, sinks=SINKS, **environ)


def json_from(redis_url, *arguments):
    return json_of("dead", *arguments, redis_url=redis_url, sinks=SINKS)


def on_a_terminal(redis_url, *arguments, typed):
    """Run `legwork dead …` on a real terminal, with somebody who types; what it shows, and its exit code."""
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url, "SINKS": SINKS}
    command = [sys.executable, "-m", "webhook.cli", "dead", *arguments]
    return seen_on_a_terminal(
        lambda terminal: subprocess.Popen(command, env=environ, stdin=terminal, stdout=terminal, stderr=terminal),
        typed=typed,
    )


# Looking


def test_the_list_counts_by_reason_and_shows_the_last_first(redis_url, ledger):
    listed = json_from(redis_url, "list")
    assert listed["count"] == 2
    assert [(group["what"], group["count"]) for group in listed["reasons"]] == [("fetch", 1), (FILE, 1)]
    refused, unknown = listed["dead"]
    assert (refused["what"], refused["call_sid"], refused["sink"], refused["record"]) == (
        "delivery",
        REFUSED,
        FILE,
        "1/completed",
    )
    assert (unknown["what"], unknown["call_sid"], unknown["reason"]) == ("fetch", UNKNOWN, "404: unknown [call]")
    assert unknown["at"].endswith("Z")


@pytest.mark.parametrize(
    ("options", "count", "shown"),
    [
        (["--sink", FILE], 1, [REFUSED]),
        (["--sink", "stdout"], 0, []),
        (["--account", ACCOUNT], 2, [REFUSED, UNKNOWN]),
        (["--limit", "1"], 2, [REFUSED]),
        (["--reason", "422"], 1, [REFUSED]),
        (["--reason", "UNKNOWN"], 1, [UNKNOWN]),
        (["--reason", "422", "--sink", "stdout"], 0, []),
    ],
)
def test_the_list_can_be_narrowed_down(redis_url, ledger, options, count, shown):
    listed = json_from(redis_url, "list", *options)
    assert (listed["count"], [letter["call_sid"] for letter in listed["dead"]]) == (count, shown)


def test_people_see_what_is_dead_and_why(redis_url, ledger):
    text = legwork(redis_url, "list", "--limit", "1").stdout
    assert UNKNOWN not in text
    assert f"{FILE} 1/completed" in text
    assert "Most recent 1 of 2" in text
    assert "404: unknown [call]" in legwork(redis_url, "list").stdout


def test_nothing_dead_is_said_so(redis_url):
    open_ledger(redis_url, sinks=SINKS)
    assert legwork(redis_url, "list").stdout == "No failed calls or dead letters.\n"
    assert json_from(redis_url, "list") == {"count": 0, "reasons": [], "dead": []}


def test_where_nothing_that_was_asked_for_is_dead_it_is_said_how_to_see_the_rest(redis_url, ledger):
    assert "`legwork dead list` without options" in legwork(redis_url, "list", "--sink", "stdout").stdout
    assert "`legwork dead list` without options" in legwork(redis_url, "list", "--reason", "no such").stdout


@pytest.mark.parametrize("command", [["list"], ["show", REFUSED], ["show", "dead00000003"]])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_others_wrote_is_shown_without_numbers_secrets_and_control_characters(redis_url, ledger, command, form):
    """A sink may answer with what it was sent; contract section 8. `run` looks for the secrets."""
    settle(ledger, "dead00000003")
    deliver(ledger, FILE, f"no {SECRET}", dead=True)
    text = legwork(redis_url, *command, *form).stdout
    assert "no …0001" in text or "no \\u20260001" in text or "no ***" in text
    assert NUMBER not in text
    assert "\x1b" not in text


def test_one_call_shows_its_dead_letters_with_every_attempt(redis_url, ledger):
    (letter,) = json_from(redis_url, "show", REFUSED)
    assert [attempt["answer"].partition(":")[0] for attempt in letter["attempts"]] == ["no answer", "422"]
    assert all(attempt["at"].endswith("Z") for attempt in letter["attempts"])
    text = legwork(redis_url, "show", REFUSED).stdout
    assert "no answer" in text
    assert f"legwork dead retry {REFUSED}" in text


def test_the_story_of_a_call_shows_every_attempt_of_its_deliveries(redis_url, ledger):
    story = json_of("calls", "show", REFUSED, redis_url=redis_url, sinks=SINKS)
    delivery = story["deliveries"][f"{FILE}/1/completed"]
    assert delivery["state"] == "dead"
    assert [attempt["answer"].partition(":")[0] for attempt in delivery["attempts"]] == ["no answer", "422"]
    text = run("calls", "show", REFUSED, redis_url=redis_url, sinks=SINKS).stdout
    assert f"{FILE}/1/completed  dead" in text
    assert "no answer" in text


@pytest.mark.parametrize(
    ("sid", "why"), [("nowhere00001", "no such call"), (SETTLED, "neither failed nor has dead letters")]
)
@pytest.mark.parametrize("command", ["show", "retry", "drop"])
def test_what_is_not_dead_is_named(redis_url, ledger, command, sid, why):
    result = legwork(redis_url, command, sid)
    assert result.exit_code == 1
    assert f"{sid}: {why}" in result.stderr


# Retrying


def test_calls_that_are_named_are_tried_again(redis_url, ledger):
    assert json_from(redis_url, "retry", UNKNOWN, REFUSED, UNKNOWN) == {"calls": 1, "deliveries": 1, "wrong": {}}
    assert due(ledger) == [f"{REFUSED}/1/completed"]
    calls = json_of("calls", "list", redis_url=redis_url, sinks=SINKS)
    assert {call["call_sid"]: call["state"] for call in calls}[UNKNOWN] == "waiting"
    assert json_from(redis_url, "list")["count"] == 0


def test_one_that_is_wrong_keeps_no_other_from_being_tried_again(redis_url, ledger):
    result = legwork(redis_url, "retry", "nowhere00001", REFUSED, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "calls": 0,
        "deliveries": 1,
        "wrong": {"nowhere00001": "no such call in the ledger"},
    }
    assert due(ledger) == [f"{REFUSED}/1/completed"]


@pytest.mark.parametrize(
    ("options", "calls", "deliveries"),
    [
        ([], 1, 1),
        (["--sink", FILE], 0, 1),
        (["--reason", "UNKNOWN [call]"], 1, 0),
        (["--reason", "422"], 0, 1),
        (["--reason", "504"], 0, 0),
        (["--account", ACCOUNT, "--yes"], 1, 1),
    ],
)
def test_all_that_is_dead_is_tried_again_as_far_as_the_options_let_it(redis_url, ledger, options, calls, deliveries):
    done = json_from(redis_url, "retry", "--all", "--yes", *options)
    assert (done["calls"], done["deliveries"]) == (calls, deliveries)
    assert json_from(redis_url, "list")["count"] == 2 - calls - deliveries


def test_of_a_call_only_one_sink_may_be_tried_again(redis_url, ledger):
    settle(ledger, "dead00000003", "dead", "404")
    deliver(ledger, "stdout", "broken pipe", dead=True)
    assert json_from(redis_url, "retry", "dead00000003", "--sink", "stdout")["deliveries"] == 1
    assert legwork(redis_url, "retry", "dead00000003", "--sink", FILE).exit_code == 1


def test_operator_records_can_be_named_too(redis_url, ledger):
    name, event = "operator-0123456789abcdef", {"id": "evt_1", "type": "legwork.operator.sink_failing"}
    ledger.calls[ACCOUNT].announce(name, event, [FILE])
    deliver(ledger, FILE, "disk full", dead=True)
    assert json_from(redis_url, "list")["dead"][0]["call_sid"] == name
    assert json_from(redis_url, "retry", name) == {"calls": 0, "deliveries": 1, "wrong": {}}
    assert due(ledger) == [f"{name}/1/sink_failing"]


def test_people_hear_what_was_done(redis_url, ledger):
    assert legwork(redis_url, "retry", "--all", "--yes").stdout == "Queued for retry: 1 call and 1 delivery.\n"
    assert legwork(redis_url, "retry", "--all", "--yes").stdout == "Queued for retry: 0 calls and 0 deliveries.\n"


def test_what_is_retried_for_a_disabled_sink_waits_and_that_is_said(redis_url, ledger):
    ledger.disable_sink(FILE, "410")
    result = legwork(redis_url, "retry", REFUSED)
    assert result.exit_code == 0
    assert f"{FILE} is disabled" in result.stderr
    assert due(ledger) == [f"{REFUSED}/1/completed"]


# Dropping


def test_what_is_dropped_is_dead_no_more(redis_url, ledger):
    assert json_from(redis_url, "drop", REFUSED) == {"calls": 0, "deliveries": 1, "wrong": {}}
    assert json_from(redis_url, "drop", "--all", "--yes") == {"calls": 1, "deliveries": 0, "wrong": {}}
    assert json_from(redis_url, "list")["count"] == 0
    assert due(ledger) == []
    assert json_of("calls", "show", UNKNOWN, redis_url=redis_url, sinks=SINKS)["state"] == "dropped"
    assert "discarded  by the command line" in run("calls", "show", UNKNOWN, redis_url=redis_url, sinks=SINKS).stdout


@pytest.mark.parametrize("command", ["drop", "retry"])
def test_without_a_terminal_everything_is_changed_only_for_sure(redis_url, ledger, command):
    """`retry --all` from a script spent the quota without asking, where `drop --all` and `forget` refuse."""
    result = legwork(redis_url, command, "--all")
    assert result.exit_code == 2
    assert "there is no terminal for the confirmation: --all needs --yes" in result.stderr
    assert json_from(redis_url, "list")["count"] == 2


@pytest.mark.parametrize("command", [["drop", "--all"], ["drop", UNKNOWN, REFUSED], ["retry", "--all"]])
def test_on_a_terminal_it_counts_and_asks_first(redis_url, ledger, command):
    shown, code = on_a_terminal(redis_url, *command, typed=b"n\n")
    assert "1 call and 1 delivery?" in shown
    assert code == 1
    assert json_from(redis_url, "list")["count"] == 2
    shown, code = on_a_terminal(redis_url, *command, typed=b"y\n")
    assert code == 0
    assert json_from(redis_url, "list")["count"] == 0


def test_a_no_to_the_question_is_an_error_like_others_for_programs(redis_url, ledger):
    """Under --json it was said in plain words, where a line of JSON was promised."""
    shown, code = on_a_terminal(redis_url, "retry", "--all", "--json", typed=b"n\n")
    answer = shown.partition("[y/N]: ")[2]
    assert (json.loads(answer), code) == ({"exit_code": 1, "problems": ["Nothing was done."]}, 1)


def test_a_question_that_is_left_open_ends_its_line(redis_url, ledger):
    """After Ctrl-D what was said stood in the question's line, after Ctrl-C the shell's prompt."""
    shown, code = on_a_terminal(redis_url, "retry", "--all", typed=b"\x04")
    assert (shown.partition("[y/N]: ")[2], code) == ("\r\nNothing was done.\r\n", 1)


@pytest.mark.parametrize("command", [["drop", "--all"], ["retry", "--all"]])
def test_what_was_counted_for_the_question_is_the_length_of_the_bar(redis_url, ledger, command):
    shown, _ = on_a_terminal(redis_url, *command, typed=b"y\n")
    assert "2/2" in shown


@pytest.mark.parametrize("command", [["drop", "--all", "--yes"], ["retry", UNKNOWN, REFUSED]])
def test_it_does_not_ask_where_there_is_nothing_to_ask(redis_url, ledger, command):
    shown, code = on_a_terminal(redis_url, *command, typed=b"")
    assert "[y/N]" not in shown
    assert code == 0
    assert json_from(redis_url, "list")["count"] == 0


# Bad usage


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry"],
        ["drop"],
        ["retry", "--reason", "503"],
        ["retry", "--all", "--yes", UNKNOWN],
        ["retry", "no"],
        ["show"],
        ["show", "with-a-dash"],
        ["list", "--limit", "0"],
        ["list", "--sink", "nobody"],
        ["list", "--account", "nobody"],
        ["retry", "--all", "--yes", "--sink", "nobody"],
    ],
)
def test_bad_usage_changes_nothing(redis_url, ledger, arguments):
    assert legwork(redis_url, *arguments).exit_code == 2
    assert json_from(redis_url, "list")["count"] == 2
