"""The page of reports: four tabs, a span of time and an account in the URL."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from console_kit import Person, admit, words_of
from hypothesis import given
from hypothesis import strategies as st
from reporting import AGENT, BEGAN, CUSTOMER, OTHER_CUSTOMER, SOFTPHONE, inbound, keep, outbound
from structlog.testing import capture_logs

from webhook.console import reports
from webhook.console.hours_chart import BOTTOM, TOP, hours_chart
from webhook.console.report_range import PRESETS, range_of
from webhook.operations.reports.kinds import COLUMNS

KOLKATA = ZoneInfo("Asia/Kolkata")
ALL = "?range=all"
NONE = "\u2013"


@pytest.fixture
def full(web):
    """Calls of long ago, and one of a moment ago."""
    keep(web.ledger, inbound("call00001", CUSTOMER, (AGENT, 0), (SOFTPHONE, 27), wait=9))
    keep(web.ledger, inbound("call00002", OTHER_CUSTOMER, (AGENT, 0), at=BEGAN + timedelta(hours=3)))
    keep(web.ledger, outbound("call00003", OTHER_CUSTOMER, at=BEGAN + timedelta(hours=4)))
    return web


def rows_of(answer):
    """The cells of a page's table, the row's heading first."""
    (body,) = re.findall(r"<tbody>(.*?)</tbody>", answer.text, re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", "", cell).split())
            for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def test_each_report_has_a_tab_with_its_columns(full):
    person = Person(full)
    assert person.follow(person.read("/reports")).status_code == 200
    for name, columns in COLUMNS.items():
        answer = person.read(f"/reports/{name}{ALL}")
        assert answer.text.count('scope="col"') == len(columns)
        assert all(f'href="/reports/{other}?range=all"' in answer.text for other in COLUMNS), "tabs keep the span"
        assert re.search(rf'href="/reports/{name}\?range=all" aria-current="page"', answer.text)


def test_the_tables_tell_what_the_reports_do(full):
    person = Person(full)
    assert rows_of(person.read(f"/reports/agents{ALL}")) == [
        ["…0001", "3", "1", "2", "42 s", NONE],
        ["…2b3c", "1", "1", "0", "27 s", "9 s"],
    ]
    assert rows_of(person.read(f"/reports/missed{ALL}")) == [["…0012", "1", "16 Sep 14:00:00", "no", "yes"]]
    hours = rows_of(person.read(f"/reports/hours{ALL}"))
    assert [hours[11], hours[14]] == [["11:00", "1", "1", "0", "9 s", "9 s"], ["14:00", "1", "0", "1", NONE, NONE]]
    assert sorted(rows_of(person.read(f"/reports/callers{ALL}"))) == [
        ["…0011", "1", "1", "0"],
        ["…0012", "1", "0", "1"],
    ]


def test_numbers_are_shown_at_the_press_of_a_button_and_that_is_logged(full):
    person = Person(full)
    masked = person.read(f"/reports/missed{ALL}")
    assert "9000000012" not in masked.text
    with capture_logs() as logs:
        shown = person.press(f"/reports/missed/numbers{ALL}")
        whole = person.press(f"/reports/missed.csv{ALL}")
    assert rows_of(shown)[0][0] == OTHER_CUSTOMER
    assert "Download CSV with numbers" in shown.text
    assert OTHER_CUSTOMER in whole.text
    assert [line["page"] for line in logs if line["event"] == "console.numbers_shown"] == [
        "reports/missed",
        "reports/missed.csv",
    ]
    assert OTHER_CUSTOMER not in str(logs)


def test_a_number_leads_to_its_calls_and_stands_in_no_url(full):
    person = Person(full)
    (link,) = re.findall(r'href="(/calls\?search=[^"]+)"', person.read(f"/reports/missed{ALL}").text)
    assert "9000000012" not in link
    found = person.read(link)
    assert set(re.findall(r'title="(call\d+)"', found.text)) == {"call00002", "call00003"}


def test_the_csv_is_the_table(full):
    for name in COLUMNS:
        answer = Person(full).read(f"/reports/{name}.csv{ALL}")
        assert answer.content_type.startswith("text/csv")
        assert f'filename="{name}.csv"' in answer.headers["Content-Disposition"]
        first, *rows = csv.reader(io.StringIO(answer.text, newline=""))
        assert tuple(first) == COLUMNS[name]
        assert len(rows) == len(rows_of(Person(full).read(f"/reports/{name}{ALL}")))
        assert "9000000" not in answer.text


def test_without_a_span_it_is_about_today(full):
    keep(
        full.ledger,
        inbound("call00009", CUSTOMER, (AGENT, 5), at=datetime.now(KOLKATA).replace(microsecond=0).astimezone(UTC)),
    )
    answer = Person(full).read("/reports/callers")
    assert rows_of(answer) == [["…0011", "1", "1", "0"]]
    assert 'range=today" aria-current="true"' in answer.text
    assert "No inbound calls yesterday." in words_of(Person(full).read("/reports/callers?range=yesterday"))


def test_two_times_in_the_url_are_those_of_the_accounts_zone(full):
    answer = Person(full).read("/reports/callers?since=2026-09-16T14:00&until=2026-09-16T14:01")
    assert [row[0] for row in rows_of(answer)] == ["…0012"]
    assert 'name="since" value="2026-09-16T14:00"' in answer.text
    assert 'href="/reports/hours?since=2026-09-16T14:00&amp;until=2026-09-16T14:01"' in answer.text


def test_where_nothing_is_found_it_says_so_and_leads_on(full):
    answer = Person(full).read("/reports/missed?range=yesterday")
    assert "No missed calls yesterday." in words_of(answer)
    assert "Look at all calls that are kept" in words_of(answer)
    assert "<table" not in answer.text


@pytest.mark.parametrize("name", COLUMNS)
def test_an_empty_ledger_has_an_empty_report(web, name):
    answer = Person(web).read(f"/reports/{name}{ALL}")
    assert answer.status_code == 200
    assert "that are kept." in words_of(answer)
    assert "<table" not in answer.text
    assert "Download" not in answer.text


def test_how_far_back_the_ledger_reaches_is_told_where_more_was_asked_for(full):
    """Calls are kept for seven days after their last delivery; these are of a time before that."""
    said = words_of(Person(full).read("/reports/callers?since=2026-01-01T00:00"))
    assert (
        "Calls are kept for 7 days after their last delivery: the first one that is kept began 2026-09-16 11:00:00"
        in said
    )
    assert "are kept for" not in words_of(Person(full).read("/reports/callers"))


def test_a_page_reads_no_more_calls_than_it_may_and_says_so(full, monkeypatch):
    monkeypatch.setattr(reports, "MOST_CALLS", 1)
    answer = Person(full).read(f"/reports/callers{ALL}")
    assert "Only the newest 1 calls were read" in words_of(answer)
    assert len(Person(full).read(f"/reports/callers.csv{ALL}").text.splitlines()) == 3, "the CSV is of all"


def test_a_long_table_ends_and_says_so(full, monkeypatch):
    monkeypatch.setattr(reports, "MOST_ROWS", 1)
    answer = Person(full).read(f"/reports/callers{ALL}")
    assert len(rows_of(answer)) == 1
    assert "The first 1 of 2 rows. The CSV has all." in words_of(answer)


def test_what_has_no_record_or_no_number_is_told(full):
    keep(full.ledger, inbound("call00005", "1909", (AGENT, 0)))
    admit(full, "waiting00001")
    said = words_of(Person(full).read(f"/reports/callers{ALL}"))
    assert "Not listed, because there is no number: 1 call." in said
    assert "Not counted, because there is no record yet: 1 call." in said


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/reports/agent", 404, "Reports: agents, missed, hours, callers."),
        ("/reports/agent.csv", 404, "Reports: agents, missed, hours, callers."),
        ("/reports/agents?range=week", 400, "Ranges: today, yesterday, 7d, all."),
        ("/reports/agents?account=acme9m", 400, "Accounts: acme1m."),
        ("/reports/agents?since=soon", 400, "give 2026-09-16T11:00"),
        ("/reports/agents.csv?since=soon", 400, "give 2026-09-16T11:00"),
        (
            "/reports/agents?since=2026-09-16T11:00&until=2026-09-16T10:00",
            400,
            "the first time must be before the second",
        ),
    ],
)
def test_what_makes_no_sense_is_told_with_what_would(web, path, status, said):
    answer = Person(web).read(path)
    assert answer.status_code == status
    assert said in words_of(answer)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00", "0001-01-01T00:00%2B12:00", "9999-12-31T23:59", "9999-12-31T23:59-12:00"]
)
def test_a_time_at_either_end_of_the_calendar_is_a_time(full, name, at):
    """It was a crash where the account's zone has no such day."""
    for query in (f"since={at}", f"until={at}"):
        assert Person(full).read(f"/reports/{name}?{query}").status_code == 200
        assert Person(full).read(f"/reports/{name}.csv?{query}").status_code == 200


