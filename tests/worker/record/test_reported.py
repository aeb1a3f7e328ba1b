"""What a report takes from a record, and what it does not take for one."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads.strategies import DOCUMENTS
from reporting import AGENT, CUSTOMER, SOFTPHONE, inbound

from worker.numbers.erasure import Eraser
from worker.record.reported import TriedAgent, reported_call

DATA = inbound("call00001", CUSTOMER, (AGENT, 0), (SOFTPHONE, 27), wait=9)["data"]


def test_a_record_gives_its_call():
    call = reported_call(DATA)
    assert call.began_at == datetime(2026, 9, 16, 5, 30, tzinfo=UTC)
    assert (call.account_sid, call.direction, call.outcome, call.customer) == (
        "acme1m",
        "inbound",
        "answered",
        CUSTOMER,
    )
    assert (call.wait_seconds, call.agents) == (
        9,
        (TriedAgent("+919000000001", False, 0), TriedAgent(SOFTPHONE, True, 27)),
    )


def test_a_record_of_an_earlier_version_gives_what_it_has():
    old = {key: value for key, value in DATA.items() if key not in {"outcome", "wait_seconds", "agents"}}
    call = reported_call(old)
    assert (call.outcome, call.wait_seconds, call.agents) == (None, None, ())


def test_an_agent_whose_number_was_erased_has_no_name():
    eraser = Eraser("+919000000001", {"acme1m": "IN"}, "IN")
    event = orjson.loads(eraser.line(orjson.dumps(inbound("call00001", CUSTOMER, (AGENT, 5)))))
    assert reported_call(event["data"]).agents == (TriedAgent(None, True, 5),)


def test_times_are_in_utc_whatever_their_zone():
    call = reported_call({**DATA, "started_at": "2026-09-16T11:00:00+05:30"})
    assert call.began_at.isoformat() == "2026-09-16T05:30:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"started_at": "yesterday"},
        {"started_at": "2026-09-16T11:00:00"},
        {"started_at": "0001-01-01T00:00:00+05:30"},
        {"started_at": 1790000000},
        {"started_at": None, "provenance": None},
        {"account_sid": None},
        {"customer": 919000000011},
        {"direction": ["inbound"]},
        {"wait_seconds": "9"},
        {"agents": [AGENT]},
        {"agents": [{"number": AGENT}]},
        {"agents": [{"number": 1, "number_raw": None, "status": None, "on_call_seconds": 0}]},
        {"agents": [{"number": AGENT, "number_raw": None, "status": None, "on_call_seconds": None}]},
        {"agents": 7},
    ],
    ids=repr,
)
def test_what_is_no_record_is_refused(change):
    with pytest.raises(ValueError, match=r"no data of a record|isoformat"):
        reported_call({**DATA, **change})


@given(st.dictionaries(st.sampled_from(list(DATA)), DOCUMENTS))
def test_whatever_stands_in_a_file_is_a_call_or_a_value_error(change):
    try:
        call = reported_call({**DATA, **change})
    except ValueError:
        return
    assert call.began_at.tzinfo is UTC


@given(DOCUMENTS)
def test_anything_at_all_is_a_call_or_a_value_error(document):
    with pytest.raises(ValueError, match=r".+"):
        reported_call(document)
