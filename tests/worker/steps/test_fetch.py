"""Fetching a call: what each answer of Exotel does to the call, its schedule, the account and the quota."""

from __future__ import annotations

import threading

import pytest
from factories import ACCOUNT
from payloads.samples import ANSWERS
from processes import until
from stubs import answer, cut_off, held, reset
from worker_kit import SID, legs_answer

from worker.ledger.backlog import Lane, Lease
from worker.steps.fetch import fetch_call

OTHER = "7b2e4d6f8a1c3e5097d4b6f8c2a01a9g"
NOT_FINAL = legs_answer(statuses=["in-progress"])


def test_a_final_answer_settles_the_call_with_one_request(bench, exotel):
    exotel.always(legs_answer())
    bench.admit()
    bench.fetch()
    assert bench.story().summary.state == "settled"
    assert len(exotel.seen) == 1
    assert bench.nudges == 1, "its record is due at once"


def test_a_stale_lease_asks_nothing_and_takes_no_token(bench, exotel):
    bench.admit()
    lease = bench.lease()
    fetch_call(bench.context, ACCOUNT, Lease(SID, "999"))
    bench.clock.advance(bench.book.fetches.lease_ms / 1000 + 1)
    bench.book.fetches.reap()
    fetch_call(bench.context, ACCOUNT, lease)
    assert exotel.seen == []
    assert bench.book.bucket.look().free == bench.book.account.quota


def test_a_message_delivered_twice_asks_once(bench, exotel):
    exotel.always(legs_answer())
    bench.admit()
    lease = bench.lease()
    for _ in range(2):
        fetch_call(bench.context, ACCOUNT, lease)
    assert len(exotel.seen) == 1


# Not ready, or no answer: again by the schedule


@pytest.mark.parametrize(
    "reply",
    [
        NOT_FINAL,
        legs_answer(legs=2, total=3),
        legs_answer(OTHER),
        answer(b"<html>oops</html>"),
        answer(ANSWERS["S4"].body, 400),
        answer(status=404),
        answer(status=409),
        answer(status=500),
        answer(status=504),
        answer(status=302, Location="/"),
        reset(),
        cut_off(b"{", promised=100),
    ],
    ids=["running", "incomplete", "another", "html", "400", "404", "409", "500", "504", "302", "reset", "cut off"],
)
def test_what_is_not_ready_is_asked_for_again_by_the_schedule_until_its_end(make_bench, exotel, reply):
    bench = make_bench(retry_schedule="15 60 300", confirm_seconds=0)
    exotel.always(reply)
    bench.admit(wait=120)
    assert bench.fetch_until_done() == pytest.approx([120, 15, 60, 300])
    assert bench.story().summary.state == "dead"
    assert len(exotel.seen) == 4
    assert bench.story().details.fetches == 4


def test_a_call_that_becomes_final_on_the_way_is_settled(bench, exotel):
    exotel.then(answer(status=404), NOT_FINAL, answer(status=500))
    exotel.always(legs_answer())
    bench.admit()
    for wait in (0, 15, 60, 300):
        bench.clock.advance(wait)
        bench.fetch()
    (event,) = bench.events().values()
    assert event["data"]["settled"]
    assert event["data"]["provenance"]["fetches"] == 4


def test_a_retry_waits_in_the_lane_of_retries_and_jitter_is_only_added(make_bench, exotel):
    bench = make_bench(retry_schedule="100")
    bench.context.dice = lambda: 1.0
    bench.admit()
    bench.fetch()
    assert bench.due_in() == (Lane.RETRY, 110)


def test_each_step_is_in_the_story(bench, exotel):
    exotel.then(answer(status=404), answer(status=500), legs_answer())
    bench.admit()
    for _ in range(3):
        bench.fetch()
        bench.clock.advance(60)
    assert [step["answer"] for step in bench.story().steps] == ["404", "500", "200: final"]


# The quota