def test_an_accounts_report_is_of_its_calls_and_in_its_zone(make_web, tmp_path):
    config = tmp_path / "legwork.toml"
    config.write_text(
        '[[accounts]]\nsid = "acme2m"\napi_key = "k"\napi_token = "t"\ncallback_token = "another-callback-token-2"\n'
        'timezone = "America/New_York"\n'
    )
    web = make_web(legwork_config=config)
    keep(web.ledger, inbound("call00001", CUSTOMER, (AGENT, 9)))
    keep(web.ledger, inbound("call00002", OTHER_CUSTOMER, (AGENT, 9), account_sid="acme2m"))
    person = Person(web)
    other = person.read("/reports/hours?range=all&account=acme2m")
    assert [row[0] for row in rows_of(other) if row[1] == "1"] == ["01:00"], "05:30 UTC in New York"
    assert "by hour in America/New_York" in words_of(other)
    assert "range=7d&amp;account=acme2m" in other.text, "presets keep the account"
    both = person.read("/reports/hours?range=all")
    assert {row[0] for row in rows_of(both) if row[1] != "0"} == {"01:00", "11:00"}, "each by its own clock"
    assert "by hour in the time zone of each account" in words_of(both)


# The span


@given(now=st.sampled_from(list(PRESETS)), zone=st.sampled_from(["Asia/Kolkata", "America/New_York", "UTC"]))
def test_presets_begin_at_midnight_of_the_zone(now, zone):
    span = range_of({"range": now}, ZoneInfo(zone))
    for milliseconds in (span.since_ms, span.until_ms):
        if milliseconds is not None:
            at = datetime.fromtimestamp(milliseconds / 1000, ZoneInfo(zone))
            assert (at.hour, at.minute, at.second) == (0, 0, 0)
    if span.until_ms is not None:
        assert span.since_ms < span.until_ms


