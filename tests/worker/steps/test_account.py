"""What becomes of an account that is over its quota, or refused: it pauses or is suspended, and nothing is lost."""

from __future__ import annotations

import pytest
from payloads.samples import ANSWERS
from stubs import answer, reset
from worker_kit import SID, legs_answer

from worker.ledger.backlog import Lane

OTHER = "7b2e4d6f8a1c3e5097d4b6f8c2a01a9g"
NOT_FINAL = legs_answer(statuses=["in-progress"])


# 429


def test_429_pauses_the_whole_account_for_as_long_as_it_says(bench, exotel):
    exotel.always(answer(status=429, **{"Retry-After": "30"}))
    bench.admit(SID)
    bench.admit(OTHER)
    bench.fetch()
    assert bench.gate() == "paused"
    bench.fetch()
    assert len(exotel.seen) == 1, "the other call of the account does not ask either"
    bench.clock.advance(29.9)
    assert bench.gate() == "paused"
    bench.clock.advance(0.2)
    assert bench.gate() == "trial"


def test_429_without_a_time_pauses_for_one_window(make_bench, exotel):
    bench = make_bench(exotel_quota_seconds=20)
    exotel.always(answer(b"<html>slow down</html>", 429))
    bench.admit()
    bench.fetch()
    bench.clock.advance(19.9)
    assert bench.gate() == "paused"
    bench.clock.advance(0.2)
    assert bench.gate() == "trial"


def test_429_costs_the_call_no_attempt(make_bench, exotel):
    bench = make_bench(retry_schedule="15")
    bench.admit()
    exotel.always(answer(status=429, **{"Retry-After": "10"}))
    for _ in range(5):
        bench.fetch()
        bench.clock.advance(10.1)
    exotel.always(answer(status=404))
    bench.fetch()
    assert bench.due_in() == (Lane.RETRY, 15), "this was its first attempt that counts"
    assert bench.story().details.fetches == 6, "though each request is counted"


def test_429_that_asks_for_no_pause_at_all_makes_one_nonetheless(bench, exotel):
    """Else every call that waits would be thrown at Exotel again at once, and again, until the quota is gone."""
    exotel.always(answer(status=429, **{"Retry-After": "0"}))
    bench.admit()
    bench.fetch()
    assert bench.gate() == "paused"


# 401, 402, 403


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_account_is_suspended_and_nothing_is_lost(make_bench, exotel, status):
    bench = make_bench(retry_schedule="15", suspension_probe_seconds=300)
    exotel.always(answer(ANSWERS["S5"].body, status))
    for number in range(20):
        bench.admit(f"call{number:04}")
    bench.fetch()
    assert bench.gate() == "suspended"
    for _ in range(19):
        bench.fetch()
    assert len(exotel.seen) == 1, "no quota is burnt"
    assert bench.book.fetches.survey().leased == 0
    bench.clock.advance(301)
    assert bench.book.fetches.survey().live == 20


def test_a_suspended_account_is_tried_with_one_request_in_each_probe_time(make_bench, exotel):
    bench = make_bench(retry_schedule="15", suspension_probe_seconds=300)
    exotel.always(answer(status=401))
    for number in range(5):
        bench.admit(f"call{number:04}")
    for _ in range(5):
        bench.fetch()
    for probes in range(1, 4):
        bench.clock.advance(300.1)
        assert bench.gate() == "probe"
        for _ in range(5):
            bench.fetch()
        assert len(exotel.seen) == 1 + probes
        assert bench.gate() == "suspended"


@pytest.mark.parametrize("reply", [legs_answer(), answer(status=404), NOT_FINAL], ids=["200", "404", "running"])
def test_a_probe_that_is_let_in_ends_the_suspension(make_bench, exotel, reply):
    bench = make_bench(suspension_probe_seconds=300)
    exotel.then(answer(status=403))
    exotel.always(reply)
    bench.admit()
    bench.fetch()
    bench.clock.advance(300.1)
    bench.fetch()
    assert bench.gate() == "open"


@pytest.mark.parametrize("reply", [reset(), answer(status=502), answer(status=429)], ids=["reset", "502", "429"])
def test_a_probe_that_nobody_answers_proves_nothing(make_bench, exotel, reply):
    bench = make_bench(suspension_probe_seconds=300)
    exotel.then(answer(status=403))
    exotel.always(reply)
    bench.admit()
    bench.fetch()
    bench.clock.advance(300.1)
    bench.fetch()
    assert bench.gate() == "suspended"
    bench.clock.advance(250)
    assert bench.gate() == "suspended"


def test_a_suspension_costs_the_calls_no_attempt(make_bench, exotel):
    bench = make_bench(retry_schedule="15", suspension_probe_seconds=300)
    exotel.always(answer(status=401))
    bench.admit()
    for _ in range(4):
        bench.fetch()
        bench.clock.advance(300.1)
    exotel.always(answer(status=404))
    bench.fetch()
    assert bench.due_in() == (Lane.RETRY, 15)
