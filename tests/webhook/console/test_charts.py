"""The charts of the pages: their tables, which a script draws."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from console_kit import Person, words_of
from factories import ACCOUNT, FrozenClock

from worker import metrics
from worker.ledger.meters import DELIVERED, FAILED, FETCHED, RECEIVED, TOOK, Meters

_MINUTE_MS = 60_000


def rows_of(answer, chart):
    """The figures of a chart's table, step by step."""
    figure = answer.text.split(f'id="plot-{chart}"')[1].split("</figure>")[0]
    return [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>.*?</tr>", figure, re.DOTALL)][1:]


@pytest.fixture
def make_earlier(web):
    """What counted things so many minutes ago."""
    made = []

    def make(minutes):
        made.append(Meters(web.ledger.client, clock=FrozenClock(web.ledger.now_ms() - minutes * _MINUTE_MS)))
        return made[-1]

    yield make
    for meters in made:
        meters.close()


@pytest.fixture
def earlier(make_earlier):
    return make_earlier(30)


def count_activity(meters):
    meters.count(metrics.CALLBACKS, ACCOUNT, "status", "new", by=4, over=RECEIVED)
    meters.count(metrics.FETCHES, ACCOUNT, "final", by=3, over=FETCHED)
    meters.count(metrics.DELIVERY_ATTEMPTS, "stdout", "delivered", by=2, over=DELIVERED)
    meters.count(metrics.DELIVERY_ATTEMPTS, "stdout", "again", over=FAILED)
    meters.flush()


def test_the_overview_charts_what_was_received_requested_and_delivered_in_the_last_hour(web, earlier):
    count_activity(earlier)
    page = Person(web).read()
    for chart, here, elsewhere in (
        ("received", ["4"], ["0"]),
        ("fetched", ["3"], ["0"]),
        ("sent", ["2", "1"], ["0", "0"]),
    ):
        rows = rows_of(page, chart)
        assert sorted(rows) == [*[elsewhere] * 59, here]
        assert rows.index(here) in {29, 30}, "the minute may have passed since"
    words = words_of(page)
    assert "Calls received Last hour: 4 calls." in words
    assert "Requests to Exotel Last hour: 3 requests." in words
    assert "Deliveries Last hour: 2 delivered, 1 failed." in words


@pytest.mark.parametrize(
    ("word", "minutes", "steps"), [("hour", 30, 60), ("day", 20 * 60, 96), ("week", 6 * 24 * 60, 168)]
)
def test_the_range_in_the_url_says_how_far_back_the_charts_go(web, make_earlier, word, minutes, steps):
    count_activity(make_earlier(minutes))
    page = Person(web).read(f"/?range={word}")
    assert sorted(rows_of(page, "received")) == [*[["0"]] * (steps - 1), ["4"]]
    assert f"Calls received Last {word}: 4 calls." in words_of(page)
    assert re.search(rf'href="/\?range={word}" aria-current="true"', page.text)


def test_a_range_that_does_not_exist_is_told_with_those_that_do(web):
    page = Person(web).read("/?range=year")
    assert page.status_code == 400
    assert "“year” is no range: choose one of hour, day, week." in words_of(page)


def test_the_step_that_has_just_begun_is_told_and_looks_like_no_fall(web):
    web.ledger.meters.count(metrics.CALLBACKS, ACCOUNT, "status", "new", by=5, over=RECEIVED)
    web.ledger.meters.flush()
    page = Person(web).read()
    assert "Last hour: 5 calls." in words_of(page), "the first minute of all showed an hour of nothing"
    before = web.ledger.client.time()[0] // 60
    charted = ["5"] in rows_of(Person(web).read(), "received")
    assert not charted or web.ledger.client.time()[0] // 60 >= before


def test_an_account_is_charted_beside_its_quota(web, earlier):
    earlier.count(metrics.FETCHES, ACCOUNT, "final", by=7, over=FETCHED)
    earlier.count(metrics.FETCHES, "other1m", "final", by=9, over=FETCHED)
    earlier.flush()
    page = Person(web).read("/accounts")
    assert sorted(rows_of(page, f"quota-{ACCOUNT}")) == [*[["0", "200"]] * 59, ["7", "200"]]
    assert "Last hour: 7 requests. The quota allows 200 in a minute." in words_of(page)
    assert "The quota allows 12,000 in an hour." in words_of(Person(web).read("/accounts?range=week"))


def test_a_sink_is_charted_by_outcome_and_by_how_long_attempts_took_with_gaps_where_there_was_none(web, earlier):
    for seconds in (0.02, 0.03, 0.04, 0.4):
        earlier.observe(metrics.DELIVERY_SECONDS, seconds, "stdout", over=TOOK)
    earlier.count(metrics.DELIVERY_ATTEMPTS, "stdout", "delivered", by=3, over=DELIVERED)
    earlier.count(metrics.DELIVERY_ATTEMPTS, "stdout", "again", over=FAILED)
    earlier.flush()
    page = Person(web).read("/sinks/stdout")
    ((p50, p95),) = [row for row in rows_of(page, "latency-stdout") if row != ["", ""]]
    assert 25 < float(p50) <= 50
    assert 250 < float(p95) <= 500
    assert ["3", "1"] in rows_of(page, "attempts-stdout")
    words = words_of(page)
    assert re.search(r"hour 3 1 75 % \d+ ms \d+ ms day 3 1 75 % \d+ ms \d+ ms week 3 1 75 %", words)
    listed = words_of(Person(web).read("/sinks"))
    assert re.search(r"75 % \d+ ms", listed)


def test_a_sink_to_which_nothing_was_delivered_has_no_duration(web):
    assert "Duration of an attempt, in ms Last hour: none." in words_of(Person(web).read("/sinks/stdout"))


def test_a_viewer_chooses_the_zone_of_all_times(web, earlier):
    count_activity(earlier)
    person = Person(web)
    at = datetime.fromtimestamp(web.ledger.now_ms() / 1000 - 30 * 60, UTC)
    assert 'data-zone="Asia/Kolkata"' in person.read().text
    answer = person.press("/zone", zone="America/New_York", back="/?range=day")
    assert answer.headers["Location"] == "/?range=day"
    page = person.read("/?range=hour")
    assert 'data-zone="America/New_York"' in page.text
    offset = {-4, -5}
    found = {
        datetime.fromisoformat(text) for text in re.findall(r'<th scope="row"><time datetime="([^"]+)"', page.text)
    }
    assert any(abs((moment - at).total_seconds()) < 120 for moment in found)
    assert {moment.utcoffset().total_seconds() / 3600 for moment in found} <= offset


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "America", "/etc/passwd", "Asia/Kolkata\0"])
def test_what_is_no_zone_is_told(web, zone):
    answer = Person(web).press("/zone", zone=zone, back="/")
    assert answer.status_code == 400
    assert "is no time zone: name one such as Asia/Kolkata or UTC" in words_of(answer)


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", ""])
def test_choosing_a_zone_never_leads_to_another_site(web, back):
    assert Person(web).press("/zone", zone="UTC", back=back).headers["Location"] == "/"
