"""The charts of the pages: their tables, which a script draws."""

from __future__ import annotations

import re

import pytest
from console_kit import Person, words_of
from factories import ACCOUNT, FrozenClock

from worker import metrics
from worker.ledger.meters import Meters


def rows_of(answer, chart):
    """The figures of a chart's table, minute by minute."""
    figure = answer.text.split(f'id="plot-{chart}"')[1].split("</figure>")[0]
    return [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>.*?</tr>", figure, re.DOTALL)][1:]


@pytest.fixture
def earlier(web):
    """What counted things half an hour ago."""
    meters = Meters(web.ledger.client, clock=FrozenClock(web.ledger.now_ms() - 30 * 60_000))
    yield meters
    meters.close()


def test_the_overview_charts_what_came_in_was_fetched_and_went_out_in_the_last_hour(web, earlier):
    for minute, number in (("received", 4), ("fetched", 3), ("delivered", 2)):
        earlier.count(metrics.FETCHES, ACCOUNT, "final", by=number, minute=minute)
    earlier.flush()
    page = Person(web).read()
    rows = rows_of(page, "flow")
    assert sorted(rows) == [*[["0", "0", "0"]] * 59, ["4", "3", "2"]]
    assert rows.index(["4", "3", "2"]) in {29, 30}, "the minute may have passed since"
    assert "4 calls came in, 3 requests went to Exotel, 2 records out" in words_of(page)


def test_the_minute_that_has_just_begun_is_told_and_looks_like_no_fall(web):
    web.ledger.meters.count(metrics.CALLBACKS, ACCOUNT, "status", "new", by=5, minute="received")
    web.ledger.meters.flush()
    page = Person(web).read()
    words = words_of(page)
    assert "The last hour: 5 calls came in" in words, "the first minute of all showed an hour of nothing"
    told, charted = "Of these, 5, 0 and 0 in this minute" in words, ["5", "0", "0"] in rows_of(page, "flow")
    assert told != charted, "charted only if the minute has passed since"


def test_an_account_is_charted_beside_its_quota(web, earlier):
    earlier.count(metrics.FETCHES, ACCOUNT, "final", by=7, minute="fetched")
    earlier.count(metrics.FETCHES, "other1m", "final", by=9, minute="fetched")
    earlier.flush()
    page = Person(web).read("/accounts")
    assert sorted(rows_of(page, f"quota-{ACCOUNT}")) == [*[["0", "200"]] * 59, ["7", "200"]]
    assert "7 in the last hour" in words_of(page)


def test_a_sink_is_charted_with_how_long_an_attempt_took_and_a_gap_where_there_was_none(web, earlier):
    for seconds in (0.1, 0.2):
        earlier.observe(metrics.DELIVERY_SECONDS, seconds, "stdout", minute="attempted")
    earlier.flush()
    page = Person(web).read("/sinks/stdout")
    assert sorted(rows_of(page, "latency-stdout")) == [*[[""]] * 59, ["150.0"]]
    assert "2, which took 150 ms on average" in words_of(page)
    assert "150 ms" in words_of(Person(web).read("/sinks"))


def test_a_sink_to_which_nothing_was_delivered_has_no_average(web):
    assert "Attempts in the last hour: none" in words_of(Person(web).read("/sinks/stdout"))
