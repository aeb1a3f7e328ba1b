"""What is counted in any process is added up in Redis, where every process reads the same."""

from __future__ import annotations

import threading

import pytest
import redis
from factories import make_settings

from worker import metrics
from worker.connections import connect
from worker.ledger.meters import ALL, FETCHED, SUM, Meters, ring_keys
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
        meters.count(metrics.FETCHES, "acme1m", "final", over=FETCHED)
        with pytest.raises(redis.RedisError):
            meters.flush()
        meters.count(metrics.DISPATCHER_TICKS)
        server = embedded_redis.start(tmp_path, port=port, password="password")
        try:
            assert meters.read() == {
                (metrics.FETCHES.name, "acme1m", "final"): 1,
                (metrics.DISPATCHER_TICKS.name,): 1,
            }
            assert sorted(client.keys("lw:series:*")) == sorted(
                key.encode() for series in (ALL, "account acme1m") for key in ring_keys(series, meters.hours_kept)
            )
            meters.close()
        finally:
            server.stop()


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
