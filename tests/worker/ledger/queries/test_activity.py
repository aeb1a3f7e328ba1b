"""Counts over time: what is read of the rings is what was counted, whenever that was."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from factories import FrozenClock
from hypothesis import given, settings
from hypothesis import strategies as st

from worker import metrics
from worker.ledger.meters import (
    ALL,
    COLUMNS,
    DELIVERED,
    FAILED,
    FETCHED,
    MINUTES_KEPT,
    RECEIVED,
    TOOK,
    Meters,
    ring_keys,
    series_name,
)
from worker.ledger.queries.activity import RANGES, Attempts, Range, attempts_in, read_activity

_MINUTE = 60_000
ACCOUNT_SERIES = series_name("account", "acme1m")


@pytest.fixture
def count_at(bench):
    """Count calls and requests of an account at a time of Redis's clock, in milliseconds."""

    def count(at_ms, received=0, fetched=0, account="acme1m"):
        meters = Meters(bench.ledger.client, clock=FrozenClock(at_ms))
        if received:
            meters.count(metrics.CALLBACKS, account, "status", "new", by=received, over=RECEIVED)
        if fetched:
            meters.count(metrics.FETCHES, account, "final", by=fetched, over=FETCHED)
        meters.close()

    return count


def counted(ledger, series, span, column):
    """What was counted, by the start of the step, in seconds; idle steps are left out."""
    (found,) = read_activity(ledger, [series], span)
    return {step.at: step.counts[column] for step in found.steps if step.counts[column]}


def now_ms(ledger):
    """Redis's time; near the end of a minute what is asked next could fall into the next one."""
    while (now := ledger.now_ms()) % _MINUTE > _MINUTE - 5000:
        time.sleep(0.1)
    return now


# Minutes before now; the ring is 25 hours long, and most of what is counted lies close together.
AGES = st.one_of(st.integers(0, 70), st.integers(0, 2000), st.integers(MINUTES_KEPT - 3, MINUTES_KEPT + 3))


