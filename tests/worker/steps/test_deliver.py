"""Delivering records to a sink: exactly one of delivered, again later, given up."""

from __future__ import annotations

import json

import pytest
from delivery_kit import Deliveries
from factories import ACCOUNT
from sink_contract import sink_spec
from stubs import StubServer, answer
from worker_kit import BatchSink, MemorySink, legs_answer

from worker import metrics
from worker.errors import PermanentFailure, Refused, SinkGone, TemporaryFailure
from worker.ledger.backlog import DEATHS_ALLOWED, Lane
from worker.ledger.deliveries import LEASE_SECONDS
from worker.sinks import sink_for
from worker.steps.deliver import CROWDED_SECONDS, bury_lease, deliver


@pytest.fixture
def make_deliveries(make_bench, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))

    def make(sink, calls=1, **variables):
        variables = {"delivery_schedule": "5 30 300", "confirm_seconds": 0, **variables}
        spec = sink_spec("stdout:", name=sink.name)
        bench = make_bench(sink_specs=[spec], opened={sink.name: sink}, **variables)
        for number in range(calls):
            bench.admit(f"call{number:04}")
            bench.fetch()
        return Deliveries(bench, sink)

    return make


@pytest.fixture
def sink():
    return MemorySink(sink_spec("stdout:"))


@pytest.fixture
def batching():
    return BatchSink(sink_spec("stdout:"))


def test_what_the_sink_took_is_delivered_once(make_deliveries, sink):
    deliveries = make_deliveries(sink)
    assert deliveries.deliver() == 1
    ((record,),) = sink.sent
    assert record["subject"] == "call0000"
    assert deliveries.standing() == ("active", 0, 1, 0)
    deliveries.bench.clock.advance(10**6)
    assert deliveries.deliver() == 0
    assert deliveries.delivery()["state"] == "delivered"


def test_a_message_delivered_twice_sends_once(make_deliveries, sink):
    deliveries = make_deliveries(sink)
    leases = deliveries.book.backlog.lease(1)
    for _ in range(2):
        deliver(deliveries.bench.context, ACCOUNT, sink.name, leases)
    assert len(sink.sent) == 1


def test_a_batch_goes_out_at_once_and_no_larger_than_the_sink_takes(make_deliveries, batching):
    deliveries = make_deliveries(batching, calls=7)
    deliveries.deliver()
    assert [len(batch) for batch in batching.sent] == [3, 3, 1]
    assert deliveries.standing() == ("active", 0, 7, 0)


# Failures that may pass


def test_a_failure_that_may_pass_is_tried_again_by_the_schedule_until_its_end(make_deliveries, sink):
    deliveries = make_deliveries(sink)
    sink.failures = [TemporaryFailure("503")] * 9
    for wait in (5, 30, 300):
        deliveries.deliver()
        assert deliveries.due_in() == [(Lane.RETRY, wait)]
        assert deliveries.delivery()["state"] == "waiting"
        deliveries.bench.clock.advance(wait)
    deliveries.deliver()
    assert deliveries.due_in() == []
    assert deliveries.standing() == ("active", 0, 0, 1)
    assert deliveries.delivery()["state"] == "dead"
    assert [attempt["answer"] for attempt in deliveries.delivery()["attempts"]] == ["503"] * 4
    assert len(sink.failures) == 5


def test_every_attempt_is_under_the_same_id(make_deliveries):
    with StubServer() as subscriber:
        sink = sink_for(sink_spec(subscriber.url, allow_private=True))
        deliveries = make_deliveries(sink)
        subscriber.then(answer(status=500), answer(status=500), answer(status=200))
        for _ in range(3):
            deliveries.deliver()
            deliveries.bench.clock.advance(300)
        sink.close()
        assert len({seen.headers["webhook-id"] for seen in subscriber.seen}) == 1
        assert len({seen.body for seen in subscriber.seen}) == 1
    assert [attempt["answer"] for attempt in deliveries.delivery()["attempts"]] == ["500", "500", "200"]


@pytest.mark.parametrize(("asked", "wait"), [(60.0, 60), (2.0, 5), (7200.0, 7200), (None, 5)])
def test_what_the_subscriber_asks_for_is_waited_at_least(make_deliveries, sink, asked, wait):
    deliveries = make_deliveries(sink)
    sink.failures = [TemporaryFailure("429", retry_after=asked)]
    deliveries.deliver()
    assert deliveries.due_in() == [(Lane.RETRY, wait)]


def test_a_failed_batch_is_tried_again_as_a_whole(make_deliveries, batching):
    deliveries = make_deliveries(batching, calls=3)
    batching.failures = [TemporaryFailure("disk full")]
    deliveries.deliver()
    assert deliveries.due_in() == [(Lane.RETRY, 5)] * 3
    deliveries.bench.clock.advance(5)
    deliveries.deliver()
    assert deliveries.standing() == ("active", 0, 3, 0)


# Failures that stay


def test_what_a_sink_will_never_take_is_a_dead_letter_with_the_reason(make_deliveries, sink):
    deliveries = make_deliveries(sink)
    sink.failures = [Refused("no such column")]
    deliveries.deliver()
    assert deliveries.standing() == ("active", 0, 0, 1)
    found = deliveries.delivery()
    (attempt,) = found["attempts"]
    assert (found["state"], attempt["answer"]) == ("dead", "no such column")
    assert attempt["at"] == round(deliveries.bench.clock.now_ms)
    assert attempt["seconds"] >= 0


def test_one_bad_record_does_not_take_its_neighbours_along(make_deliveries, batching):
    deliveries = make_deliveries(batching, calls=3)
    batching.failures = [PermanentFailure("a bad one among them"), PermanentFailure("this one")]
    deliveries.deliver()
    assert deliveries.standing() == ("active", 0, 2, 1)
    assert [record["subject"] for batch in batching.sent for record in batch] == ["call0001", "call0002"]
    assert deliveries.delivery(0)["state"] == "dead"


