"""A thread that has delivered takes what is due next to the same sink: as long as all goes well, and for a moment only."""

from __future__ import annotations

import pytest
from factories import ACCOUNT
from sink_contract import sink_spec
from worker_kit import BatchSink, MemorySink, legs_answer

from worker.errors import PermanentFailure, SinkGone, TemporaryFailure
from worker.ledger.scripts import LOOK_AGAIN_SECONDS
from worker.steps.deliver import deliver
from worker.steps.delivery_run import RUN_SECONDS


class Slow(MemorySink):
    """Each delivery takes a part of a turn, by the context's clock."""

    def __init__(self, spec, *, takes=0.0):
        super().__init__(spec)
        self.takes, self.now = takes, 0.0

    def send(self, records):
        self.now += self.takes
        return super().send(records)


@pytest.fixture
def queue(make_bench, exotel):
    """Have so many calls wait for a sink; returns its book, and what delivers the first of them."""
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))

    def queue(sink, calls):
        bench = make_bench(
            sink_specs=[sink_spec("stdout:", name=sink.name)], opened={sink.name: sink}, confirm_seconds=0
        )
        for number in range(calls):
            bench.admit(f"call{number:04}")
            bench.fetch()
        bench.context.monotonic = lambda: getattr(sink, "now", 0.0)
        book = bench.ledger.deliveries[ACCOUNT, sink.name]
        return book, lambda: deliver(bench.context, ACCOUNT, sink.name, book.backlog.lease(sink.batch))

    return queue


def subjects(sink):
    return [record["subject"] for batch in sink.sent for record in batch]


@pytest.mark.parametrize("kind", [MemorySink, BatchSink])
def test_one_message_is_enough_for_all_that_is_due(queue, kind):
    """A message costs more than a delivery: with one each, a worker delivered a fifth of what a bare loop did."""
    sink = kind(sink_spec("stdout:"))
    book, go = queue(sink, 10)
    go()
    assert subjects(sink) == [f"call{number:04}" for number in range(10)]
    assert (book.backlog.survey().due, book.backlog.survey().leased) == (0, 0)


def test_a_turn_is_over_after_a_moment_and_leaves_nothing_leased(queue):
    sink = Slow(sink_spec("stdout:"), takes=RUN_SECONDS / 4)
    book, go = queue(sink, 10)
    go()
    assert len(sink.sent) == 4
    assert (book.backlog.survey().due, book.backlog.survey().leased) == (6, 0)


@pytest.mark.parametrize("failure", [TemporaryFailure("503"), SinkGone("410")])
def test_the_first_failure_ends_a_turn(queue, failure):
    sink = MemorySink(sink_spec("stdout:"))
    sink.failures = [failure]
    book, go = queue(sink, 3)
    go()
    assert sink.sent == []
    assert book.backlog.survey().leased == 0


def test_one_bad_record_in_a_batch_begins_no_more_than_one_batch(queue):
    sink = BatchSink(sink_spec("stdout:"))
    sink.failures = [PermanentFailure("too long"), PermanentFailure("too long")]
    book, go = queue(sink, 9)
    go()
    assert [len(batch) for batch in sink.sent] == [1, 1, 3, 3]
    assert book.backlog.survey().leased == 0


def test_what_is_taken_next_is_begun_in_the_name_of_the_worker(queue):
    """If this worker dies over it, that counts as a death."""
    sink = MemorySink(sink_spec("stdout:"))
    book, go = queue(sink, 2)
    seen = []
    keep = sink.send

    def look(records):
        seen.extend(fence.split()[3] for fence in book._client.hvals(book.backlog.keys[5]))
        return keep(records)

    sink.send = look
    go()
    assert seen == [book.backlog._worker.encode()] * 2


def test_a_server_that_has_forgotten_the_scripts_is_given_them_again(queue, client):
    sink = MemorySink(sink_spec("stdout:"))
    book, go = queue(sink, 1)
    client.script_flush()
    book._scripts._looked = {name: at - LOOK_AGAIN_SECONDS for name, at in book._scripts._looked.items()}
    go()
    assert len(sink.sent) == 1
