"""A subscriber that answers 410 is sent nothing more: not the same record, and none that is leased already."""

from __future__ import annotations

import threading
from itertools import count

import pytest
from factories import ACCOUNT
from processes import until
from sink_contract import sink_spec
from stubs import StubServer, answer
from worker_kit import legs_answer

from worker.sinks import sink_for
from worker.steps.deliver import bury_lease, deliver

THREADS = 4


@pytest.fixture
def subscriber():
    with StubServer(answer(status=410)) as server:
        yield server


@pytest.fixture
def make_desk(make_bench, exotel, subscriber):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))

    def make(calls):
        bench = make_bench(sink_specs=[sink.spec], opened={sink.name: sink}, confirm_seconds=0)
        for number in range(calls):
            bench.admit(f"call{number:04}")
            bench.fetch()
        return bench, bench.ledger.deliveries[ACCOUNT, sink.name]

    yield make
    sink.close()


def hungry(bench, book, rounds, over):
    """A worker that takes whatever is due, and has looked at no sink's state since it began."""
    while not over.is_set():
        deliver(bench.context, ACCOUNT, book.sink, book.backlog.lease(1))
        next(rounds)


def state_of(bench, book):
    return bench.ledger.sink_states().get(book.sink, {}).get("state")


@pytest.mark.parametrize("calls", [1, 20])
def test_no_worker_sends_it_once_more_before_the_sink_is_disabled(make_desk, subscriber, calls):
    """It was put back before the sink was disabled, and asked again within 40 ms, under the same id."""
    bench, book = make_desk(calls)
    rounds, over = count(), threading.Event()
    threads = [threading.Thread(target=hungry, args=(bench, book, rounds, over)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    until(lambda: state_of(bench, book) == "disabled")
    enough = next(rounds) + 20 * THREADS
    until(lambda: next(rounds) > enough)
    over.set()
    for thread in threads:
        thread.join()
    ids = [seen.headers["webhook-id"] for seen in subscriber.seen]
    assert len(set(ids)) == len(ids) <= THREADS, "what was under way already"
    demand = book.backlog.survey()
    assert (demand.due, demand.leased) == (calls, 0)


def test_what_was_leased_before_waits_as_it_did(make_desk, subscriber):
    bench, book = make_desk(3)
    first, *others = book.backlog.lease(3)
    deliver(bench.context, ACCOUNT, book.sink, [first])
    deliver(bench.context, ACCOUNT, book.sink, others)
    assert len(subscriber.seen) == 1
    assert (book.backlog.survey().live, book.backlog.survey().leased) == (3, 0)
    subscriber.always(answer())
    bench.ledger.enable_sink(book.sink)
    deliver(bench.context, ACCOUNT, book.sink, book.backlog.lease(3))
    assert len({seen.headers["webhook-id"] for seen in subscriber.seen}) == 3
    assert bench.story("call0001").deliveries, "and has lost no attempt"
    attempts = [len(found["attempts"]) for found in bench.story("call0001").deliveries.values()]
    assert attempts == [1]


def test_a_thread_that_goes_on_begins_no_other(make_desk, subscriber):
    """A turn takes what is due next in the same round trip that closes the books: of a sink disabled meanwhile, nothing."""
    bench, book = make_desk(2)

    def disabled_meanwhile(connection):
        bench.ledger.disable_sink(book.sink, "410")
        return answer()(connection)

    subscriber.then(disabled_meanwhile)
    deliver(bench.context, ACCOUNT, book.sink, book.backlog.lease(1))
    assert len(subscriber.seen) == 1
    assert (book.backlog.survey().due, book.backlog.survey().leased) == (1, 0)


def test_what_no_worker_survives_is_buried_though_the_sink_is_disabled(make_desk):
    bench, book = make_desk(1)
    (lease,) = book.backlog.lease(1)
    bench.ledger.disable_sink(book.sink, "410")
    bury_lease(bench.context, book, lease, "no worker survived delivering it")
    (found,) = bench.story("call0000").deliveries.values()
    assert found["state"] == "dead"
