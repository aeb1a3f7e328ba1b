"""The record as a whole, by contract section 5."""

import dataclasses
from datetime import timedelta
from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError
from payloads.records import (
    AGENT,
    CALLER,
    KOLKATA,
    NOW,
    PROVENANCE,
    SECOND,
    SID,
    answer_of,
    build,
    callback,
    data,
    legs_of,
)
from payloads.strategies import BODIES, PAIRS, answers

from schemas.callback import load_callbacks
from schemas.json_schema import json_schema
from schemas.legs import load_legs
from worker.record.build import same_facts


def test_the_published_call_becomes_the_contracts_record():
    event = build(answer_of("S1"), [callback(From="09000000001", To="09000000002", PhoneNumberSid="04040001234")])
    assert {key: value for key, value in event.items() if key not in ("id", "data")} == {
        "specversion": "1.0",
        "source": "/exotel/accounts/acme1m",
        "type": "legwork.call.completed",
        "subject": SID,
        "time": "2026-09-16T05:43:08Z",
        "datacontenttype": "application/json",
        "dataschema": json_schema()["$id"],
    }
    call = event["data"]
    told = list(call)[: list(call).index("legs")]
    assert {key: call[key] for key in told} == {
        "account_sid": "acme1m",
        "call_sid": SID,
        "revision": 1,
        "settled": True,
        "direction": "outbound",
        "status": "completed",
        "outcome": "answered",
        "started_at": "2026-09-16T05:42:39Z",
        "ended_at": "2026-09-16T05:43:08Z",
        "duration_seconds": 29,
        "answered_at": "2026-09-16T05:42:52Z",
        "wait_seconds": 13,
        "talk_seconds": 9,
        "participant_count": 3,
        "scenario": "multi_party",
        "monitored": False,
        "exophone": "+914000000001",
        "customer": "+919000000002",
        "agent": "+919000000001",
        "agent_raw": None,
        "agents": [
            {
                "number": "+919000000001",
                "number_raw": "09000000001",
                "number_kind": "phone",
                "status": "completed",
                "on_call_seconds": 25,
            }
        ],
    }
    assert call["legs"][0] == {
        "sid": "0a1b2c3d4e5f60718293a4b5c6d71a9g",
        "role": "caller",
        "number": "+919000000001",
        "number_raw": "09000000001",
        "number_kind": "phone",
        "status": "completed",
        "origin": "outbound",
        "last_action": None,
        "created_at": "2026-09-16T05:42:39Z",
        "updated_at": "2026-09-16T05:43:08Z",
        "started_at": None,
        "ended_at": None,
        "on_call_seconds": 25,
        "exophone": None,
        "backup_exophone": None,
        "uri": f"/v1/Accounts/acme1m/Calls/{SID}/Legs/0a1b2c3d4e5f60718293a4b5c6d71a9g",
        "extra": {},
    }
    assert call["provenance"] == {
        "fetched_at": "2026-09-16T05:50:00.250000Z",
        "fetches": 1,
        "response_sha256": "0" * 64,
        "first_callback_at": "2026-09-16T05:48:00Z",
        "waited_seconds": {"settle": 120.0, "quota": 0.3, "fetch": 0.2},
        "legwork_version": version("legwork"),
    }
    assert "reason" not in call


def test_an_inbound_call_with_a_sip_agent_and_a_supervisor():
    call = data(answer_of("S2"))
    assert (call["direction"], call["status"], call["scenario"]) == ("inbound", "completed", "direct")
    assert (call["participant_count"], call["talk_seconds"], call["monitored"]) == (2, 20, True)
    # The agent that talked is known, but sip: has no E.164 form; its leg tells who it is.
    assert (call["customer"], call["agent"], call["exophone"]) == ("+919000000011", None, "+914000000001")
    assert [(leg["role"], leg["number_kind"]) for leg in call["legs"]] == [
        ("caller", "phone"),
        ("callee", "phone"),
        ("callee", "sip"),
        ("supervisor", "phone"),
    ]
    assert call["legs"][3]["extra"] == {"FutureField": "x"}


def test_xml_gives_the_same_kind_of_record():
    call = data(answer_of("S3"), call_sid="c4d8e2f6a0b1c3d5e7f9a2b4c6d81a9f")
    assert (call["direction"], call["status"], call["scenario"]) == ("outbound", "no-answer", "unknown")


