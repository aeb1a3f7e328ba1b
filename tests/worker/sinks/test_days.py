"""By whose days records and files are sorted: UTC's, or those of the option `zone`."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from object_store import BUCKET, ObjectStore
from sink_contract import record, sink_spec

from worker.sinks import BadSink, sink_for
from worker.sinks.days import day_of, today


def opened(url, **options):
    sink = sink_for(sink_spec(url, **options))
    sink.open()
    return sink


def ended_at(moment, number=1):
    return {**record(number), "time": moment}


def folders_in(path):
    return sorted(folder.name for folder in path.iterdir())


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


EVENING, MORNING = "2026-09-16T18:29:59.999Z", "2026-09-16T18:30:00Z"  # a second before midnight in India, and midnight


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ({}, ["day=2026-09-16"]),
        ({"zone": "UTC"}, ["day=2026-09-16"]),
        ({"zone": "Asia/Kolkata"}, ["day=2026-09-16", "day=2026-09-17"]),
        ({"zone": "America/New_York"}, ["day=2026-09-16"]),
        ({"zone": "Pacific/Kiritimati"}, ["day=2026-09-17"]),
    ],
)
def test_a_folder_has_the_days_of_its_zone(tmp_path, zone, days):
    """An Indian business day was split at half past five in the morning."""
    sink = opened(f"folder://{tmp_path}/records", **zone)
    for number, moment in enumerate((EVENING, MORNING)):
        sink.send([ended_at(moment, number)])
    assert folders_in(tmp_path / "records") == days


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_record_that_comes_again_takes_its_own_place_on_whatever_day(tmp_path, form):
    sink = opened(f"folder://{tmp_path}/records?zone=Asia/Kolkata&format={form}")
    names = {sink.send([ended_at(MORNING)]) for _ in range(3)}
    assert names == {f"day=2026-09-17/acme1m-call0001-1-completed.{form}"}


def test_a_bucket_has_them_too():
    with ObjectStore() as store:
        url = f"s3://key:secret@{BUCKET}/prefix?endpoint_override={store.host}&scheme=http&region=ap-south-1&zone=Asia/Kolkata"
        sink = opened(url)
        sink.send([ended_at(MORNING)])
        sink.close()
        assert list(store.objects) == ["prefix/day=2026-09-17/acme1m-call0001-1-completed.jsonl"]


def zone_where_it_is(hour):
    """The name of a zone where that hour has begun by now."""
    ahead = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+}", timezone(timedelta(hours=ahead))


def written(path, hours):
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def test_a_file_is_put_aside_when_the_day_is_over_in_its_zone(tmp_path):
    # Two hours ago it was yesterday where it is midnight now, and the same day where it is noon.
    for hour, files in ((0, 2), (12, 1)):
        name, clocks = zone_where_it_is(hour)
        folder = tmp_path / str(hour)
        folder.mkdir()
        path = folder / "records.jsonl"
        sink = opened(f"file://{path}", rotate="day", zone=name)
        sink.send([record(1)])
        written(path, hours=2)
        yesterday = (datetime.now(clocks) - timedelta(hours=2)).date()
        sink.send([record(2)])
        assert len(names_in(folder)) == files
        if files == 2:
            assert names_in(folder)[0] == f"records.{yesterday}.0001.jsonl"


def test_what_is_old_enough_is_deleted_by_the_days_of_the_zone(tmp_path):
    name, clocks = zone_where_it_is(0)
    today_there = datetime.now(clocks).date()
    days = [today_there - timedelta(days=back) for back in range(3)]
    folder = opened(f"folder://{tmp_path}/records", zone=name, keep_days=1)
    file = opened(f"file://{tmp_path}/records.jsonl", rotate="day", zone=name, keep_days=1)
    for day in days:
        (tmp_path / "records" / f"day={day}").mkdir()
        (tmp_path / f"records.{day}.0001.jsonl").touch()
    folder.forget_old()
    file.forget_old()
    assert folders_in(tmp_path / "records") == sorted(f"day={day}" for day in days[:2])
    assert [name for name in names_in(tmp_path) if "0001" in name] == sorted(
        f"records.{day}.0001.jsonl" for day in days[:2]
    )


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        (
            "folder:records?zone=Kolkata",
            "zone: is not a time zone; give the name of a time zone, such as Asia/Kolkata or UTC",
        ),
        ("folder:records?zone=Asia", "zone: is not a time zone"),
        ("folder:records?zone=", "zone: is not a time zone"),
        ("s3://bucket/prefix?zone=%2Fetc%2Fpasswd", "zone: is not a time zone"),
        ("file:records.jsonl?rotate=day&zone=IST", "zone: is not a time zone"),
        ("file:records.jsonl?zone=Asia/Kolkata", "zone: is for rotated files: set rotate too"),
    ],
)
def test_what_is_no_zone_is_refused(url, wrong):
    with pytest.raises(BadSink) as caught:
        sink_for(sink_spec(url))
    assert wrong in str(caught.value)


@given(st.datetimes(timezones=st.just(UTC)), st.timezones())
def test_every_instant_has_a_day(instant, zone):
    assert abs(datetime.fromisoformat(day_of(instant, zone)).date() - instant.date()) <= timedelta(days=1)


def test_today_is_a_day_of_the_zone():
    assert (
        timedelta(0)
        <= today(timezone(timedelta(hours=14))) - today(timezone(timedelta(hours=-12)))
        <= timedelta(days=2)
    )
