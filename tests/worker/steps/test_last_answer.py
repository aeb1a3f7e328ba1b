"""What a subscriber said last is kept with a delivery that died, and with no other."""

from __future__ import annotations

import json
import time

import pytest
from factories import ACCOUNT
from sink_contract import sink_spec
from stubs import StubServer, answer, reset
from worker_kit import MemorySink, legs_answer

from worker.errors import LastAnswer, Refused
from worker.ledger.operations.dead_letters import DeadLetterOperations
from worker.ledger.queries.dead_letters import dead_letters
from worker.sinks import sink_for
from worker.steps.deliver import deliver

SAID = b'{"error": "no such tenant"}'


@pytest.fixture
def subscriber():
    with StubServer(answer(SAID, 503)) as server:
        yield server


@pytest.fixture
def make_delivery(make_bench, exotel):
    """One record that waits for a sink; gives a function that tries it once, and one that reads its place in the ledger."""
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))

    def make(sink):
        bench = make_bench(
            sink_specs=[sink_spec("stdout:", name=sink.name)],
            opened={sink.name: sink},
            delivery_schedule="5 30",
            confirm_seconds=0,
        )
        bench.admit("call0000")
        bench.fetch()
        book = bench.ledger.deliveries[ACCOUNT, sink.name]

        def attempt():
            deliver(bench.context, ACCOUNT, sink.name, book.backlog.lease(1))
            bench.clock.advance(60)

        def stored():
            (found,) = bench.story("call0000").deliveries.values()
            return found

        return bench, attempt, stored

    return make


def test_only_with_the_dead(make_delivery, subscriber):
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))
    bench, attempt, stored = make_delivery(sink)
    before = time.time() * 1000
    for _ in range(2):
        attempt()
        assert stored()["state"] == "waiting"
        assert "last_answer" not in stored(), "what waits is kept small"
    attempt()
    sink.close()
    assert stored()["state"] == "dead"
    said = stored()["last_answer"]
    assert (said["status"], said["body"]) == (503, SAID.decode())
    assert before <= said["at"] <= time.time() * 1000
    (letter,) = dead_letters(bench.ledger)
    assert letter.last_answer == said


def test_it_is_the_answer_to_the_last_attempt_or_none(make_delivery, subscriber):
    subscriber.then(answer(SAID, 503), answer(SAID, 503), reset())
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))
    bench, attempt, stored = make_delivery(sink)
    for _ in range(3):
        attempt()
    sink.close()
    assert stored()["state"] == "dead"
    assert "last_answer" not in stored()
    (letter,) = dead_letters(bench.ledger)
    assert letter.last_answer is None


def test_a_refusal_may_have_one_too(make_delivery):
    sink = MemorySink(sink_spec("stdout:"))
    sink.failures = [Refused("422", answer=LastAnswer(422, "no", 1_790_000_000_000.0))]
    _, attempt, stored = make_delivery(sink)
    attempt()
    assert stored()["last_answer"] == {"status": 422, "body": "no", "at": 1_790_000_000_000.0}


@pytest.mark.parametrize(("mend", "state"), [("retry", "waiting"), ("drop", "dropped")])
def test_what_is_dead_no_more_has_none(make_delivery, subscriber, mend, state):
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))
    bench, attempt, stored = make_delivery(sink)
    for _ in range(3):
        attempt()
    sink.close()
    getattr(DeadLetterOperations(bench.ledger, clock=bench.clock), mend)(dead_letters(bench.ledger))
    assert stored()["state"] == state
    assert len(stored()["attempts"]) == 3
    assert "last_answer" not in stored()


def test_a_large_one_is_kept_short(make_delivery, subscriber):
    subscriber.always(answer("\u0928".encode() * 20_000, 500))
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))
    _, attempt, stored = make_delivery(sink)
    for _ in range(3):
        attempt()
    sink.close()
    assert len(stored()["last_answer"]["body"].encode()) <= 2050
    assert len(json.dumps(stored(), ensure_ascii=False).encode()) < 6000
