from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.fields import MAX_SECONDS, CallSid, Count, ExotelTime, Seconds, Status, Text, Word

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [Text, CallSid, Word, Status, Seconds, Count, ExotelTime]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("nothing", [None, "", "null", "1970-01-01 05:30:00"])
def test_nothing_is_none_in_every_field(field, nothing):
    assert field().deserialize(nothing) is None


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("nothing", [None, "", "null"])
def test_nothing_is_refused_where_a_value_is_required(field, nothing):
    with pytest.raises(ValidationError):
        field(required=True).deserialize(nothing)


@given(st.sampled_from(FIELDS), ANYTHING)
@settings(deadline=None)
def test_no_value_raises_anything_but_a_validation_error(field, value):
    try:
        field().deserialize(value)
    except ValidationError:
        return


@pytest.mark.parametrize("value", ["3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "abcdEFGH", "a" * 64, 12345678])
def test_a_call_sid_is_8_to_64_letters_and_digits(value):
    assert CallSid().deserialize(value) == str(value)


@pytest.mark.parametrize(
    "value",
    [
        "short",
        "a" * 65,
        "abcd-efgh",
        "abcdefgh\n",
        " abcdefgh",
        "abcdefgh ",
        "abc defgh",
        "абвгдежз",
        "١٢٣٤٥٦٧٨",
        True,
        1.5,
        [],
        {},
    ],
)
def test_anything_else_is_no_call_sid(value):
    with pytest.raises(ValidationError, match="Not a CallSid"):
        CallSid().deserialize(value)


def test_words_are_folded_and_unknown_ones_pass():
    assert Word().deserialize(" Outbound-Dial ") == "outbound-dial"
    assert Word().deserialize("Teleported") == "teleported"


def test_canceled_has_one_spelling():
    assert [Status().deserialize(word) for word in ("Cancelled", "canceled")] == ["canceled", "canceled"]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(25, 25), ("25", 25), (" 25 ", 25), (2.5, 2.5), ("2.50", 2.5), (20.0, 20), ("0", 0), ("25\x1f", 25)],
)
def test_a_duration_is_a_number_or_its_text(value, seconds):
    read = Seconds().deserialize(value)
    assert (read, type(read)) == (seconds, type(seconds))


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "-1",
        -1,
        "1e3",
        "0x10",
        "1,5",
        "٣",
        True,
        float("nan"),
        float("inf"),
        "NaN",
        MAX_SECONDS + 1,
        10**400,
        [],
    ],
)
def test_nonsense_is_no_duration(value):
    with pytest.raises(ValidationError):
        Seconds().deserialize(value)


@given(st.integers(0, MAX_SECONDS) | st.floats(0, MAX_SECONDS))
@settings(deadline=None)
def test_durations_round_trip(seconds):
    assert Seconds().deserialize(seconds) == seconds


@given(st.integers(0, MAX_SECONDS))
@settings(deadline=None)
def test_durations_round_trip_as_text(seconds):
    assert Seconds().deserialize(str(seconds)) == seconds


@pytest.mark.parametrize(("value", "count"), [(3, 3), ("3", 3), (0, 0), ("3\x1f", 3)])
def test_a_count_is_a_number_or_its_text(value, count):
    assert Count().deserialize(value) == count


@pytest.mark.parametrize("value", ["three", 1.5, True, [], "9" * 5000])
def test_nonsense_is_no_count(value):
    with pytest.raises(ValidationError):
        Count().deserialize(value)


def test_a_time_without_a_zone_stays_without():
    assert ExotelTime().deserialize("2026-09-16 11:12:39") == datetime(2026, 9, 16, 11, 12, 39)  # noqa: DTZ001
