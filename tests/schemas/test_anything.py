"""Whatever arrives, a validation error is the worst that happens."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError
from payloads.samples import ANSWERS
from payloads.strategies import BODIES, DOCUMENTS, PAIRS, SID, answers

from schemas.callback import load_callbacks
from schemas.legs import load_error, load_legs

NOW = datetime(2026, 9, 16, 7, 2, 26, tzinfo=UTC)
KOLKATA = ZoneInfo("Asia/Kolkata")
SAMPLES = [sample.body for sample in ANSWERS.values()]


def assert_named(refusal):
    assert isinstance(refusal.messages, dict)


@given(st.sampled_from(["passthru", "status"]), PAIRS, BODIES)
@settings(deadline=None, max_examples=300)
@example("status", [("CallSid", SID)], {"a": float("nan"), "b": 10**5000, "\ud800": "\udfff"})
def test_any_callback_is_read_or_refused_by_name(kind, pairs, document):
    try:
        callbacks = load_callbacks(kind, pairs, document, received_at=NOW)
    except ValidationError as refusal:
        assert_named(refusal)
        return
    assert callbacks
    for callback in callbacks:
        assert callback.call_sid.isalnum()
        assert orjson.loads(orjson.dumps(callback.params)) == callback.params


def read_or_refuse(body):
    message = load_error(body)
    assert message is None or 0 < len(message) <= 200
    try:
        return load_legs(body, timezone=KOLKATA)
    except ValidationError as refusal:
        assert_named(refusal)
        return None


@given(st.binary())
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_read_or_refused(body):
    read_or_refuse(body)
    read_or_refuse(b"<" + body)
    read_or_refuse(b'{"legs": [{"Sid": "a"' + body)


@given(st.sampled_from(SAMPLES), st.integers(0), st.binary(max_size=3))
@settings(deadline=None, max_examples=300)
def test_any_damage_to_an_answer_is_survived(body, place, damage):
    place %= len(body) + 1
    read_or_refuse(body[:place] + damage + body[place + len(damage) :])
    read_or_refuse(body[:place])


@given(DOCUMENTS)
@settings(deadline=None)
def test_any_document_is_read_or_refused(document):
    try:
        body = orjson.dumps(document)
    except TypeError:
        return
    for wrapped in (body, b'{"legs": %b}' % body, b'{"legs": [%b]}' % body, b'{"RestException": %b}' % body):
        read_or_refuse(wrapped)


@given(answers())
@settings(deadline=None, max_examples=300)
def test_legs_with_any_values_are_read_as_long_as_they_have_a_sid(body):
    loaded = read_or_refuse(body)
    assert loaded is not None
    assert loaded.why_not_final(SID) != ""
    for leg in loaded.legs:
        assert leg.sid
        assert orjson.dumps(leg.extra)


@pytest.mark.parametrize("body", SAMPLES, ids=list(ANSWERS))
def test_every_beginning_of_every_sample_is_survived(body):
    for end in range(0, len(body), 7):
        read_or_refuse(body[:end])
