"""Each report against a naive one, and against examples written by hand."""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting import (
    AGENT,
    BEGAN,
    CALLS,
    CUSTOMER,
    OTHER_AGENT,
    OTHER_CUSTOMER,
    PEOPLE,
    SOFTPHONE,
    inbound,
    outbound,
)

from webhook.operations.reports.kinds import COLUMNS, make_report
from worker.record.reported import reported_call

ZONES = {"acme1m": ZoneInfo("Asia/Kolkata"), "acme2m": ZoneInfo("America/New_York")}
MANY = st.lists(CALLS, max_size=30)


def report(name, calls):
    return make_report(name, iter(calls), ZONES.__getitem__)


def rows(name, *events):
    """The rows of a report on records, as tuples."""
    return [tuple(row.values()) for row in report(name, [reported_call(event["data"]) for event in events]).rows]


def at(minutes):
    return BEGAN + timedelta(minutes=minutes)


@pytest.mark.parametrize("name", COLUMNS)
@given(calls=MANY)
def test_a_report_has_its_columns_and_does_not_depend_on_the_order_of_calls(name, calls):
    found = report(name, calls)
    assert all(tuple(row) == COLUMNS[name] for row in found.rows)
    assert report(name, calls[::-1]) == found
    assert found.calls == sum(name == "agents" or call.direction == "inbound" for call in calls)


@given(calls=MANY)
def test_agents_are_what_counting_each_of_them_gives(calls):
    found = report("agents", calls)
    tries = [(call, agent) for call in calls for agent in call.agents]
    assert {row["agent"] for row in found.rows} == {agent.name for _, agent in tries} - {None}
    assert found.unlisted == sum(agent.name is None for _, agent in tries)
    for row in found.rows:
        of_one = [(call, agent) for call, agent in tries if agent.name == row["agent"]]
        waits = [call.wait_seconds for call, agent in of_one if agent.answered and call.direction == "inbound"]
        assert (row["tried"], row["answered"]) == (len(of_one), sum(agent.answered for _, agent in of_one))
        assert row["missed"] == sum(not agent.answered for _, agent in of_one)
        assert row["talk_seconds"] == pytest.approx(sum(agent.talk_seconds for _, agent in of_one), abs=0.001)
        assert row["longest_wait_seconds"] == max((wait for wait in waits if wait is not None), default=None)
    order = [(-row["answered"], -row["tried"]) for row in found.rows]
    assert order == sorted(order)


@given(calls=MANY, customer=PEOPLE.filter(bool))
def test_missed_calls_are_what_looking_through_those_of_each_customer_gives(calls, customer):
    found = report("missed", calls)
    own = [call for call in calls if call.customer == customer]
    lost = [call.began_at for call in own if (call.direction, call.outcome) == ("inbound", "missed")]
    (row,) = [row for row in found.rows if row["customer"] == customer] or [None]
    assert (row is not None) == bool(lost)
    if row is None:
        return
    assert row["missed"] == len(lost)
    assert datetime.fromisoformat(row["last_missed_at"]) == max(lost)
    later = {call.direction for call in own if call.outcome == "answered" and call.began_at > max(lost)}
    assert (row["answered_since"], row["called_back_since"]) == ("inbound" in later, "outbound" in later)
    open_ones = [not (row["answered_since"] or row["called_back_since"]) for row in found.rows]
    assert open_ones == sorted(open_ones, reverse=True), "who was not spoken to comes first"


@given(calls=MANY)
def test_hours_are_what_the_calls_of_each_hour_give(calls):
    found = report("hours", calls)
    assert [row["hour"] for row in found.rows] == list(range(24))
    for row in found.rows:
        own = [
            call
            for call in calls
            if call.direction == "inbound" and call.began_at.astimezone(ZONES[call.account_sid]).hour == row["hour"]
        ]
        waits = sorted(
            call.wait_seconds for call in own if call.outcome == "answered" and call.wait_seconds is not None
        )
        assert row["calls"] == len(own)
        assert row["answered"] == sum(call.outcome == "answered" for call in own)
        assert row["missed"] == sum(call.outcome == "missed" for call in own)
        assert row["wait_median_seconds"] == (statistics.median_low(waits) if waits else None)
        if not waits:
            assert row["wait_p90_seconds"] is None
            continue
        p90 = row["wait_p90_seconds"]
        assert sum(wait <= p90 for wait in waits) * 10 >= len(waits) * 9
        assert sum(wait < p90 for wait in waits) * 10 < len(waits) * 9, "no shorter one would do"


@given(calls=MANY)
def test_callers_are_what_counting_each_of_them_gives(calls):
    found = report("callers", calls)
    own = [call for call in calls if call.direction == "inbound"]
    for row in found.rows:
        theirs = [call.outcome for call in own if call.customer == row["customer"]]
        assert row["calls"] == len(theirs) > 0
        assert (row["answered"], row["missed"]) == (theirs.count("answered"), theirs.count("missed"))
    assert sum(row["calls"] for row in found.rows) + found.unlisted == len(own)
    assert [row["calls"] for row in found.rows] == sorted((row["calls"] for row in found.rows), reverse=True)


