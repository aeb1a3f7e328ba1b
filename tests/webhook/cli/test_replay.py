from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click
import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run, settle
from end_to_end.stage import wait_until
from factories import ACCOUNT
from terminal import seen_on_a_terminal

from webhook.cli.arguments import given_time
from worker.ledger.backlog import Lane
from worker.ledger.queries.pages import PAGE

SINKS = "stdout: file:records.jsonl"
FILE = "file"
ONE, TWO, DEAD = "settled00001", "settled00002", "dead00000001"
NOTHING = {"to_queue": 0, "queued": 0, "waiting": 0, "delivered": 0, "gone": 0}
KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def ledger(redis_url):
    """Two calls settled and one given up on; the file has their records, standard output has them still to get."""
    ledger = open_ledger(redis_url, sinks=SINKS)
    for sid in (ONE, TWO):
        settle(ledger, sid)
    settle(ledger, DEAD, "dead", "404")
    deliver(ledger)
    return ledger


def deliver(ledger, sink=FILE):
    """Let a sink have what is due for it; the items."""
    book = ledger.deliveries[ACCOUNT, sink]
    owed = [book.claim(lease) for lease in book.backlog.lease(10_000)]
    for delivery in owed:
        assert book.delivered(delivery, "written")
    return [delivery.lease.item for delivery in owed]


def legwork(redis_url, *arguments, **environ):
    return run("replay", *arguments, **{"redis_url": redis_url, "sinks": SINKS, **environ})


def json_from(redis_url, *arguments, **environ):
    return json_of("replay", *arguments, **{"redis_url": redis_url, "sinks": SINKS, **environ})


def program(redis_url, *arguments, **streams):
    """`legwork replay …` as a process of its own."""
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url, "SINKS": SINKS}
    return subprocess.Popen([sys.executable, "-m", "webhook.cli", "replay", *arguments], env=environ, **streams)


# What it does


def test_the_records_of_calls_that_are_named_go_out_again(redis_url, ledger):
    done = json_from(redis_url, ONE, DEAD, ONE)
    assert done == {
        "dry_run": False,
        "sinks": {FILE: {**NOTHING, "to_queue": 2, "queued": 2}, "stdout": {**NOTHING, "waiting": 2}},
        "wrong": {},
    }
    assert sorted(deliver(ledger)) == [f"{DEAD}/1/completed", f"{ONE}/1/completed"]


def test_a_span_of_time_has_all_that_was_settled_or_given_up_on_in_it(redis_url, ledger):
    assert json_from(redis_url, "--since", "1h", "--sink", FILE)["sinks"] == {
        FILE: {**NOTHING, "to_queue": 3, "queued": 3}
    }
    assert sorted(deliver(ledger)) == [f"{sid}/1/completed" for sid in (DEAD, ONE, TWO)]


def test_run_again_it_queues_nothing_twice(redis_url, ledger):
    json_from(redis_url, "--since", "1h")
    assert json_from(redis_url, "--since", "1h")["sinks"][FILE] == {**NOTHING, "waiting": 3}
    assert len(deliver(ledger)) == 3


def test_a_dry_run_counts_and_does_nothing(redis_url, ledger):
    done = json_from(redis_url, "--since", "1h", "--dry-run")
    assert done["dry_run"] is True
    assert done["sinks"] == {FILE: {**NOTHING, "to_queue": 3}, "stdout": {**NOTHING, "waiting": 3}}
    assert deliver(ledger) == []


def test_only_what_is_missing_can_be_asked_for(redis_url, ledger):
    more = f"{SINKS} file:later.jsonl"
    done = json_from(redis_url, "--since", "1h", "--only-missing", sinks=more)["sinks"]
    assert done[FILE] == {**NOTHING, "delivered": 3}
    assert done["file-2"] == {**NOTHING, "to_queue": 3, "queued": 3}


def test_only_one_type_of_record_can_be_asked_for(redis_url, ledger):
    for kind, count in (("completed", 3), ("corrected", 0)):
        asked = json_from(redis_url, "--since", "1h", "--type", f"legwork.call.{kind}", "--dry-run")
        assert asked["sinks"][FILE]["to_queue"] == count


def test_what_is_queued_for_a_disabled_sink_waits_and_that_is_said(redis_url, ledger):
    ledger.disable_sink(FILE, "410")
    result = legwork(redis_url, "--since", "1h")
    assert result.exit_code == 0
    assert f"{FILE} is disabled" in result.stderr
    assert len(deliver(ledger)) == 3


def test_people_see_the_counts_first(redis_url, ledger):
    counts, _, done = legwork(redis_url, "--since", "1h").stdout.partition("Records queued")
    (line,) = [line for line in counts.splitlines() if line.split()[:1] == [FILE]]
    assert line.split()[1:] == ["3", "0", "0"]
    assert done == ": 3.\n"
    assert "dry run" in legwork(redis_url, "--since", "1h", "--dry-run").stdout


