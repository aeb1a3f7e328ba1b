"""A call is fetched at an operator's word, whatever its schedule says."""

from __future__ import annotations

import pytest
from payloads.samples import ANSWERS
from stubs import answer
from worker_kit import SID, legs_answer

from worker.ledger.backlog import Lane
from worker.ledger.operations.dead_letters import DeadLetterOperations
from worker.ledger.operations.refetching import Refetch, fetch_again
from worker.ledger.queries.dead_letters import dead_letters

UNKNOWN = answer(ANSWERS["S4"].body, 404)


@pytest.fixture
def bench(make_bench):
    return make_bench(confirm_seconds=0)


def refetch(bench, call_sid=SID):
    return fetch_again(bench.ledger, call_sid, clock=bench.clock)


def test_a_call_that_nobody_knows_is_not_fetched(bench):
    assert refetch(bench) is None


def test_one_that_waits_for_its_time_is_due_now_in_the_lane_that_it_waits_in(bench, exotel):
    bench.admit(wait=120)
    assert refetch(bench) is Refetch.SOONER
    assert bench.due_in() == (Lane.LIVE, 0)
    exotel.always(UNKNOWN)
    bench.fetch()
    assert bench.due_in() == (Lane.RETRY, 15)
    assert refetch(bench) is Refetch.SOONER
    assert bench.due_in() == (Lane.RETRY, 0)
    bench.fetch()
    assert bench.due_in() == (Lane.RETRY, 60), "its schedule goes on"


def test_one_that_is_due_keeps_its_place_in_the_queue(bench):
    bench.admit()
    bench.clock.advance(30)
    assert refetch(bench) is Refetch.UNDER_WAY
    assert bench.due_in() == (Lane.LIVE, -30)


def test_one_that_a_worker_has_is_left_alone(bench):
    bench.admit()
    assert bench.lease()
    assert refetch(bench) is Refetch.UNDER_WAY
    assert bench.due_in() is None


def test_a_settled_one_is_read_once_more_and_only_what_differs_goes_out(bench, exotel):
    exotel.always(legs_answer())
    bench.admit()
    bench.fetch()
    assert refetch(bench) is Refetch.CONFIRM
    assert bench.due_in() == (Lane.CONFIRM, 0)
    assert bench.story().summary.state == "settled"
    bench.fetch()
    assert list(bench.events()) == ["1/completed"]
    exotel.always(legs_answer(statuses=["completed", "busy", "completed"]))
    assert refetch(bench) is Refetch.CONFIRM
    bench.fetch()
    assert list(bench.events()) == ["1/completed", "2/corrected"]


def test_a_settled_one_that_cannot_be_read_again_stays_what_it_is(bench, exotel):
    exotel.always(legs_answer())
    bench.admit()
    bench.fetch()
    exotel.always(UNKNOWN)
    refetch(bench)
    bench.fetch_until_done()
    assert bench.story().summary.state == "settled"
    assert list(bench.events()) == ["1/completed"]


def test_what_was_given_up_on_begins_its_schedule_anew(bench, exotel):
    exotel.always(UNKNOWN)
    bench.admit()
    bench.fetch_until_done()
    assert refetch(bench) is Refetch.RETRIED
    assert (bench.due_in(), bench.story().details.reason) == ((Lane.LIVE, 0), None)
    assert not list(dead_letters(bench.ledger))
    bench.fetch()
    assert bench.due_in() == (Lane.RETRY, 15)


def test_what_was_dropped_can_be_wanted_after_all(bench, exotel):
    exotel.always(UNKNOWN)
    bench.admit()
    bench.fetch_until_done()
    DeadLetterOperations(bench.ledger, clock=bench.clock).drop(dead_letters(bench.ledger))
    assert refetch(bench) is Refetch.RETRIED
    exotel.always(legs_answer())
    bench.fetch()
    assert bench.story().summary.state == "settled"


def test_the_story_says_that_an_operator_wanted_it(bench):
    bench.admit(wait=120)
    refetch(bench)
    assert [(step["step"], step["answer"]) for step in bench.story().steps] == [("retry", "by an operator")]


def test_a_settled_one_that_is_to_be_read_again_is_not_forgotten_before(bench, exotel):
    exotel.always(legs_answer())
    bench.admit()
    bench.fetch()
    bench.ledger.client.zadd(bench.book.key("forget"), {SID: bench.clock.now_ms})
    refetch(bench)
    bench.clock.advance(1)
    assert bench.book.forget_old(bench.clock.now_ms) == 0
    assert bench.due_in() is not None
