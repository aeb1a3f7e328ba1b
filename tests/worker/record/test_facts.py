"""What the legs alone say of a call, by contract section 5."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads.records import AGENT, CALLER, SECOND, data, legs_of


@pytest.mark.parametrize(
    ("legs", "status"),
    [
        ([CALLER, ("outbound-dial", AGENT, "completed", 20)], "completed"),
        ([CALLER, ("outbound-dial", AGENT, "busy", 0), ("outbound-dial", SECOND, "completed", 5)], "completed"),
        ([CALLER, ("outbound-dial", AGENT, "busy", 0)], "busy"),
        ([CALLER, ("outbound-dial", AGENT, "failed", 0), ("outbound-dial", SECOND, "no-answer", 0)], "no-answer"),
        ([CALLER, ("outbound-dial", AGENT, "no-answer", 0), ("outbound-dial", SECOND, "busy", 0)], "busy"),
        ([CALLER, ("outbound-dial", AGENT, "canceled", 0), ("outbound-dial", SECOND, "failed", 0)], "failed"),
        ([CALLER, ("outbound-dial", AGENT, "teleported", 0), ("outbound-dial", SECOND, "Cancelled", 0)], "canceled"),
        ([CALLER, ("outbound-dial", AGENT, "Teleported", 0)], "teleported"),
        ([CALLER, ("outbound-dial", AGENT, None, 0)], "completed"),
        ([("outbound", AGENT, "completed", 0), ("outbound-dial", SECOND, "completed", 9)], "completed"),
        ([("outbound", AGENT, "no-answer", 0), ("outbound-dial", SECOND, "failed", 9)], "failed"),
        ([("outbound", AGENT, "no-answer", 0)], "no-answer"),
        ([CALLER], "completed"),
        ([CALLER, ("monitor", SECOND, "busy", 0)], "completed"),
        ([("monitor", SECOND, "completed", 9)], None),
        ([("elsewhere", SECOND, "completed", 9)], None),
    ],
)
def test_the_outcome_is_a_conversation_or_the_most_telling_reason_why_there_was_none(legs, status):
    assert data(legs_of(*legs))["status"] == status


@pytest.mark.parametrize(
    ("legs", "scenario", "talk", "participants"),
    [
        ([CALLER], "unknown", 0, 1),
        ([CALLER, ("outbound-dial", AGENT, "busy", 0)], "unanswered", 0, 1),
        ([CALLER, ("outbound-dial", AGENT, "completed", 20)], "direct", 20, 2),
        ([CALLER, ("outbound-dial", AGENT, "", 20), ("outbound-dial", "+91" + AGENT[1:], "", 2)], "direct", 22, 2),
        ([CALLER, ("outbound-dial", AGENT, "", 20), ("outbound-dial", SECOND, "", 0)], "direct", 20, 2),
        ([CALLER, ("outbound-dial", AGENT, "", 20), ("outbound-dial", SECOND, "", 2)], "multi_party", 22, 3),
        ([CALLER, ("outbound-dial", "sip:a", "", 1), ("outbound-dial", " sip:a ", "", 2)], "direct", 3, 2),
        ([CALLER, ("outbound-dial", "sip:a", "", 1), ("outbound-dial", "sip:b", "", 2)], "multi_party", 3, 3),
        ([CALLER, ("outbound-dial", None, "", 1), ("outbound-dial", None, "", 2)], "multi_party", 3, 3),
        ([CALLER, ("outbound-dial", AGENT, "", "20.5")], "direct", 20.5, 2),
        ([CALLER, ("monitor", SECOND, "", 30)], "unknown", 0, 1),
        ([CALLER, ("elsewhere", SECOND, "", 30)], "unknown", 0, 2),
        ([("inbound", AGENT, "", 0)], "unknown", 0, 0),
    ],
)
def test_parties_are_told_apart_by_number_and_supervisors_are_none(legs, scenario, talk, participants):
    call = data(legs_of(*legs))
    assert (call["scenario"], call["talk_seconds"], call["participant_count"]) == (scenario, talk, participants)


@pytest.mark.parametrize(("seconds", "monitored"), [(15, True), (0, False)])
def test_a_supervisor_who_was_on_the_call_monitored_it(seconds, monitored):
    assert data(legs_of(CALLER, ("monitor", SECOND, "completed", seconds)))["monitored"] is monitored


def test_the_call_lasts_from_the_earliest_beginning_to_the_latest_end_of_all_its_legs():
    call = data(
        legs_of(
            {"DateCreated": "2026-09-16 11:00:10", "DateUpdated": "2026-09-16 11:00:50", "Origin": "inbound"},
            {"StartTime": "2026-09-16 11:00:05", "EndTime": "2026-09-16 11:01:00", "Origin": "outbound-dial"},
            {"DateCreated": "2026-09-16 11:00:20", "DateUpdated": "2026-09-16 11:02:00.9", "Origin": "monitor"},
        )
    )
    assert (call["started_at"], call["ended_at"]) == ("2026-09-16T05:30:05Z", "2026-09-16T05:32:00.900000Z")
    assert call["duration_seconds"] == 115


def test_unknown_times_are_null_and_so_is_what_needs_them():
    call = data(legs_of({"DateCreated": "", "DateUpdated": "null", "EndTime": "1970-01-01 05:30:00"}))
    assert (call["started_at"], call["ended_at"], call["duration_seconds"]) == (None, None, None)


def test_an_end_before_the_beginning_measures_nothing():
    call = data(legs_of({"DateCreated": "2026-09-16 11:00:10", "EndTime": "2026-09-16 11:00:00"}))
    assert call["duration_seconds"] is None


def test_legs_are_ordered_by_creation_then_sid_with_the_unknown_last():
    late, early = "2026-09-16 11:00:10", "2026-09-16 11:00:00"
    call = data(
        legs_of(
            {"Sid": "d", "DateCreated": None},
            {"Sid": "c", "DateCreated": late},
            {"Sid": "b", "DateCreated": early},
            {"Sid": "a", "DateCreated": late},
        )
    )
    assert [leg["sid"] for leg in call["legs"]] == ["b", "a", "c", "d"]


def test_the_agent_of_an_inbound_call_is_the_callee_that_talked_longest():
    call = data(legs_of(CALLER, ("outbound-dial", AGENT, "completed", 5), ("outbound-dial", SECOND, "completed", 6)))
    assert (call["customer"], call["agent"]) == ("+919000000011", "+919000000002")


def test_nobody_talked_nobody_was_the_agent():
    call = data(legs_of(CALLER, ("outbound-dial", AGENT, "busy", 0)))
    assert (call["customer"], call["agent"]) == ("+919000000011", None)


@given(st.lists(st.integers(0, 14400), max_size=6))
@settings(deadline=None)
def test_seconds_round_trip(seconds):
    call = data(legs_of(*(("outbound-dial", AGENT, "completed", str(number)) for number in seconds)))
    assert [leg["on_call_seconds"] for leg in call["legs"]] == seconds
    assert call["talk_seconds"] == sum(seconds)