def test_without_a_token_the_call_is_put_back_and_loses_nothing(make_bench, exotel):
    bench = make_bench(exotel_quota=1, exotel_quota_seconds=60, retry_schedule="15")
    exotel.always(answer(status=404))
    bench.admit(SID)
    bench.admit(OTHER)
    bench.fetch()
    bench.clock.advance(30)
    bench.fetch()
    assert len(exotel.seen) == 1
    # The other was due again 15 s after its own answer, and found no token either.
    lane, wait = bench.due_in(OTHER) if bench.due_in(OTHER)[1] > 20 else bench.due_in(SID)
    assert wait == pytest.approx(30, abs=0.5)
    assert lane in {Lane.LIVE, Lane.RETRY}


def test_a_token_that_is_back_within_a_second_is_waited_for(make_bench, exotel):
    bench = make_bench(exotel_quota=1, exotel_quota_seconds=60)
    exotel.always(legs_answer())
    bench.admit(SID)
    bench.fetch()
    exotel.always(legs_answer(OTHER))
    bench.admit(OTHER)
    bench.clock.advance(59.5)
    bench.fetch()
    assert bench.naps == [pytest.approx(0.5, abs=0.01)]
    assert len(exotel.seen) == 2


def test_a_pause_that_begins_while_a_token_is_waited_for_holds(make_bench, exotel):
    bench = make_bench(exotel_quota=1, exotel_quota_seconds=60)
    exotel.always(legs_answer())
    bench.admit(SID)
    bench.fetch()
    bench.admit(OTHER)
    bench.clock.advance(59.5)

    def sleep(seconds):
        bench.clock.advance(seconds)
        bench.book.bucket.pause(30)

    bench.context.sleep = sleep
    bench.fetch()
    assert len(exotel.seen) == 1
    assert bench.due_in(OTHER) == (Lane.LIVE, 30)


def test_the_token_is_back_one_window_after_the_answer_whatever_it_was(make_bench, exotel):
    for reply in (legs_answer(), answer(status=404), answer(status=429), reset(), answer(status=401)):
        bench = make_bench(exotel_quota=1, exotel_quota_seconds=60)
        bench.ledger.client.flushall()
        exotel.always(reply)
        bench.admit()
        bench.fetch()
        look = bench.book.bucket.look()
        assert (look.in_flight, look.cooling_down, look.free) == (0, 1, 0)
        bench.clock.advance(60.1)
        assert bench.book.bucket.look().free == 1


# While it is being fetched


def test_a_callback_that_comes_while_the_call_is_asked_for_is_kept(bench, exotel):
    gate = threading.Event()
    exotel.always(held(gate, answer(status=404)))
    bench.admit(ended=False, From="09000000001")
    thread = threading.Thread(target=bench.fetch)
    thread.start()
    until(lambda: exotel.seen)
    bench.admit(ended=True, To="09000000002", wait=120)
    gate.set()
    thread.join()
    assert len(bench.story().callbacks) == 2
    assert bench.due_in() == (Lane.LIVE, 120), "and the end of the call begins its schedule anew"


def test_what_is_settled_while_a_callback_comes_stays_settled_and_has_it(bench, exotel):
    gate = threading.Event()
    exotel.always(held(gate, legs_answer()))
    bench.admit()
    thread = threading.Thread(target=bench.fetch)
    thread.start()
    until(lambda: exotel.seen)
    bench.admit(again="1")
    gate.set()
    thread.join()
    assert bench.story().summary.state == "settled"
    assert len(bench.story().callbacks) == 2
    assert bench.fetch() is None, "nothing is to be asked for again"


def test_a_worker_that_dies_over_a_call_leaves_it_to_the_next(bench, exotel):
    """A process that was killed: it had claimed its lease and taken its token, and was never heard of again."""
    exotel.always(legs_answer())
    bench.admit()
    dead = bench.lease()
    bench.book.claim(dead)
    bench.book.bucket.take(f"{SID}:{dead.id}")
    bench.clock.advance(bench.book.fetches.lease_ms / 1000 - 1)
    assert bench.book.fetches.reap().again == 0
    bench.clock.advance(1.1)
    assert bench.book.fetches.reap().again == 1
    bench.fetch()
    assert bench.story().summary.state == "settled"
    assert list(bench.events()) == ["1/completed"]