def test_of_no_calls_there_are_no_rows_but_each_hour_has_one():
    assert [len(report(name, []).rows) for name in COLUMNS] == [0, 0, 24, 0]


# By hand


def test_each_agent_who_was_tried_has_a_row_a_softphone_by_its_address():
    events = [
        inbound("call00001", CUSTOMER, (AGENT, 0), (SOFTPHONE, 27), wait=9),
        inbound("call00002", CUSTOMER, (AGENT, 5), wait=31),
        outbound("call00003", OTHER_CUSTOMER, AGENT, talk=30, wait=200),
        inbound("call00004", CUSTOMER, (OTHER_AGENT, 0)),
    ]
    assert rows("agents", *events) == [
        # The 200 s of the outbound call are how long the agent waited for the customer.
        ("+919000000001", 3, 2, 1, 5 + 230, 31),
        (SOFTPHONE, 1, 1, 0, 27, 9),
        ("+919000000002", 1, 0, 1, 0, None),
    ]


def test_an_agent_with_a_short_code_has_a_row_and_one_without_any_number_none():
    short = inbound("call00001", CUSTOMER, ("1234", 4))
    bare = inbound("call00002", CUSTOMER, ("", 4))
    assert rows("agents", short) == [("1234", 1, 1, 0, 4, 8)]
    found = report("agents", [reported_call(bare["data"])])
    assert (found.rows, found.unlisted, found.calls) == ([], 1, 1)


def test_a_missed_call_is_made_good_by_a_later_call_of_either_direction_and_by_no_earlier_one():
    assert rows(
        "missed",
        outbound("call00001", CUSTOMER, at=at(0)),
        inbound("call00002", CUSTOMER, (AGENT, 0), at=at(1)),
        inbound("call00003", OTHER_CUSTOMER, (AGENT, 0), at=at(2)),
        inbound("call00004", OTHER_CUSTOMER, (AGENT, 0), at=at(3)),
        inbound("call00005", OTHER_CUSTOMER, (AGENT, 9), at=at(4)),
        outbound("call00006", OTHER_CUSTOMER, at=at(5)),
        outbound("call00007", CUSTOMER, at=at(6), talk=0),
    ) == [
        (CUSTOMER, 1, "2026-09-16T05:31:00Z", False, False),
        (OTHER_CUSTOMER, 2, "2026-09-16T05:33:00Z", True, True),
    ]


def test_callers_without_a_number_in_e164_are_counted_and_not_listed():
    events = [inbound("call00001", "1909", (AGENT, 0)), inbound("call00002", "sip:doorbell1a2b", (AGENT, 3))]
    calls = [reported_call(event["data"]) for event in events]
    assert (report("missed", calls).rows, report("missed", calls).unlisted) == ([], 1)
    assert (report("callers", calls).rows, report("callers", calls).unlisted) == ([], 2)
    assert sum(row["calls"] for row in report("hours", calls).rows) == 2, "hours have no need of numbers"


def test_hours_are_those_of_the_accounts_clock():
    """05:30 UTC is 11:00 in Kolkata, where half an hour earlier is another hour."""
    found = rows(
        "hours",
        inbound("call00001", CUSTOMER, (AGENT, 3), at=at(0), wait=4),
        inbound("call00002", CUSTOMER, (AGENT, 3), at=at(1), wait=10),
        inbound("call00003", CUSTOMER, (AGENT, 0), at=at(2)),
        inbound("call00004", CUSTOMER, (AGENT, 3), at=at(-1), wait=60),
        outbound("call00005", CUSTOMER),
    )
    assert {row[0]: row[1:] for row in found if row[1]} == {11: (3, 2, 1, 4, 10), 10: (1, 1, 0, 60, 60)}


def test_a_call_at_the_end_of_the_calendar_has_an_hour():
    call = reported_call(inbound("call00001", CUSTOMER, (AGENT, 3))["data"])
    last = call._replace(began_at=datetime.fromisoformat("9999-12-31T23:59:59Z"))
    assert report("hours", [last]).rows[23]["calls"] == 1


def test_a_call_without_legs_counts_by_its_first_callback_as_neither_answered_nor_missed():
    event = inbound("call00001", CUSTOMER, (AGENT, 3))
    data = {**event["data"], "started_at": None, "outcome": None, "agents": []}
    call = reported_call(data)
    assert call.began_at == datetime.fromisoformat(data["provenance"]["first_callback_at"])
    (row,) = report("callers", [call]).rows
    assert (row["calls"], row["answered"], row["missed"]) == (1, 0, 0)
