"""`legwork report`: of the ledger and of files, as a table, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from datetime import timedelta

import orjson
import pytest
from cli_kit import ENVIRON, open_ledger, run
from factories import ACCOUNT, make_callback
from reporting import AGENT, BEGAN, CUSTOMER, OTHER_CUSTOMER, SOFTPHONE, inbound, keep, outbound
from terminal import seen_on_a_terminal

from webhook.operations.reports.kinds import COLUMNS

LATER = BEGAN + timedelta(hours=3)
EVENTS = [
    inbound("call00001", CUSTOMER, (AGENT, 0), (SOFTPHONE, 27), wait=9),
    inbound("call00002", OTHER_CUSTOMER, (AGENT, 0), at=LATER),
    inbound("call00003", "1909", (AGENT, 0), at=LATER),
    outbound("call00004", OTHER_CUSTOMER, at=LATER + timedelta(minutes=5)),
]


@pytest.fixture
def ledger(redis_url):
    ledger = open_ledger(redis_url)
    for event in EVENTS:
        keep(ledger, event)
    return ledger


@pytest.fixture
def files(tmp_path):
    """The same calls, as a file sink would have written them."""
    (tmp_path / "records.jsonl").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in EVENTS))
    return tmp_path


def answered(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize(
    "options", [(), ("--since", "2026-09-16T14:00"), ("--until", "2026-09-16T14:00"), ("--numbers",)]
)
def test_the_ledger_and_the_files_of_the_same_calls_give_the_same_report(redis_url, ledger, files, name, options):
    of_ledger = answered(run("report", name, *options, "--json", redis_url=redis_url))
    of_files = answered(
        run("report", name, *options, "--from", str(files), "--json", redis_url="redis://127.0.0.1:1/0")
    )
    assert of_ledger == of_files
    assert all(tuple(row) == COLUMNS[name] for row in of_ledger)


def test_a_span_is_of_when_calls_began_in_the_zone_of_the_account(redis_url, ledger):
    """14:00 in Kolkata is 08:30 UTC, when the second call began."""
    rows = answered(run("report", "hours", "--since", "2026-09-16T14:00", "--json", redis_url=redis_url))
    assert {row["hour"]: row["calls"] for row in rows if row["calls"]} == {14: 2}
    rows = answered(run("report", "hours", "--until", "2026-09-16T14:00", "--json", redis_url=redis_url))
    assert {row["hour"]: row["calls"] for row in rows if row["calls"]} == {11: 1}


def test_numbers_are_whole_only_if_they_are_asked_for_from_files_too(redis_url, ledger, files):
    for source in ((), ("--from", str(files / "records.jsonl"))):
        for form in ("table", "csv", "json"):
            masked = run("report", "agents", "--format", form, *source, redis_url=redis_url).stdout
            assert "9000000001" not in masked
            assert "agentone" not in masked
            whole = run("report", "agents", "--format", form, "--numbers", *source, redis_url=redis_url).stdout
            assert "+919000000001" in whole
            assert SOFTPHONE in whole


def test_json_can_be_asked_for_in_two_ways(redis_url, ledger):
    one, other = (run("report", "missed", *given, redis_url=redis_url) for given in (("--json",), ("--format", "json")))
    assert (
        answered(one)
        == answered(other)
        == [
            {
                "customer": "…0012",
                "missed": 1,
                "last_missed_at": "2026-09-16T08:30:00Z",
                "answered_since": False,
                "called_back_since": True,
            }
        ]
    )


def test_csv_is_rfc_4180_and_what_a_spreadsheet_would_run_is_disarmed(redis_url, ledger):
    keep(ledger, inbound("call00005", CUSTOMER, ("=HYPERLINK(1)", 3)))
    result = run("report", "agents", "--format", "csv", "--numbers", redis_url=redis_url)
    assert result.stdout_bytes.count(b"\r\n") == 4
    rows = list(csv.reader(io.StringIO(result.stdout_bytes.decode(), newline="")))
    assert rows[0] == list(COLUMNS["agents"])
    assert {row[0] for row in rows[1:]} == {"+919000000001", SOFTPHONE, "'=HYPERLINK(1)"}
    found = run("report", "missed", "--format", "csv", redis_url=redis_url).stdout.splitlines()
    assert found[1].endswith(",1,2026-09-16T08:30:00Z,false,true")


def test_a_table_tells_times_in_the_accounts_zone_with_its_offset(redis_url, ledger):
    assert "2026-09-16 14:00+05:30" in run("report", "missed", redis_url=redis_url).stdout


def test_hours_are_told_by_the_clock_of_each_account_and_the_heading_says_by_which(redis_url, tmp_path):
    (tmp_path / "legwork.toml").write_text(
        '[[accounts]]\nsid = "acme2m"\napi_key = "k"\napi_token = "the-api-token"\n'
        'callback_token = "another-callback-token-2"\ntimezone = "America/New_York"\n'
    )
    events = [
        inbound("call00001", CUSTOMER, (AGENT, 9)),
        inbound("call00002", CUSTOMER, (AGENT, 9), account_sid="acme2m"),
    ]
    (tmp_path / "records.jsonl").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    ledger = open_ledger(redis_url, legwork_config=tmp_path / "legwork.toml")
    for event in events:
        keep(ledger, event)
    for source in ((), ("--from", "records.jsonl")):
        given = {"redis_url": redis_url, "directory": tmp_path}
        rows = answered(run("report", "hours", *source, "--json", **given))
        assert [row["hour"] for row in rows if row["calls"]] == [1, 11]
        assert "hour of the account" in run("report", "hours", *source, **given).stdout
        assert "hour America/New_York" in run("report", "hours", *source, "--account", "acme2m", **given).stdout


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_fits_80_columns(redis_url, ledger, name):
    for number in range(12):
        keep(ledger, inbound(f"more{number:05}", CUSTOMER, (AGENT, 14_400 - number), ("sip:agent2b3c", 0)))
    for options in ((), ("--numbers",)):
        lines = run("report", name, *options, redis_url=redis_url, columns="80").stdout.splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" not in "".join(lines) or not options, "nothing is cut"


def test_what_is_left_out_is_told_on_standard_error(redis_url, ledger):
    ledger.calls[ACCOUNT].admit(make_callback("waiting00001"), wait_seconds=60)
    result = run("report", "callers", "--json", redis_url=redis_url)
    assert [json.loads(line)["note"] for line in result.stderr.splitlines()] == [
        "Not listed, because there is no number: 1 call.",
        "Not counted, because there is no record yet: 1 call.",
    ]
    assert "there is no number: 1 missed call." in run("report", "missed", redis_url=redis_url).stderr


def test_lines_that_are_no_records_are_counted_on_standard_error(redis_url, files):
    with (files / "records.jsonl").open("ab") as file:
        file.write(b"oh\nno\n")
    result = run("report", "hours", "--from", str(files), redis_url=redis_url)
    assert "Skipped, because it is no record: 2 lines." in result.stderr


def test_calls_before_those_that_are_kept_are_told_of(redis_url, ledger):
    """The calls began long ago, so that others of that time may have been forgotten."""
    result = run("report", "hours", "--since", "2026-01-01", redis_url=redis_url)
    assert "Calls are kept for 7 days" in result.stderr
    assert "the first one kept began 2026-09-16 11:00:00" in result.stderr
    assert "are kept for" not in run("report", "hours", "--since", "1h", redis_url=redis_url).stderr
    assert "are kept for" not in run("report", "hours", redis_url=redis_url).stderr, "all were asked for"


@pytest.mark.parametrize(
    ("name", "said"),
    [("agents", "No agent"), ("missed", "No missed calls"), ("hours", "No inbound"), ("callers", "No inbound")],
)
def test_where_there_is_nothing_it_is_said_in_words(redis_url, name, said):
    result = run("report", name, redis_url=redis_url)
    assert result.stdout.startswith(said)
    assert len(answered(run("report", name, "--json", redis_url=redis_url))) == (24 if name == "hours" else 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--account", "acme9m"), "there are acme1m"),
        (("--since", "tomorrow"), "is not a valid time"),
        (("--since", "1h", "--until", "2h"), "the time span is empty"),
        (("--since", "1h", "--until", "2h", "--from", "."), "the time span is empty"),
        (("--from", "nowhere.jsonl"), "does not exist"),
        (("--format", "xml"), "'table', 'csv', 'json'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(redis_url, given, said):
    result = run("report", "agents", *given, redis_url=redis_url)
    assert result.exit_code == 2
    assert said in result.stderr


def test_files_that_cannot_be_read_are_an_error(redis_url, tmp_path):
    result = run("report", "agents", "--from", str(tmp_path), redis_url=redis_url)
    assert result.exit_code == 1
    assert "holds no .jsonl or .jsonl.gz file" in result.stderr


def test_the_calls_of_one_account_of_the_files(redis_url, files):
    with (files / "records.jsonl").open("ab") as file:
        file.write(orjson.dumps(inbound("call00009", CUSTOMER, (AGENT, 1), account_sid="other1m")) + b"\n")
    rows = answered(
        run("report", "callers", "--from", str(files), "--account", "other1m", "--json", redis_url=redis_url)
    )
    assert [(row["customer"], row["calls"]) for row in rows] == [("…0011", 1)]


@pytest.mark.parametrize(("source", "seen"), [((), r"reading.*4/4"), (("--from", "."), "reading")])
def test_on_a_terminal_it_is_seen_how_far_it_is(redis_url, ledger, files, source, seen):
    shown, code = seen_on_a_terminal(
        lambda terminal: subprocess.Popen(
            [sys.executable, "-m", "webhook.cli", "report", "hours", *source],
            env={**os.environ, **ENVIRON, "REDIS_URL": redis_url},
            cwd=files,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=terminal,
        )
    )
    assert code == 0
    assert re.search(seen, shown)
