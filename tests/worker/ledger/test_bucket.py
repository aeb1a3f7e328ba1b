"""The token bucket: never more than N arrivals in any window, and no token wasted."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from typing import TYPE_CHECKING

import pytest
from factories import FrozenClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.ledger.bucket import Gate, TokenBucket
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    import redis


def make_bucket(client: redis.Redis, clock: FrozenClock, *, quota=3, window=10.0, hold=30.0, probe=60.0) -> TokenBucket:
    return TokenBucket(
        Scripts(client),
        "acme1m",
        quota=quota,
        window_seconds=window,
        hold_seconds=hold,
        probe_seconds=probe,
        clock=clock,
    )


def fullest_window(arrivals: list[float], window: float) -> int:
    """The most arrivals in any half-open window (t - window, t], in the unit of the arrivals."""
    arrivals = sorted(arrivals)
    return max((at + 1 - bisect_right(arrivals, when - window) for at, when in enumerate(arrivals)), default=0)


def test_a_token_comes_back_one_window_after_the_response(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=1)
    assert bucket.take("a").taken
    clock.advance(4)
    bucket.give_back("a")
    clock.advance(8.9)
    refused = bucket.take("b", max_wait_seconds=0)
    assert not refused.taken
    assert refused.wait_seconds == pytest.approx(1.1)
    clock.advance(1.1)
    assert bucket.take("b").taken


def test_the_next_token_to_come_back_is_reserved_in_the_order_of_asking(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=2)
    for token in "ab":
        bucket.take(token)
        bucket.give_back(token)
        clock.advance(0.25)
    clock.advance(9.0)
    waits = [bucket.take(token, max_wait_seconds=1.0).wait_seconds for token in "cd"]
    assert waits == [pytest.approx(0.5), pytest.approx(0.75)]
    assert not bucket.take("e", max_wait_seconds=1.0).taken


def test_a_holder_that_dies_gives_its_token_back_after_the_worst_case(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=1, window=10, hold=30)
    bucket.take("dead")
    clock.advance(39.9)
    assert not bucket.take("next", max_wait_seconds=0).taken
    clock.advance(0.2)
    assert bucket.take("next", max_wait_seconds=0).taken


def test_a_pause_holds_for_everybody_and_only_grows(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock)
    assert bucket.pause(20)
    assert not bucket.pause(5)
    clock.advance(19.9)
    grant = bucket.take("a")
    assert (grant.taken, grant.why) == (False, "paused")
    clock.advance(0.2)
    assert bucket.take("a").taken


def test_a_pause_without_a_time_lasts_one_window(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, window=10)
    bucket.pause(None)
    assert bucket.take("a").wait_seconds == pytest.approx(10)


def test_whoever_waits_for_a_token_does_not_start_into_a_pause(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=1)
    bucket.take("a")
    bucket.give_back("a")
    clock.advance(9.5)
    assert bucket.take("b", max_wait_seconds=1).wait_seconds == pytest.approx(0.5)
    bucket.pause(3)
    clock.advance(0.5)
    assert bucket.still_open("b") == pytest.approx(2.5)
    clock.advance(2.5)
    assert bucket.take("c", max_wait_seconds=0).taken, "the unused token went back"


def test_a_suspended_account_lets_one_probe_through_at_a_time(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, probe=60)
    assert bucket.suspend("401")
    assert not bucket.suspend("401")
    assert bucket.take("a").why == "suspended"
    clock.advance(60)
    assert bucket.look().gate is Gate.PROBE
    assert bucket.take("a").is_probe
    assert not bucket.take("b").taken
    assert bucket.resume()
    assert bucket.take("b").why == "taken"


def test_a_probe_that_finds_no_token_is_not_spent(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=1, window=10, probe=5)
    bucket.take("a")
    bucket.give_back("a")
    bucket.suspend("403")
    clock.advance(6)
    assert bucket.take("b", max_wait_seconds=0).why == "empty"
    clock.advance(4)
    assert bucket.take("b", max_wait_seconds=0).is_probe


def test_after_a_429_the_share_shrinks_and_climbs_back(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=100, window=60)
    for _ in range(8):
        bucket.pause(30)  # one storm counts once
    assert bucket.look().limit == 80
    clock.advance(30 + 600)
    assert bucket.look().limit == 80
    clock.advance(60)
    assert bucket.look().limit == 85
    clock.advance(180)
    assert bucket.look().limit == 100


def test_with_a_smaller_share_the_right_number_must_be_back_first(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=10, window=10)
    for number in range(10):
        bucket.take(f"t{number}")
        bucket.give_back(f"t{number}")
        clock.advance(0.1)
    bucket.pause(0)  # the share is 8 of 10 from here on
    grant = bucket.take("next", max_wait_seconds=10)
    # Out are 10; three must come back before there are only seven beside ours: that of t2, given back 0.8 s ago.
    assert grant.wait_seconds == pytest.approx(10 - 0.8)


def test_looking_takes_nothing(client):
    clock = FrozenClock()
    bucket = make_bucket(client, clock, quota=2)
    bucket.take("a")
    before = bucket.look()
    assert (before.free, before.in_flight, before.cooling_down, before.limit) == (1, 1, 0, 2)
    assert bucket.look() == before


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    quota=st.integers(1, 8),
    latencies=st.lists(
        st.tuples(
            st.integers(
                0, 3000
            ),  # from sending to arriving, in ms: whole ones, as Redis's clock has an end to its digits
            st.integers(0, 3000),  # from arriving to the response
            st.sampled_from(["answered", "answered", "answered", "timed out", "crashed"]),
        ),
        min_size=1,
        max_size=60,
    ),
    threads=st.integers(1, 6),
)
def test_in_no_window_more_than_the_quota_arrives(client, quota, latencies, threads):
    """Any latencies, time-outs and crashes: what arrives in any window, measured at Exotel, keeps the quota."""
    client.flushall()
    clock, window, hold = FrozenClock(), 10.0, 8.0
    bucket = make_bucket(client, clock, quota=quota, window=window, hold=hold)
    arrivals: list[float] = []
    # A simulation by events: (time, order, what). Each thread asks, sends, gets its response, and asks again.
    events = [(clock.now_ms, number, ("ask", None)) for number in range(threads)]
    plan, order = iter(latencies), threads
    while events:
        now, _, (what, token) = heapq.heappop(events)
        clock.now_ms = now
        order += 1
        if what == "respond":
            bucket.give_back(token)
            heapq.heappush(events, (now, order, ("ask", None)))
            continue
        grant = bucket.take(f"token{order}", max_wait_seconds=1.0)
        if not grant.taken:
            heapq.heappush(events, (now + grant.wait_seconds * 1000, order, ("ask", None)))
            continue
        step = next(plan, None)
        if step is None:
            continue  # out of requests: this thread ends, its token with it
        there, back, fate = step
        sent = now + grant.wait_seconds * 1000
        arrivals.append(round(sent + there, 3))
        if fate == "crashed":
            heapq.heappush(events, (sent + 1, order, ("ask", None)))  # another process; the token is never returned
        else:
            took = hold * 1000 if fate == "timed out" else there + back
            heapq.heappush(events, (sent + took, order, ("respond", f"token{order}")))
    assert fullest_window(arrivals, window * 1000) <= quota