def test_an_exophone_that_is_no_number_keeps_its_text():
    (leg,) = data(legs_of({"ExoPhone": "hidden", "BackupExoPhone": "04000000002"}))["legs"]
    assert (leg["exophone"], leg["backup_exophone"]) == (None, "+914000000002")
    assert leg["extra"] == {"ExoPhone": "hidden"}


def test_the_same_call_revision_and_type_have_the_same_id_and_no_others():
    def id_of(**changes):
        return build(**{"answer": answer_of("S1"), **changes})["id"]

    ids = [
        id_of(),
        id_of(revision=2),
        id_of(account_sid="other1m"),
        id_of(call_sid="7b2e4d6f8a1c3e5097d4b6f8c2a01a9g"),
        id_of(answer=None),
    ]
    assert len(set(ids)) == len(ids)
    assert all("." not in name for name in ids)
    assert id_of() == id_of(callbacks=[callback()], settled=False) == ids[0]


def test_a_second_revision_is_a_correction():
    assert build(answer_of("S1"), revision=2)["type"] == "legwork.call.corrected"
    assert build(answer_of("S1"), revision=2)["data"]["revision"] == 2


@pytest.mark.parametrize("answer", [None, legs_of()])
@pytest.mark.parametrize("revision", [1, 2])
def test_without_legs_the_call_is_unavailable_and_the_record_says_why(answer, revision):
    event = build(answer, [callback(Direction="incoming")], revision=revision, settled=False, reason="404 \ud800")
    assert event["type"] == "legwork.call.unavailable"
    call = event["data"]
    assert (call["status"], call["legs"], call["reason"]) == (None, [], "404 \\ud800")
    assert (call["direction"], call["scenario"], call["talk_seconds"]) == ("inbound", "unknown", 0)


def test_an_unsettled_record_is_a_completed_one_that_says_why():
    event = build(legs_of(CALLER), settled=False, reason="a leg is still ringing")
    assert event["type"] == "legwork.call.completed"
    assert (event["data"]["settled"], event["data"]["reason"]) == (False, "a leg is still ringing")


def test_an_account_of_strange_letters_makes_no_strange_source():
    assert build(account_sid="a/b c")["source"] == "/exotel/accounts/a%2Fb%20c"


def test_what_a_confirmation_read_may_change_without_a_correction():
    first = build(answer_of("S1"))
    later = dataclasses.replace(PROVENANCE, fetches=2, fetched_at=NOW + timedelta(seconds=900))
    hints = [callback(From=AGENT, To=SECOND, CustomField="x", PhoneNumberSid="04000000001")]
    second = build(answer_of("S1"), hints, provenance=later, revision=2, settled=False)
    assert same_facts(first, second)


@pytest.mark.parametrize(
    "changes",
    [{"Status": "busy"}, {"OnCallDuration": 41}, {"EndTime": "2026-09-16 12:00:00"}, {"Uri": "/x"}, {"New": 1}],
)
def test_a_change_in_a_leg_calls_for_a_correction(changes):
    leg = {"Origin": "inbound", "Status": "completed", "OnCallDuration": 40}
    assert not same_facts(build(legs_of(leg)), build(legs_of(leg | changes)))
    assert not same_facts(build(legs_of(leg)), build(legs_of(leg, leg)))


@st.composite
def some_callbacks(draw):
    found = []
    for pairs, document in draw(st.lists(st.tuples(PAIRS, BODIES), max_size=3)):
        try:
            found += load_callbacks(
                draw(st.sampled_from(["passthru", "status"])),
                [*pairs, ("CallSid", SID)],
                document,
                received_at=NOW + timedelta(seconds=draw(st.integers(0, 99))),
            )
        except ValidationError:
            continue
    return found


@given(answers(), some_callbacks(), st.sampled_from(["IN", "SG", "US"]), st.randoms())
@settings(deadline=None, max_examples=300)
def test_whatever_loads_becomes_a_valid_record_whatever_the_order_of_its_legs(body, callbacks, region, dice):
    answer = load_legs(body, timezone=KOLKATA)
    record = build(answer, callbacks, region=region)
    legs = list(answer.legs)
    dice.shuffle(legs)
    shuffled = build(dataclasses.replace(answer, legs=tuple(legs)), callbacks, region=region)
    assert shuffled == record
    assert same_facts(shuffled, record)
    assert len(record["data"]["legs"]) == len(legs)
    assert len(record["data"]["callbacks"]) == len(callbacks)
