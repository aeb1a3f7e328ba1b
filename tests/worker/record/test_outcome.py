"""How a call went for the customer, by contract section 14: outcome, the time of the answer, the wait."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads.records import AGENT, CALLER, SECOND, callback, data, legs_of

CUSTOMER = "09000000031"


def outbound(*legs):
    """An outbound call to CUSTOMER, whom its callback names."""
    return data(legs_of(("outbound", AGENT, "completed", 30), *legs), [callback(From=AGENT, To=CUSTOMER)])


@pytest.mark.parametrize(
    ("legs", "outcome"),
    [
        ([CALLER, ("outbound-dial", AGENT, "completed", 20)], "answered"),
        ([CALLER, ("outbound-dial", AGENT, "no-answer", 0), ("outbound-dial", SECOND, "completed", 5)], "answered"),
        ([CALLER, ("outbound-dial", AGENT, "busy", 0)], "missed"),
        ([CALLER, ("outbound-dial", AGENT, "completed", 0)], "missed"),
        ([CALLER], "missed"),
        ([CALLER, ("monitor", SECOND, "completed", 9)], "missed"),
    ],
)
def test_an_inbound_call_is_answered_if_a_callee_talked_else_missed(legs, outcome):
    assert data(legs_of(*legs))["outcome"] == outcome


@pytest.mark.parametrize(
    ("status", "seconds", "outcome"),
    [
        ("completed", 20, "answered"),
        ("busy", 0, "busy"),
        ("no-answer", 0, "missed"),
        ("failed", 0, "failed"),
        ("canceled", 0, "failed"),
        ("completed", 0, "failed"),
        ("teleported", 0, "failed"),
        (None, 0, "failed"),
    ],
)
def test_an_outbound_call_is_what_the_customers_leg_came_to(status, seconds, outcome):
    other = ("outbound-dial", SECOND, "completed", 9)
    assert outbound(("outbound-dial", CUSTOMER, status, seconds), other)["outcome"] == outcome


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [((("no-answer", 0), ("completed", 4)), "answered"), ((("no-answer", 0), ("busy", 0)), "busy")],
)
def test_a_customer_who_was_rung_twice_has_one_outcome(statuses, outcome):
    assert outbound(*(("outbound-dial", CUSTOMER, *status) for status in statuses))["outcome"] == outcome


@pytest.mark.parametrize(
    ("answer", "callbacks"),
    [
        (legs_of(("outbound", AGENT, "completed", 20), ("outbound-dial", CUSTOMER, "busy", 0)), []),
        (legs_of(("outbound", AGENT, "no-answer", 0)), [callback(From=AGENT, To=CUSTOMER)]),
        (legs_of(("elsewhere", AGENT, "completed", 20)), []),
        (None, [callback(Direction="incoming", From=CUSTOMER)]),
    ],
    ids=["no callback names the customer", "the customer was not rung", "no direction", "no legs"],
)
def test_an_outcome_that_is_not_known_is_null_and_not_guessed(answer, callbacks):
    assert data(answer, callbacks)["outcome"] is None


def leg(second, until, seconds, **changes):
    times = {"DateCreated": f"2026-09-16 11:12:{second:02}", "DateUpdated": f"2026-09-16 11:12:{until:02}"}
    return (
        {"Origin": "outbound-dial", "PhoneNumber": AGENT, "Status": "completed", "OnCallDuration": seconds}
        | times
        | changes
    )


def caller(second=0):
    return leg(second, 59, 40, Origin="inbound", PhoneNumber="09000000011", Sid="caller")


@pytest.mark.parametrize(
    ("legs", "answered_at", "wait"),
    [
        ([caller(), leg(5, 40, 20)], "2026-09-16T05:42:20Z", 20),
        ([caller(), leg(5, 40, 20, EndTime="2026-09-16 11:12:41")], "2026-09-16T05:42:21Z", 21),
        ([caller(), leg(5, 9, 0), leg(12, 40, 20, Sid="second")], "2026-09-16T05:42:20Z", 20),
        ([caller(), leg(5, 40, 20), leg(30, 50, 10, Sid="transferred")], "2026-09-16T05:42:20Z", 20),
        ([caller(), leg(5, 40, "20.5")], "2026-09-16T05:42:19.500000Z", 19.5),
        ([caller(), leg(5, 9, 0, Status="no-answer")], None, None),
        ([caller(), leg(5, 40, 20, DateUpdated=None)], None, None),
        ([caller(30), leg(31, 40, 20)], "2026-09-16T05:42:20Z", None),
    ],
    ids=[
        "by the update",
        "by the end",
        "second agent",
        "transfer",
        "parts of a second",
        "none",
        "no end",
        "contradiction",
    ],
)
def test_the_answer_is_where_the_first_callee_began_to_talk(legs, answered_at, wait):
    call = data(legs_of(*legs))
    assert (call["answered_at"], call["wait_seconds"]) == (answered_at, wait)


ORIGINS = st.sampled_from(["inbound", "outbound", "outbound-dial", "monitor", "elsewhere"])
NUMBERS = st.sampled_from([AGENT, SECOND, CUSTOMER, "sip:agent", None])
STATUSES = st.sampled_from(["completed", "busy", "no-answer", "failed", "teleported", None])


@given(st.lists(st.tuples(ORIGINS, NUMBERS, STATUSES, st.integers(0, 99)), max_size=6))
@settings(deadline=None)
def test_whatever_the_legs_are_the_words_fit_each_other(legs):
    call = data(legs_of(*legs), [callback(From=AGENT, To=CUSTOMER)])
    assert (call["outcome"] == "answered") <= (call["talk_seconds"] > 0)
    assert (call["direction"] is None) <= (call["outcome"] is None and call["agents"] == [])
    assert (call["answered_at"] is None) <= (call["wait_seconds"] is None)
    assert call["agent"] is None or call["agent_raw"] is None
    assert call["agent"] in {None, *(agent["number"] for agent in call["agents"])}
    assert call["agent_raw"] in {None, *(agent["number_raw"] for agent in call["agents"])}
    sides = {"inbound": "callee", "outbound": "caller", None: None}
    rung = [leg for leg in call["legs"] if leg["role"] == sides[call["direction"]]]
    assert sum(agent["on_call_seconds"] for agent in call["agents"]) == sum(leg["on_call_seconds"] for leg in rung)