def test_a_call_with_a_dead_letter_is_not_forgotten(make_deliveries, sink):
    deliveries = make_deliveries(sink, retention_days=1)
    sink.failures = [Refused("never")]
    deliveries.deliver()
    deliveries.bench.clock.advance(30 * 86_400)
    assert deliveries.bench.book.forget_old(deliveries.bench.clock.now_ms) == 0


# A subscriber that is gone


def test_410_disables_the_sink_and_keeps_what_waits_for_it(make_deliveries, sink):
    deliveries = make_deliveries(sink, calls=3)
    sink.failures = [SinkGone("410: the subscriber wants no more of this")]
    deliveries.deliver(1)
    assert deliveries.standing() == ("disabled", 3, 0, 0)
    state = deliveries.bench.ledger.sink_states()[sink.name]
    assert state["reason"] == "410: the subscriber wants no more of this"


def test_what_was_kept_has_lost_no_attempt_and_goes_out_once_the_sink_is_enabled(make_deliveries, sink):
    deliveries = make_deliveries(sink, delivery_schedule="5")
    sink.failures = [SinkGone("410")] * 3
    for _ in range(3):
        deliveries.deliver()
        deliveries.bench.ledger.enable_sink(sink.name)
    sink.failures = [TemporaryFailure("503")]
    deliveries.deliver()
    deliveries.bench.clock.advance(5)
    deliveries.deliver()
    assert deliveries.standing() == ("active", 0, 1, 0)


# Bugs and deaths


def test_a_sink_that_has_not_let_go_of_its_threads_gets_no_others(make_deliveries, sink):
    """A database that says nothing at all, and is waited for without end: after a lease its records were handed out again,
    to the next threads, until a worker had none left for anything."""
    deliveries = make_deliveries(sink, calls=3)
    context, clock = deliveries.bench.context, deliveries.bench.clock
    context.threads, context.monotonic = 2, lambda: clock.now_ms / 1000
    with context.place_at(sink.name) as first:
        with context.place_at(sink.name) as second:
            assert (first, second) == (True, True), "it is busy, and well as far as anybody knows"
        context.threads = 4
        clock.advance(LEASE_SECONDS + 1)
        with context.place_at(sink.name) as third:
            assert third, "one of them is not its share"
        context.threads = 2
        deliveries.deliver(1)
        assert sink.sent == []
        assert (Lane.LIVE, CROWDED_SECONDS) in deliveries.due_in()
        assert "attempts" not in deliveries.delivery(0), "it has lost none"
        with context.place_at("another") as others:
            assert others
    clock.advance(CROWDED_SECONDS)
    deliveries.deliver()
    assert deliveries.standing() == ("active", 0, 3, 0)


def test_what_no_worker_survives_delivering_is_a_dead_letter(make_deliveries, sink):
    deliveries = make_deliveries(sink)
    for _ in range(DEATHS_ALLOWED):
        (lease,) = deliveries.book.backlog.lease(1)
        deliveries.book.claim(lease)
        deliveries.bench.clock.advance(deliveries.book.backlog.lease_ms / 1000 + 1)
        reaped = deliveries.book.backlog.reap()
    bury_lease(deliveries.bench.context, deliveries.book, reaped.poisoned[0], "no worker survived delivering it")
    assert deliveries.standing() == ("active", 0, 0, 1)
    assert deliveries.delivery()["attempts"][-1]["answer"] == "no worker survived delivering it"
    assert deliveries.bench.ledger.meters.read()[metrics.DELIVERY_ATTEMPTS.name, deliveries.sink.name, "dead"] == 1


def test_the_story_keeps_the_last_attempts_of_many(make_deliveries, sink):
    deliveries = make_deliveries(sink, delivery_schedule=" ".join(["1"] * 40))
    sink.failures = [TemporaryFailure(str(number)) for number in range(30)]
    for _ in range(30):
        deliveries.deliver()
        deliveries.bench.clock.advance(1)
    answers = [attempt["answer"] for attempt in deliveries.delivery()["attempts"]]
    assert answers == [str(number) for number in range(10, 30)]
    json.dumps(deliveries.delivery())


# Several sinks


def test_a_sink_that_fails_delays_no_other(make_bench, exotel):
    exotel.always(legs_answer("call0000"))
    well, ill = (MemorySink(sink_spec("stdout:", name=name)) for name in ("well", "ill"))
    ill.failures = [TemporaryFailure("down")] * 100
    specs = [sink_spec("stdout:", name=name) for name in ("well", "ill")]
    bench = make_bench(sink_specs=specs, opened={"well": well, "ill": ill}, confirm_seconds=0, retention_days=1)
    bench.admit("call0000")
    bench.fetch()
    for sink in (ill, well):
        Deliveries(bench, sink).deliver()
    assert Deliveries(bench, well).standing() == ("active", 0, 1, 0)
    assert Deliveries(bench, ill).standing() == ("active", 1, 0, 0)
    bench.clock.advance(30 * 86_400)
    assert bench.book.forget_old(bench.clock.now_ms) == 0, "and the call is kept for the other"


def test_a_sink_that_this_worker_does_not_know_is_left_to_the_others(make_deliveries, sink):
    """During a change of SINKS a worker with the old ones was handed a delivery for the new one, and called it a bug."""
    deliveries = make_deliveries(sink)
    leases = deliveries.book.backlog.lease(1)
    deliveries.bench.context.sinks.clear()
    deliver(deliveries.bench.context, ACCOUNT, sink.name, leases)
    assert deliveries.book.backlog.survey().leased == 1, "due again when its lease is over"
