"""What a sink gets of a record: whether its filter lets it through, and what its projection makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sink_contract import record
from structlog.testing import capture_logs

from schemas.settings import SinkSpec
from worker.errors import Refused
from worker.record.shape import is_wanted, shaped


def sink(**wishes):
    return SinkSpec(name="crm", url="stdout:", **wishes)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("type == 'legwork.call.completed'", True),
        ("data.talk_seconds > `1000`", False),
        ("data.legs[?role == 'supervisor']", False),
        ("data.legs[?role == 'callee']", True),
        ("data.nothing_of_that_name", False),
        ("data.callbacks[0].params.empty", False),
        ("`0`", True),  # in JMESPath only null, false and what is empty are false
        ("length(data.legs) == `2`", True),
        ("data.call_sid && contains(['call0001'], data.call_sid)", True),
    ],
)
def test_a_filter_is_true_or_false_as_jmespath_has_it(expression, wanted):
    assert is_wanted(sink(filter=expression), record(empty="")) is wanted


def test_without_a_filter_every_record_is_wanted():
    assert is_wanted(sink(), record())


# What the library does not raise as an error of its own: TypeError, ValueError, OverflowError.
STRANGE = ["contains(call_sid, `1`)", "contains(call_sid, nothing)", "legs[::0]", "ceil(to_number('1e999'))"]


@pytest.mark.parametrize("expression", ["length(talk_seconds)", *STRANGE])
def test_a_record_that_a_filter_cannot_judge_goes_through(expression):
    """One such filter kept calls from ever ending, and in the end everything from being dispatched."""
    with capture_logs() as logs:
        assert is_wanted(sink(filter=f"data | ({expression})"), record())
    assert [line["event"] for line in logs] == ["filter.failed"]


def test_a_projection_takes_the_place_of_data_and_of_the_schema_it_no_longer_follows():
    event = record()
    found = shaped(sink(projection="{sid: call_sid, roles: legs[].role}"), event)
    assert found["data"] == {"sid": "call0001", "roles": ["caller", "callee"]}
    assert found.keys() == event.keys() - {"dataschema"}
    assert found["id"] == event["id"]


@pytest.mark.parametrize(
    "expression", ["length(talk_seconds)", *STRANGE, "{n: to_number('12345678901234567890123')}"], ids=str
)
def test_a_projection_that_fails_on_a_record_is_a_refusal_with_the_reason(expression):
    with pytest.raises(Refused, match=r"projection fails on it: ."):
        shaped(sink(projection=expression), record())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_no_record_is_too_strange_for_a_filter(data):
    assert isinstance(is_wanted(sink(filter="data.a.b[0] || data[?c]"), {"data": data}), bool)
