from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.times import EPOCH, in_utc, parse_time, write_time

KOLKATA = ZoneInfo("Asia/Kolkata")
SINGAPORE = ZoneInfo("Asia/Singapore")
NOON = datetime(2026, 9, 16, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-16 17:30:00",
        "2026-09-16T17:30:00",
        "2026-09-16 17:30:00+05:30",
        "2026-09-16T20:00:00+08:00",
        "2026-09-16T12:00:00Z",
        "2026-09-16t12:00:00.000Z",
        "Wed, 16 Sep 2026 17:30:00",
        "Wed, 16 Sep 2026 12:00:00 GMT",
        "Wed, 16 Sep 2026 20:00:00 +0800",
    ],
)
def test_every_form_of_a_time_is_read_and_an_offset_counts_more_than_the_zone(text):
    assert in_utc(parse_time(text), KOLKATA) == NOON


def test_a_time_without_a_zone_is_a_reading_of_the_accounts_clocks():
    assert in_utc(parse_time("2026-09-16 20:00:00"), SINGAPORE) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1789538400",
        "20260916",
        "2026-09-16",
        "2026-13-01 00:00:00",
        "Wed, 99 Sep 2026",
        "Wed, 16 Foo 2026 17:30:00",
        "Wed, 16 Sep 2026 17:30:00 +9999",
        "Wed, 16 Sep 2026 17:30:00 +" + "9" * 20,
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


@pytest.mark.parametrize("zone", [KOLKATA, SINGAPORE, ZoneInfo("UTC"), ZoneInfo("America/Los_Angeles")])
def test_the_epochs_zero_is_no_time_in_whatever_zone_it_was_printed(zone):
    assert in_utc(EPOCH.astimezone(zone).replace(tzinfo=None), zone) is None


@pytest.mark.parametrize("moment", [datetime.min, datetime.max, datetime.min.replace(tzinfo=KOLKATA)])  # noqa: DTZ901
@pytest.mark.parametrize("zone", [KOLKATA, ZoneInfo("America/Los_Angeles")])
def test_the_ends_of_the_calendar_are_survived(moment, zone):
    found = in_utc(moment, zone)
    assert found is None or found.utcoffset() == timedelta(0)


def test_times_are_written_in_utc_with_a_fraction_only_where_there_is_one():
    assert write_time(datetime(2026, 9, 16, 17, 30, tzinfo=KOLKATA)) == "2026-09-16T12:00:00Z"
    assert write_time(NOON.replace(microsecond=250_000)) == "2026-09-16T12:00:00.250000Z"


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
@settings(deadline=None)
def test_what_is_written_reads_back(moment):
    assert in_utc(parse_time(write_time(moment)), KOLKATA) == moment


@given(st.text())
@settings(deadline=None)
def test_any_text_is_a_time_or_a_value_error(text):
    for candidate in (text, f"2026-09-16 11:{text}", f"Wed, 1{text}"):
        try:
            found = in_utc(parse_time(candidate), KOLKATA)
        except ValueError:
            continue
        assert found is None or found.utcoffset() == timedelta(0)
