"""What is counted in any process is added up in Redis, where every process reads the same."""

from __future__ import annotations

import threading

import pytest
import redis
from factories import FrozenClock, make_settings

from worker import metrics
from worker.connections import connect
from worker.ledger.meters import MINUTES_KEPT, SUM, Meters
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port


@pytest.fixture
def make_meters(client):
    made = []

    def make(**options):
        made.append(Meters(client, **options))
        return made[-1]

    yield make
    for meters in made:
        meters.close()


def test_what_several_processes_count_is_one_sum(make_meters):
    here, there = make_meters(), make_meters()
    here.count(metrics.CALLBACKS, "acme1m", "status", "new")
    here.count(metrics.CALLBACKS, "acme1m", "status", "new", by=2)
    there.count(metrics.CALLBACKS, "acme1m", "status", "new")
    here.flush()
    assert there.read() == {(metrics.CALLBACKS.name, "acme1m", "status", "new"): 4}


def test_a_value_goes_into_the_first_bucket_that_holds_it(make_meters):
    meters = make_meters()
    bounds = metrics.FETCH_SECONDS.buckets
    for seconds in (0.0, bounds[0], bounds[0] * 1.01, bounds[-1] + 1):
        meters.observe(metrics.FETCH_SECONDS, seconds, "acme1m")
    name = metrics.FETCH_SECONDS.name
    found = meters.read()
    assert found.pop((name, "acme1m", SUM)) == pytest.approx(bounds[0] * 2.01 + bounds[-1] + 1)
    assert found == {(name, "acme1m", "0"): 2, (name, "acme1m", "1"): 1, (name, "acme1m", str(len(bounds))): 1}


def test_threads_lose_nothing(make_meters):
    meters = make_meters()

    def work():
        for _ in range(500):
            meters.count(metrics.DISPATCHER_TICKS)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        meters.flush()
    for thread in threads:
        thread.join()
    assert meters.read() == {(metrics.DISPATCHER_TICKS.name,): 4000}


@pytest.mark.slow
def test_what_could_not_be_added_up_is_kept_until_it_can_be(tmp_path):
    port = free_port()
    with connect(make_settings(f"redis://:password@127.0.0.1:{port}/0")) as client:
        meters = Meters(client)
        meters.count(metrics.DISPATCHER_TICKS, minute="fetched")
        with pytest.raises(redis.RedisError):
            meters.flush()
        meters.count(metrics.DISPATCHER_TICKS)
        server = embedded_redis.start(tmp_path, port=port, password="password")
        try:
            assert meters.read() == {(metrics.DISPATCHER_TICKS.name,): 2}
            assert meters.minutes(1)[0].fetched == 1
            meters.close()
        finally:
            server.stop()


def test_a_minute_holds_what_happened_in_it_and_is_begun_anew_two_hours_later(make_meters, client):
    now_ms = int(client.time()[0]) * 1000
    meters = make_meters(clock=FrozenClock(now_ms - 60_000))
    meters.count(metrics.DISPATCHER_TICKS, minute="received")
    meters.flush()
    received = {minute.at: minute.received for minute in make_meters().minutes(4)}
    assert received.pop(now_ms // 60_000 - 1) == 1
    assert set(received.values()) == {0}
    old = make_meters(clock=FrozenClock(now_ms - MINUTES_KEPT * 60_000))
    old.count(metrics.DISPATCHER_TICKS, minute="received", by=7)
    old.flush()
    meters = make_meters(clock=FrozenClock(now_ms))
    meters.count(metrics.DISPATCHER_TICKS, minute="delivered")
    meters.flush()
    found = {minute.at: minute[1:] for minute in make_meters().minutes(3)}
    assert found[now_ms // 60_000] == (0, 0, 1), "what was counted two hours ago is gone"


def test_by_the_minute_accounts_and_sinks_have_counts_of_their_own(make_meters):
    meters = make_meters()
    meters.count(metrics.FETCHES, "acme1m", "final", by=3, minute="fetched")
    meters.count(metrics.FETCHES, "other1m", "final", minute="fetched")
    meters.flush()
    rows = make_meters().minutes_of("fetched", "acme1m", most=3)
    assert sorted(count for _, count in rows) == [0, 0, 3], "the minute may have passed since"
    assert [minute for minute, _ in rows] == list(range(rows[0][0], rows[0][0] + 3))
    assert sum(minute.fetched for minute in meters.minutes(2)) == 4


def test_how_long_it_took_is_added_up_by_the_minute_in_which_it_was_done(make_meters, client):
    now_ms = int(client.time()[0]) * 1000
    meters = make_meters(clock=FrozenClock(now_ms - 60_000))
    meters.observe(metrics.DELIVERY_SECONDS, 0.25, "crm", minute="attempted")
    meters.observe(metrics.DELIVERY_SECONDS, 0.5, "crm", minute="attempted")
    meters.observe(metrics.DELIVERY_SECONDS, 9.0, "other", minute="attempted")
    meters.flush()
    spent = {minute.at: minute[1:] for minute in make_meters().spent_by("attempted", "crm", most=3)}
    assert len(spent) == 3
    assert spent.pop(now_ms // 60_000 - 1) == (2, 0.75)
    assert set(spent.values()) == {(0, 0.0)}


def test_every_metric_is_named_as_prometheus_advises():
    for name, metric in metrics.CATALOG.items():
        assert name.startswith("legwork_")
        assert name.endswith("_total") == (metric.kind is metrics.Kind.COUNTER)
        assert metric.help.endswith(".")
        assert list(metric.buckets) == sorted(metric.buckets)
        assert bool(metric.buckets) == (metric.kind is metrics.Kind.HISTOGRAM)


def test_what_may_not_be_written_waits_and_is_told_all_the_same(bench):
    """In a ledger that became another Legwork's callbacks are refused: somebody has to hear of it, and nothing is written."""
    meters = bench.ledger.meters
    meters.may_write = False
    meters.count(metrics.CALLBACKS_REFUSED, "status", "unavailable", by=3)
    assert meters.read()[metrics.CALLBACKS_REFUSED.name, "status", "unavailable"] == 3
    assert bench.ledger.client.hgetall("lw:meters") == {}
    meters.may_write = True
    assert meters.read()[metrics.CALLBACKS_REFUSED.name, "status", "unavailable"] == 3
    assert bench.ledger.client.hgetall("lw:meters")
