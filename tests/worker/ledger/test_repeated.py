"""What is asked twice because the first answer was lost on its way: a connection repeats a command once."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, FrozenClock, make_settings

from worker.ledger import Ledger

WINDOW_SECONDS = 60


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def bucket(client, redis_url, clock):
    settings = make_settings(redis_url, exotel_quota=2, exotel_quota_seconds=WINDOW_SECONDS)
    return Ledger(client, settings, clock=clock).calls[ACCOUNT].bucket


def test_a_token_taken_twice_is_one_token(bucket, clock):
    assert bucket.take("one") == bucket.take("one")
    assert bucket.look().free == 1


def test_a_token_waited_for_twice_takes_the_place_of_one(bucket, clock):
    """It took the places of two: the window of the second was over a moment early, and a third request too many went out."""
    for token in ("one", "two"):
        bucket.take(token)
        bucket.give_back(token)
        clock.advance(0.2)
    clock.advance(WINDOW_SECONDS - 0.9)
    first = bucket.take("three")
    assert first.taken
    assert bucket.take("three") == first
    look = bucket.look()
    assert (look.in_flight, look.cooling_down, look.free) == (1, 1, 0)
    assert not bucket.take("four", max_wait_seconds=0).taken


def test_a_token_asked_for_again_when_the_gate_is_shut_is_not_held(bucket):
    bucket.take("one")
    bucket.pause(30)
    assert not bucket.take("one").taken
    assert bucket.look().in_flight == 0


def test_a_pause_repeated_is_one_pause(bucket):
    assert bucket.pause(30)
    limit = bucket.look().limit
    assert not bucket.pause(30)
    assert bucket.look().limit == limit