# The chart


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)), min_size=24, max_size=24))
def test_bars_are_as_high_as_their_calls_and_stay_in_the_drawing(counts):
    rows = [
        {"hour": hour, "calls": sum(each), "answered": each[0], "missed": each[1]} for hour, each in enumerate(counts)
    ]
    drawing = hours_chart(rows)
    most = max(sum(each) for each in counts)
    for bar, each in zip(drawing.bars, counts, strict=True):
        height = sum(box.height for box in bar.boxes)
        assert height == pytest.approx((BOTTOM - TOP) * sum(each) / max(1, most), abs=0.05)
        assert [box.kind for box in bar.boxes] == [
            kind for kind, count in zip(("answered", "missed", "other"), each, strict=True) if count
        ]
        assert all(TOP - 0.05 <= box.y <= BOTTOM for box in bar.boxes)
        assert 0 <= bar.x <= bar.x + bar.width <= 100
    assert f"{most:,}" in drawing.label


def test_the_chart_has_a_name_and_a_table_beside_it(full):
    answer = Person(full).read(f"/reports/hours{ALL}")
    assert (
        'role="img" aria-label="Inbound calls by hour of the day; most of them, 1, began between 11:00 and 11:59."'
        in answer.text
    )
    assert answer.text.count('class="answered"') == 1
    assert answer.text.count('class="missed"') == 1
    assert "14:00, 1 call, 0 answered, 1 missed" in answer.text
    assert len(rows_of(answer)) == 24
    assert "<svg" not in Person(full).read(f"/reports/callers{ALL}").text.partition("<main")[2]
