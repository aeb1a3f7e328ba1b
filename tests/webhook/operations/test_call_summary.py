"""The sentence about a call, as people would say it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads.records import AGENT, CALLER, SECOND, callback, data, legs_of

from webhook.operations.call_summary import summary_of_facts, summary_of_record
from worker.numbers.masking import mask_number
from worker.record.summary import CallFacts

CUSTOMER = "09000000031"
LONG = {"Sid": "late", "Origin": "outbound-dial", "PhoneNumber": AGENT, "Status": "completed", "OnCallDuration": 27}


def number(text):
    return mask_number(text) if text else "none"


def sentence(legs, *callbacks):
    return summary_of_record(data(legs_of(*legs), list(callbacks)), number)


@pytest.mark.parametrize(
    ("legs", "told"),
    [
        (
            [CALLER, ("outbound-dial", AGENT, "completed", 20)],
            "Inbound from …0011, answered by …0001, 20 s of talk.",
        ),
        (
            [
                CALLER,
                {**LONG, "DateCreated": "2026-09-16 11:12:05", "EndTime": "2026-09-16 11:12:35"},
                ("monitor", "09000000091", "completed", 9),
            ],
            "Inbound from …0011, answered by …0001 after 8 s, 27 s of talk, a supervisor was on the call.",
        ),
        (
            [CALLER, ("outbound-dial", AGENT, "completed", 20), ("outbound-dial", SECOND, "completed", 65)],
            "Inbound from …0011, answered by …0001, then …0002, 1:25 of talk.",
        ),
        (
            [CALLER, ("outbound-dial", AGENT, "no-answer", 0), ("outbound-dial", SECOND, "busy", 0)],
            "Inbound from …0011, missed, …0001 and …0002 did not answer.",
        ),
        ([CALLER], "Inbound from …0011, missed, no agent was tried."),
        (
            [CALLER, ("outbound-dial", "sip:agentone1a2b3c", "completed", 5)],
            "Inbound from …0011, answered by …2b3c, 5 s of talk.",
        ),
        ([("monitor", SECOND, "completed", 9)], "Direction unknown, nobody talked, a supervisor was on the call."),
    ],
    ids=["answered", "after a wait", "transferred", "two tried", "nobody tried", "softphone", "a supervisor alone"],
)
def test_an_inbound_call_is_told_in_a_sentence(legs, told):
    assert sentence(legs) == told


@pytest.mark.parametrize(
    ("status", "seconds", "told"),
    [
        ("completed", 21, "answered, agent …0001, 21 s of talk."),
        ("busy", 0, "the customer was busy, agent …0001."),
        ("no-answer", 0, "the customer did not answer, agent …0001."),
        ("failed", 0, "it failed, agent …0001."),
    ],
)
def test_an_outbound_call_is_told_by_the_customers_leg(status, seconds, told):
    legs = [("outbound", AGENT, "completed", 30), ("outbound-dial", CUSTOMER, status, seconds)]
    assert sentence(legs, callback(From=AGENT, To=CUSTOMER)) == f"Outbound to …0031, {told}"


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("listen", "a supervisor listened."),
        ("whisper", "a supervisor whispered to the agent."),
        ("barge", "a supervisor joined the call."),
    ],
)
def test_what_a_supervisor_did_is_told(action, told):
    supervisor = {
        "Origin": "monitor",
        "PhoneNumber": SECOND,
        "Status": "completed",
        "OnCallDuration": 5,
        "LastAction": action,
    }
    assert sentence([CALLER, ("outbound-dial", AGENT, "completed", 20), supervisor]).endswith(told)


def test_who_was_rung_and_never_heard_supervised_nothing():
    legs = [CALLER, ("outbound-dial", AGENT, "completed", 20), ("monitor", SECOND, "no-answer", 0)]
    assert "supervisor" not in sentence(legs)


def test_before_there_is_a_record_the_callbacks_tell():
    facts = CallFacts(direction="inbound", customer="+919000000011")
    assert summary_of_facts(facts, number, is_over=False) == "Inbound from …0011, legs not fetched yet."
    assert summary_of_facts(CallFacts(), number, is_over=True) == (
        "Direction unknown, Exotel told nothing of its legs."
    )


ORIGINS = st.sampled_from(["inbound", "outbound", "outbound-dial", "monitor", "elsewhere"])
NUMBERS = st.sampled_from([AGENT, SECOND, CUSTOMER, "sip:agent", "140", None])
STATUSES = st.sampled_from(["completed", "busy", "no-answer", "failed", "teleported", None])


@given(st.lists(st.tuples(ORIGINS, NUMBERS, STATUSES, st.integers(0, 9999)), min_size=1, max_size=6))
@settings(deadline=None)
def test_whatever_the_legs_are_it_is_one_sentence_without_numbers(legs):
    told = sentence(legs, callback(From=AGENT, To=CUSTOMER))
    assert told.endswith(".")
    assert told.count(".") == 1
    assert ", ," not in told
    assert "None" not in told
    assert not any(party in told for party in ("900000", AGENT, SECOND, CUSTOMER))
