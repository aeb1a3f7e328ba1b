"""What is kept for so long by a setting is let go of after that, and not before: dead letters, files, folders by day."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from cli_kit import settle
from factories import ACCOUNT, FrozenClock, make_settings
from processes import until
from sink_contract import record, sink_spec

from worker.context import WorkerContext
from worker.dispatcher import Dispatcher
from worker.ledger import Ledger
from worker.ledger.operations.dead_letters import drop_old
from worker.ledger.queries.dead_letters import dead_letters
from worker.sinks import BadSink, sink_for

DAY = 86_400
SID = "call00000001"


def opened(url):
    sink = sink_for(sink_spec(url))
    sink.open()
    return sink


def ago(days):
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


@pytest.fixture
def clock():
    return FrozenClock()


def a_dead_call_and_a_dead_letter(client, redis_url, clock, **variables):
    ledger = Ledger(client, make_settings(redis_url, **variables), clock=clock)
    settle(ledger, SID, "dead", "404")
    (book,) = ledger.deliveries.values()
    (lease,) = book.backlog.lease(1)
    book.bury(book.claim(lease), "no")
    return ledger


def test_what_is_dead_is_kept_until_somebody_drops_it_if_nothing_is_set(client, redis_url, clock):
    ledger = a_dead_call_and_a_dead_letter(client, redis_url, clock)
    clock.advance(3650 * DAY)
    dropped = drop_old(ledger, clock=clock)
    assert (dropped.calls, dropped.deliveries) == (0, 0)
    assert len(list(dead_letters(ledger))) == 2


def test_what_is_dead_is_dropped_after_its_days_and_forgotten_like_any_call_after_that(client, redis_url, clock):
    ledger = a_dead_call_and_a_dead_letter(client, redis_url, clock, dead_retention_days="2", retention_days="1")
    clock.advance(2 * DAY - 1)
    assert drop_old(ledger, clock=clock).deliveries == 0
    clock.advance(2)
    dropped = drop_old(ledger, clock=clock)
    assert (dropped.calls, dropped.deliveries) == (1, 1)
    assert list(dead_letters(ledger)) == []
    assert ledger.calls[ACCOUNT].forget_old(clock.now_ms) == 0
    clock.advance(DAY + 1)
    assert ledger.calls[ACCOUNT].forget_old(clock.now_ms) == 1


def test_a_worker_sees_to_what_is_dead_and_to_files(client, redis_url, clock, tmp_path):
    clock.now_ms = Ledger(client, make_settings(redis_url)).now_ms() - 3 * DAY * 1000
    ledger = a_dead_call_and_a_dead_letter(client, redis_url, clock, dead_retention_days="2")
    old = tmp_path / f"records.{ago(5)}.0001.jsonl"
    old.touch()
    sink = opened(f"file://{tmp_path}/records.jsonl?rotate=day&keep_days=3")
    now = Ledger(client, ledger.settings)
    Dispatcher(WorkerContext(ledger.settings, now, {"file": sink}), carrier=None, name="here:1", threads=1).housekeep()
    assert list(dead_letters(now)) == []
    until(lambda: not old.exists())


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_what_was_put_aside_is_deleted_after_its_days(tmp_path, packed):
    names = [f"records.{ago(days)}.0001.jsonl{packed}" for days in (1, 3, 4, 40)]
    others = [f"records.{ago(40)}.0001.csv", f"notes.{ago(40)}.0001.jsonl"]
    for name in (*names, *others):
        (tmp_path / name).touch()
    sink = opened(f"file://{tmp_path}/records.jsonl?rotate=day&keep_days=3")
    assert sink.forget_old() == 2
    left = {path.name for path in tmp_path.iterdir()} - {"records.jsonl"}
    assert left == {*names[:2], *others}


def test_a_file_that_nobody_writes_any_more_is_put_aside_and_deleted_all_the_same(tmp_path):
    path = tmp_path / "records.jsonl"
    sink = opened(f"file://{path}?rotate=day&keep_days=3")
    sink.send([record(1)])
    moment = (datetime.now(UTC) - timedelta(days=5)).timestamp()
    os.utime(path, (moment, moment))
    assert sink.forget_old() == 1
    assert list(tmp_path.iterdir()) == []
    sink.send([record(2)])
    assert path.exists()


def test_without_keep_days_files_are_kept(tmp_path):
    (tmp_path / f"records.{ago(4000)}.0001.jsonl").touch()
    assert opened(f"file://{tmp_path}/records.jsonl?rotate=day").forget_old() == 0
    (tmp_path / "days" / "day=2001-01-01").mkdir(parents=True)
    assert opened(f"folder://{tmp_path}/days").forget_old() == 0


def test_keep_days_needs_rotation(tmp_path):
    with pytest.raises(BadSink, match="keep_days: is for rotated files: set rotate too"):
        opened(f"file://{tmp_path}/records.jsonl?keep_days=3")


def test_a_folder_deletes_the_days_that_are_over_long_enough_and_nothing_of_others(tmp_path):
    for name in (f"day={ago(1)}", f"day={ago(3)}", f"day={ago(4)}", "day=whenever", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jsonl").touch()
    assert opened(f"folder://{tmp_path}?keep_days=3").forget_old() == 1
    assert {path.name for path in tmp_path.iterdir()} == {f"day={ago(1)}", f"day={ago(3)}", "day=whenever", "notes"}


def test_what_was_left_by_a_worker_that_was_killed_while_it_packed_goes_too(tmp_path):
    """It bears no name of what was put aside, and stood there for good."""
    names = [f"records.{ago(days)}.0001.jsonl" for days in (1, 40)]
    for name in names:
        (tmp_path / name).touch()
        (tmp_path / f"{name}.gz.part").touch()
    sink = opened(f"file://{tmp_path}/records.jsonl?rotate=day&keep_days=3")
    assert sink.forget_old() == 1
    assert {path.name for path in tmp_path.iterdir()} == {"records.jsonl", names[0], f"{names[0]}.gz.part"}


@pytest.mark.parametrize(("milliseconds", "forgotten"), [(-1, 0), (0, 1)])
def test_a_delivered_call_is_forgotten_when_its_days_are_over_and_not_before(
    client, redis_url, clock, milliseconds, forgotten
):
    ledger = Ledger(client, make_settings(redis_url, retention_days="2"), clock=clock)
    settle(ledger, SID)
    (book,) = ledger.deliveries.values()
    (lease,) = book.backlog.lease(1)
    clock.advance(5)
    book.delivered(book.claim(lease), "written")
    clock.advance(2 * DAY + milliseconds / 1000)
    assert ledger.calls[ACCOUNT].forget_old(clock.now_ms) == forgotten
    assert bool(list(client.scan_iter(f"*{SID}*"))) is not bool(forgotten)


@pytest.mark.parametrize(("milliseconds", "dropped"), [(-1, 0), (1, 1)])
def test_what_is_dead_is_dropped_when_its_days_are_over_and_not_before(client, redis_url, clock, milliseconds, dropped):
    ledger = a_dead_call_and_a_dead_letter(client, redis_url, clock, dead_retention_days="2")
    clock.advance(2 * DAY + milliseconds / 1000)
    assert (drop_old(ledger, clock=clock).calls, drop_old(ledger, clock=clock).calls) == (dropped, 0)