def test_one_that_is_wrong_keeps_no_other_from_going_out_again(redis_url, ledger):
    result = legwork(redis_url, "nowhere00001", ONE, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["sinks"][FILE]["queued"] == 1
    assert document["wrong"] == {"nowhere00001": "no such call in the ledger"}
    assert "nowhere00001: no such call in the ledger" in result.stderr


def test_a_call_that_has_no_such_record_is_named(redis_url, ledger):
    result = legwork(redis_url, ONE, "--type", "legwork.call.corrected")
    assert result.exit_code == 1
    assert f"{ONE}: no such record" in result.stderr


# On a terminal


def test_on_a_terminal_there_is_a_bar(redis_url, ledger):
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    shown, code = seen_on_a_terminal(lambda terminal: program(redis_url, "--since", "1h", **streams, stderr=terminal))
    assert code == 0
    assert "6/6" in shown


def test_on_a_terminal_it_is_seen_to_count(redis_url, ledger):
    """Before the bar came a minute for a million calls in which nothing moved, and Ctrl-C was answered with silence."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    given = ["--since", "1h", "--dry-run"]
    shown, code = seen_on_a_terminal(lambda terminal: program(redis_url, *given, **streams, stderr=terminal))
    assert code == 0
    assert "counting" in shown


def test_ctrl_c_while_it_counts_says_that_nothing_was_queued(redis_url, ledger, client):
    book = ledger.calls[ACCOUNT]
    began = client.zscore(book.key("settled"), TWO)
    client.zadd(book.key("settled"), {f"call{number:06}": began + number for number in range(1000 * PAGE)})
    client.config_resetstat()
    with program(redis_url, "--since", "1h", "--until", "2099-01-01", stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: "cmdstat_zrangebyscore" in client.info("commandstats"), "the first page")
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert (process.returncode, said) == (130, "interrupted while counting: nothing was queued\n")


def test_ctrl_c_says_how_far_it_came_and_running_it_again_goes_on(redis_url, ledger, client):
    book, count = ledger.calls[ACCOUNT], 40 * PAGE
    began = client.zscore(book.key("settled"), TWO)
    pipeline = client.pipeline()
    for number in range(count):  # as if they had been settled and delivered, in a second instead of many
        sid = f"call{number:06}"
        pipeline.zadd(book.key("settled"), {sid: began + number})
        pipeline.hset(book.key("events", sid), "1/completed", b"a record")
        pipeline.hset(book.key("deliveries", sid), f"{FILE}/1/completed", '{"state": "delivered"}')
    pipeline.execute()
    lane = ledger.deliveries[ACCOUNT, FILE].backlog.due_key(Lane.RECONCILE)
    arguments = ["--since", "1h", "--until", "2099-01-01", "--sink", FILE]
    with program(redis_url, *arguments, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: client.zcard(lane) > PAGE, "the second page")
        client.client_pause(60_000, all=False)  # until it has heard
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    client.client_unpause()
    assert process.returncode == 130
    told = re.fullmatch(
        r"interrupted after (\d+) of (\d+); run it again to continue \(--since (\S+Z) is enough\)\n", said
    )
    queued = client.zcard(lane)
    assert PAGE <= int(told[1]) <= queued < int(told[2]) == count + 3
    first, second = json_from(redis_url, *arguments, "--dry-run"), json_from(redis_url, *arguments)
    for done in (first["sinks"][FILE], second["sinks"][FILE]):
        assert (done["waiting"], done["to_queue"]) == (queued, count + 3 - queued)
    assert client.zcard(lane) == count + 3


# Times


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1.5h", timedelta(minutes=90)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(days=14)),
        ("999999w", timedelta(weeks=999_999)),
    ],
)
def test_a_time_may_be_so_long_ago(text, meant):
    now_ms = 1_790_000_000_000.0
    assert now_ms - given_time(text).in_ms(UTC, now_ms) == meant.total_seconds() * 1000


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-09-16T05:30:00Z", datetime(2026, 9, 16, 5, 30, tzinfo=UTC)),
        ("2026-09-16 11:00:00.5+05:30", datetime(2026, 9, 16, 5, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-09-16T11:00", datetime(2026, 9, 16, 5, 30, tzinfo=UTC)),
        ("2026-09-16", datetime(2026, 9, 15, 18, 30, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=KOLKATA)),
    ],
)
def test_a_time_may_be_a_moment_in_the_zone_of_the_account_unless_it_says_which(text, meant):
    assert given_time(text).in_ms(KOLKATA, 0) == meant.timestamp() * 1000


@pytest.mark.parametrize(
    "text", ["", "yesterday", "h", "2 h", "-2h", "2y", "1e3h", "2026", "2026-02-30", "٣d", "9" * 30 + "w"]
)
def test_what_is_no_time_is_refused_with_what_would_be_right(text):
    with pytest.raises(click.BadParameter, match=r"90m, 2h, 3d"):
        given_time(text)


def test_a_span_begins_and_ends_where_it_was_said(redis_url, ledger):
    at = ledger.client.zscore(ledger.calls[ACCOUNT].key("settled"), TWO) / 1000
    (before, after) = (
        datetime.fromtimestamp(at + shift, KOLKATA).replace(tzinfo=None).isoformat() for shift in (-0.0005, 0.0005)
    )
    asked = json_from(redis_url, "--since", before, "--until", after, "--dry-run", exotel_timezone="Asia/Kolkata")
    assert asked["sinks"][FILE]["to_queue"] >= 1
    none = json_from(redis_url, "--since", "2d", "--until", "1d")
    assert none["sinks"][FILE] == NOTHING


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [ONE, "--since", "1h"],
        [ONE, "--until", "1h"],
        ["--until", "1h"],
        ["--since", "tomorrow"],
        ["--since", "1h", "--until", "2h"],
        ["--since", "9999-12-31T23:59:59-12:00"],
        ["--since", "1h", "--sink", "nobody"],
        ["--since", "1h", "--account", "nobody"],
        ["--since", "1h", "--type", "completed"],
        ["no"],
    ],
)
def test_bad_usage_changes_nothing(redis_url, ledger, arguments):
    assert legwork(redis_url, *arguments).exit_code == 2
    assert deliver(ledger) == []


def test_a_type_that_is_none_of_ours_is_refused_with_the_nearest(redis_url, ledger):
    refused = legwork(redis_url, "--since", "1h", "--type", "legwork.call.complete")
    assert refused.exit_code == 2
    assert "is not a type of record (did you mean legwork.call.completed?)" in " ".join(refused.stderr.split())
