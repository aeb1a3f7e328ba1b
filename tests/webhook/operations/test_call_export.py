"""Calls as CSV are read by spreadsheets and databases as they are meant, and run nothing there."""

from __future__ import annotations

import csv
import io
import json

import duckdb
import pytest
from cli_kit import open_ledger, run, settle
from console_kit import NUMBERS, Person, admit, settle_calls
from factories import ACCOUNT, make_callback
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from structlog.testing import capture_logs

from webhook.operations.call_export import COLUMNS, disarmed

SETTLED, WAITING = "settled0001", "waiting00001"
ODD = ["=1+1", "+91x", "-2", "@SUM(A1)", 'a "quoted", one', "line\nbreak", "\tTab", "\u202eright to left", "ordinary"]


@pytest.fixture
def ledger(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, SETTLED)
    ledger.calls[ACCOUNT].admit(make_callback(WAITING, From="09000000077", CustomField="=1+1"), wait_seconds=50)
    return ledger


def exported(redis_url, *options):
    return run("calls", "export", *options, redis_url=redis_url).stdout


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_columns_are_those_of_the_contract_and_every_call_is_a_line(redis_url, ledger):
    text = exported(redis_url)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    waiting, settled = rows_of(text)
    assert (settled["started_at"], settled["outcome"], settled["customer"]) == (
        "2026-09-16T05:42:39Z",
        "answered",
        "…0002",
    )
    assert (settled["legs"], settled["call_sid"], settled["account_sid"]) == ("3", SETTLED, ACCOUNT)
    assert (waiting["outcome"], waiting["custom_field"]) == ("", "'=1+1")
    assert run("calls", "export", redis_url=redis_url).stdout_bytes.count(b"\r\n") == 3


def test_numbers_are_whole_only_if_they_are_asked_for(redis_url, ledger):
    assert not [number for number in NUMBERS if number in exported(redis_url)]
    (_, settled) = rows_of(exported(redis_url, "--numbers"))
    assert settled["customer"] == "+919000000002"


def test_the_filters_are_those_of_the_list(redis_url, ledger):
    assert [row["call_sid"] for row in rows_of(exported(redis_url, "--outcome", "answered"))] == [SETTLED]
    assert rows_of(exported(redis_url, "--outcome", "busy")) == []


def test_as_json_lines_a_text_is_as_it_is(redis_url, ledger):
    waiting, settled = map(json.loads, exported(redis_url, "--format", "jsonl").splitlines())
    assert tuple(waiting) == COLUMNS
    assert (waiting["custom_field"], settled["talk_seconds"]) == ("=1+1", 9)


def test_the_api_and_the_console_give_the_same(web):
    settle_calls(web, SETTLED)
    admit(web, *(f"later{number:05}" for number in range(60)))
    of_the_api = web.get("/api/calls.csv")
    assert of_the_api.content_type.startswith("text/csv")
    assert len(rows_of(of_the_api.text)) == 61, "it has no pages"
    person = Person(web)
    assert person.read("/calls.csv").data == of_the_api.data
    with capture_logs() as logs:
        whole = person.press("/calls.csv?outcome=answered")
        assert web.get("/api/calls.csv?numbers=true&outcome=answered").data == whole.data
    assert [row["customer"] for row in rows_of(whole.text)] == ["+919000000002"]
    assert [line["event"] for line in logs if "numbers_shown" in line["event"]] == [
        "console.numbers_shown",
        "api.numbers_shown",
    ]
    assert web.get("/api/calls.csv?outcome=gone").status_code == 422
    assert person.read("/calls.csv?state=bogus").status_code == 400


def test_a_database_reads_what_was_written(web, tmp_path):
    for number, text in enumerate(ODD):
        admit(web, f"odd0000{number}", CustomField=text)
    path = tmp_path / "calls.csv"
    path.write_bytes(web.get("/api/calls.csv?numbers=true").data)
    rows = duckdb.sql(
        f"select call_sid, custom_field from read_csv('{path}', header=true, all_varchar=true)"
    ).fetchall()
    assert {sid for sid, _ in rows} == {f"odd0000{number}" for number in range(len(ODD))}
    told = dict(rows)
    assert told["odd00000"] == "'=1+1"
    assert told["odd00004"] == 'a "quoted", one'
    assert told["odd00007"] == " right to left"


def test_a_spreadsheet_sees_texts_and_no_formula(web):
    for number, text in enumerate(ODD):
        admit(web, f"odd0000{number}", CustomField=text, From="09000000077")
    sheet = Workbook().active
    for row in csv.reader(io.StringIO(web.get("/api/calls.csv?numbers=true").text, newline="")):
        sheet.append(row)
    stored = io.BytesIO()
    sheet.parent.save(stored)
    cells = [cell for row in load_workbook(stored).active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}, "no cell is a formula"


@given(st.text())
def test_no_cell_begins_as_a_formula_does_but_a_number(text):
    cell = disarmed(text)
    assert cell in {text, f"'{text}"}
    assert not str(cell).startswith(("=", "-", "@", "\t", "\r"))
    if str(cell).startswith("+"):
        assert str(cell)[1:].isascii()
        assert str(cell)[1:].isdigit()
