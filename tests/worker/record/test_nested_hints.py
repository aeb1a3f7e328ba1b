"""Hints that stand inside something: Exotel nests them in brackets, in JSON, and in JSON within one parameter."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads.records import AGENT, CALLER, SECOND, data, legs_of

from schemas.callback import load_callbacks

SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
URL = "https://recordings.example/x.mp3"
AT = datetime(2026, 9, 16, 6, tzinfo=UTC)


def made_of(*requests, legs=(CALLER,), kind="passthru"):
    """What the record says after these requests; each is pairs, or a JSON document."""
    callbacks = []
    for minute, request in enumerate(requests):
        at = AT.replace(minute=minute)
        pairs, document = (request, None) if isinstance(request, list) else ([], request)
        callbacks += load_callbacks(kind, [("CallSid", SID), *pairs], document, received_at=at)
    return data(legs_of(*legs), callbacks)


@pytest.mark.parametrize(
    "request_",
    [
        [("RecordingUrl", URL)],
        [("Stream[RecordingUrl]", URL)],
        [("stream[recording_url]", URL)],
        [("STREAM[RECORDINGURL]", URL)],
        [("Stream.RecordingUrl", URL)],
        [("Stream", json.dumps({"RecordingUrl": URL}))],
        [("Stream", json.dumps([{"Status": "completed"}, {"recording_url": URL}], indent=1))],
        [("Stream[StreamSID]", "0a1b"), ("Stream", json.dumps({"RecordingUrl": URL}))],
        [("Stream[0][RecordingUrl]", URL), ("Stream[1][RecordingUrl]", "null")],
        [("Call[RecordingUrl]", URL)],
        [("Call", json.dumps({"Stream": {"RecordingUrl": URL}}))],
        [("Legs[0][RecordingUrl]", URL)],
        [("Legs", json.dumps([{"Leg": {"Id": 1, "RecordingUrl": URL}}]))],
        [("Insights[RecordingUrl]", URL)],
        [("Recordings[0][Url]", URL)],
        [("CallRecordings", URL)],
        [("CallRecordings", json.dumps([URL]))],
        [("CallRecordings", json.dumps([{"url": URL}]))],
        [("RecordingUrl", json.dumps(URL))],
        {"Stream": {"RecordingUrl": URL}},
        {"stream": json.dumps({"recordingUrl": URL})},
        {"call": {"sid": SID, "stream": [{"RecordingUrl": URL}]}},
        {"Legs": [{"Status": "completed"}, {"RecordingUrl": URL}]},
        {"recordings": [{"url": URL}]},
        {"CallRecordings": [URL]},
        {"RecordingUrl": None, "Stream": {"RecordingUrl": URL}},
    ],
)
def test_a_recording_is_known_wherever_exotel_names_it(request_):
    """For a voicebot's call `Stream[RecordingUrl]` is the only place, and the record said null."""
    assert made_of(request_)["recording_url"] == URL


@pytest.mark.parametrize(
    "request_",
    [
        [("CustomField", json.dumps({"RecordingUrl": URL}))],  # the customer's own
        [("Stream[PreSignedRecordingUrl]", URL)],
        [("Stream[StreamUrl]", "wss://bot.example/media")],
        [("Stream", "{not json")],
        [("Stream", '{"RecordingUrl": "null"}')],
        [("Stream", "[" * 5000)],
        {"Stream": {"RecordingUrl": True}},
    ],
)
def test_what_names_no_recording_is_none(request_):
    assert made_of(request_)["recording_url"] is None


def test_the_latest_callback_to_name_one_counts_wherever_it_does():
    assert made_of([("RecordingUrl", "https://a")], [("Stream[RecordingUrl]", URL)])["recording_url"] == URL
    assert made_of([("Stream[RecordingUrl]", URL)], [("RecordingUrl", "")])["recording_url"] == URL
    assert made_of([("Stream[RecordingUrl]", "https://a"), ("RecordingUrl", URL)])["recording_url"] == URL, "outermost"


def test_the_parameters_stay_as_they_came():
    text = json.dumps({"RecordingUrl": URL})
    assert made_of([("Stream", text)])["callbacks"][0]["params"] == {"CallSid": SID, "Stream": text}


INSIDE_CALL = {
    "Sid": SID,
    "Direction": "outbound-api",
    "From": AGENT,
    "To": SECOND,
    "PhoneNumberSid": "04000000001",
    "CustomField": "order_1",
    "digits": '"12"',
}


@pytest.mark.parametrize(
    "request_",
    [
        {"Call": INSIDE_CALL},
        {"call": {name.lower(): value for name, value in INSIDE_CALL.items()}},
        [("Call", json.dumps(INSIDE_CALL))],
        [(f"Call[{name}]", value) for name, value in INSIDE_CALL.items()],
        [(f"Call.{name}", value) for name, value in INSIDE_CALL.items()],
    ],
)
def test_what_a_call_object_says_is_said_of_the_call(request_):
    """Dynamic applets post `{"Call": {"Sid": …, "From": …}}`: only its Sid was read."""
    legs = (("outbound", AGENT, "completed", 20), ("outbound-dial", SECOND, "completed", 9))
    made = made_of(request_, legs=legs)
    assert (made["customer"], made["agent"]) == ("+919000000002", "+919000000001")
    assert (made["exophone"], made["custom_field"], made["digits"]) == ("+914000000001", "order_1", "12")


def test_a_stream_or_a_leg_says_nothing_of_the_call_itself():
    made = made_of([("Stream[CustomField]", "x"), ("Stream[Direction]", "incoming"), ("Legs[0][digits]", "1")])
    assert (made["custom_field"], made["digits"]) == (None, None)


@pytest.mark.parametrize(
    ("document", "ended"),
    [
        ({"Call": {"Sid": SID, "Status": "completed"}}, True),
        ({"Call": json.dumps({"Sid": SID, "EventType": "terminal"})}, True),
        ({"Call": {"Sid": SID, "Status": "in-progress"}}, False),
        ({"Call": {"Sid": SID, "Status": "completed"}, "EventType": "answered"}, False),
        ({"CallSid": SID, "Stream": {"Status": "completed"}}, False),
        ({"CallSid": SID, "Legs": [{"Status": "completed"}]}, False),
    ],
)
def test_the_end_of_a_call_may_be_told_inside_it_and_not_inside_its_parts(document, ended):
    (callback,) = load_callbacks("status", [], document, received_at=AT)
    assert (callback.call_sid, callback.ended) == (SID, ended)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8) | st.just('{"RecordingUrl": 1}'),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["Stream", "Call", "Legs", "RecordingUrl", "CallRecordings", "x"]), inner)
        ),
        max_leaves=20,
    )
)
def test_no_nesting_is_too_odd_to_be_read(value):
    made = made_of({"Stream": value, "Call": value, "CallRecordings": value, "CallSid": SID})
    assert made["recording_url"] is None or isinstance(made["recording_url"], str)