def test_each_step_has_what_was_counted_in_it_and_no_other(bench):
    ledger = bench.ledger

    @settings(max_examples=60, deadline=None)
    @given(
        events=st.lists(st.tuples(AGES, st.integers(1, 50)), max_size=30), span=st.sampled_from(list(RANGES.values()))
    )
    def check(events, span):
        ledger.client.flushdb()
        now, step_ms = now_ms(ledger), span.step_minutes * _MINUTE
        oldest = (now // step_ms - span.steps) * step_ms
        expected = Counter()
        for age, number in sorted(events, reverse=True):  # in the order of time, as one clock counts
            at = now - age * _MINUTE
            meters = Meters(ledger.client, clock=FrozenClock(at))
            meters.count(metrics.CALLBACKS, "acme1m", "status", "new", by=number, over=RECEIVED)
            meters.close()
            if at >= oldest:
                expected[int(at // step_ms * step_ms / 1000)] += number
        for series in (ALL, ACCOUNT_SERIES):
            assert counted(ledger, series, span, RECEIVED.column) == expected

    check()


@pytest.mark.parametrize("span", RANGES.values(), ids=RANGES)
def test_every_step_is_there_though_nothing_was_counted(bench, span):
    (found,) = read_activity(bench.ledger, [ALL], span)
    assert len(found.whole) == span.steps
    starts = [step.at for step in found.steps]
    assert starts == list(range(starts[0], starts[-1] + 1, span.step_minutes * 60))
    assert starts[0] % (span.step_minutes * 60) == 0
    assert found.total(0) == 0


def test_what_a_ring_held_a_turn_ago_is_gone(bench, count_at):
    now = now_ms(bench.ledger)
    count_at(now - MINUTES_KEPT * _MINUTE, received=7)
    count_at(now, fetched=1)
    (found,) = read_activity(bench.ledger, [ALL], RANGES["hour"])
    assert found.present.counts == (0, 1, 0, 0)
    assert found.total(RECEIVED.in_all) == 0


def test_a_ring_that_nobody_wrote_into_for_longer_than_a_turn_shows_nothing_old(bench, count_at):
    now = now_ms(bench.ledger)
    count_at(now - (MINUTES_KEPT + 10) * _MINUTE, received=7)
    assert counted(bench.ledger, ALL, RANGES["day"], RECEIVED.in_all) == {}


def test_a_clock_that_was_set_back_counts_where_it_stands_and_far_back_nowhere(bench, count_at):
    now = now_ms(bench.ledger)
    count_at(now, received=1)
    count_at(now - 10 * _MINUTE, received=2)
    count_at(now - (MINUTES_KEPT + 1) * _MINUTE, received=4)
    minute = int(now // _MINUTE * 60)
    assert counted(bench.ledger, ALL, RANGES["hour"], RECEIVED.in_all) == {minute: 1, minute - 600: 2}


def test_accounts_and_sinks_have_counts_of_their_own(bench, count_at):
    now = now_ms(bench.ledger)
    count_at(now, fetched=3)
    count_at(now, fetched=1, account="other1m")
    ours, theirs, both = read_activity(
        bench.ledger, [ACCOUNT_SERIES, series_name("account", "other1m"), ALL], RANGES["hour"]
    )
    assert [found.total(over) for found, over in ((ours, 1), (theirs, 1), (both, FETCHED.in_all))] == [3, 1, 4]


def test_counts_are_at_most_what_fits_into_their_number(bench, count_at):
    now = now_ms(bench.ledger)
    for _ in range(2):
        count_at(now, received=3_000_000_000)
    assert list(counted(bench.ledger, ALL, RANGES["hour"], 0).values()) == [2**32 - 1]


def test_attempts_of_a_sink_have_their_share_of_success_and_their_percentiles(bench):
    meters = Meters(bench.ledger.client)
    for seconds in [0.02] * 90 + [0.3] * 10:
        meters.observe(metrics.DELIVERY_SECONDS, seconds, "crm", over=TOOK)
    meters.count(metrics.DELIVERY_ATTEMPTS, "crm", "delivered", by=999, over=DELIVERED)
    meters.count(metrics.DELIVERY_ATTEMPTS, "crm", "again", over=FAILED)
    meters.close()
    (found,) = read_activity(bench.ledger, [series_name("sink", "crm")], RANGES["week"])
    made = attempts_in(found.steps)
    assert (made.delivered, made.failed, made.success) == (999, 1, 0.999)
    assert 0.01 < made.quantile_seconds(0.5) <= 0.025
    assert 0.25 < made.quantile_seconds(0.95) <= 0.5


@given(times=st.lists(st.floats(0, 30), min_size=1, max_size=50), share=st.floats(0.01, 1))
def test_a_percentile_is_within_the_bucket_of_the_exact_one(times, share):
    bounds = (0.0, *metrics.DELIVERY_SECONDS.buckets)
    took = [0] * (COLUMNS["sink"] - TOOK.column)
    for seconds in times:
        took[sum(bound < seconds for bound in metrics.DELIVERY_SECONDS.buckets)] += 1
    exact = sorted(times)[max(0, -(-round(len(times) * share * 1e9) // 10**9) - 1)]
    found = Attempts(0, 0, tuple(took)).quantile_seconds(share)
    low = max(bound for bound in bounds if bound < exact or bound == 0)
    high = min((bound for bound in bounds[1:] if bound >= exact), default=bounds[-1])
    assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9)


def test_a_day_by_the_minute_fits_into_the_ring(bench, count_at):
    now = now_ms(bench.ledger)
    count_at(now - 1439 * _MINUTE, received=1)
    assert sum(counted(bench.ledger, ALL, Range("", 1, 1439), 0).values()) == 1


def test_an_account_and_five_sinks_take_less_than_a_megabyte(bench):
    """Every minute of a day and every hour of the retention is counted in; the server's own figure for the keys."""
    client = bench.ledger.client
    now = now_ms(bench.ledger)
    for age in (MINUTES_KEPT - 1, *range(90, -1, -1)):
        meters = Meters(client, clock=FrozenClock(now - age * _MINUTE))
        meters.count(metrics.CALLBACKS, "acme1m", "status", "new", over=RECEIVED)
        for sink in range(5):
            meters.observe(metrics.DELIVERY_SECONDS, 20, f"sink{sink}", over=TOOK)
            meters.count(metrics.DELIVERY_ATTEMPTS, f"sink{sink}", "delivered", over=DELIVERED)
        meters.close()
    keys = client.keys("lw:series:*")
    assert len(keys) == 2 * 7
    assert sum(client.memory_usage(key) for key in keys) < 2**20
    assert all(client.ttl(key) > 0 for key in keys)


def test_what_is_kept_by_the_hour_goes_as_far_back_as_calls_are_kept(client):
    assert Meters(client, retention_days=30).hours_kept == 30 * 24 + 1
    assert Meters(client, retention_days=0.5).hours_kept == 7 * 24 + 1, "the charts of a week need them"
    assert ring_keys(ALL, 721)[1] == "lw:series:all:hours:721"
