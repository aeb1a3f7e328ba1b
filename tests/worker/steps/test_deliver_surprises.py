"""What a sink's library raises, whatever its class, is a failure of the sink: it costs an attempt, and no record.

A TypeError out of a driver was taken for a bug of Legwork's: the sink stayed `active`, nobody was told, the lease was held
for a minute (thirty such sinks held the threads of all the others), and after five minutes the record was given up, since
"no worker survived delivering it".
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import redis
from delivery_kit import Deliveries
from factories import ACCOUNT
from sink_contract import sink_spec
from structlog.testing import capture_logs
from worker_kit import BatchSink, MemorySink, legs_answer

from schemas.settings.sink_fields import Rate
from worker.errors import LegworkError, PermanentFailure, SinkGone, TemporaryFailure
from worker.http.waiting import LONGEST_PAUSE_SECONDS
from worker.ledger.backlog import Lane
from worker.ledger.health import FAILURES_IN_A_ROW
from worker.ledger.keys import SINK_RUNS


class Panic(BaseException):
    """What a library in Rust raises."""


class Untellable(Exception):
    def __str__(self):
        raise ValueError("no words")


class Broken(BatchSink):
    """Fails on each batch that one of its poisons is in; on all of them if there is none."""

    batch = 10

    def __init__(self, spec, *poisons):
        super().__init__(spec)
        self.poisons, self.calls = poisons, 0

    def send(self, records):
        self.calls += 1
        if not self.poisons or any(record["subject"] in self.poisons for record in records):
            raise KeyError("a column that nobody has")
        return super().send(records)


class Says(MemorySink):
    """Answers what it is told to."""

    def __init__(self, spec, answer):
        super().__init__(spec)
        self.answer = answer

    def send(self, records):
        super().send(records)
        return self.answer


@pytest.fixture
def make_deliveries(make_bench, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))

    def make(sink, calls=1):
        bench = make_bench(
            sink_specs=[sink.spec], opened={sink.name: sink}, delivery_schedule="5 30 300", confirm_seconds=0
        )
        for number in range(calls):
            bench.admit(f"call{number:04}")
            bench.fetch()
        return Deliveries(bench, sink)

    return make


@pytest.fixture
def sink():
    return MemorySink(sink_spec("postgresql://me:hunter2-hunter2@host/calls"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TypeError("connect() got an unexpected keyword argument 'ssl-mode'"), "TypeError: connect() got an unexpect"),
        (AssertionError(), "AssertionError"),
        (redis.ConnectionError("of a sink's own, which is not the ledger"), "ConnectionError: of a sink's own"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (LegworkError("which is no verdict"), "LegworkError: which is no verdict"),
        (StopIteration(), "StopIteration"),
        (SystemExit(1), "SystemExit: 1"),
        (asyncio.CancelledError(), "CancelledError"),
        (Panic("called `Option::unwrap()` on a `None` value\nat lib.rs:1"), "Panic: called `Option::unwrap()` on a"),
        (Untellable(), "Untellable"),
        (ValueError("no such file: \udcff"), "ValueError: no such file: ?"),
        (ValueError("bad URL postgresql://me:hunter2-hunter2@host"), "ValueError: bad URL postgresql://***@host"),
        (KeyError("+919000000002"), "KeyError: '…0002'"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_it_costs_an_attempt_and_is_tried_again_by_the_schedule(make_deliveries, sink, error, reason):
    deliveries = make_deliveries(sink)
    sink.failures = [error]
    deliveries.deliver()
    assert deliveries.due_in() == [(Lane.RETRY, 5)]
    assert deliveries.delivery()["attempts"][0]["answer"].startswith(reason)
    deliveries.bench.clock.advance(5)
    deliveries.deliver()
    assert deliveries.standing() == ("active", 0, 1, 0)


def test_many_in_a_row_make_the_sink_failing_and_one_traceback_is_enough(make_deliveries, sink):
    deliveries = make_deliveries(sink, calls=FAILURES_IN_A_ROW)

    class Connection:
        def execute(self):
            raise TypeError(f"an object at {id(self):#x}")  # never the same text

    sink.send = lambda _: Connection().execute()
    with capture_logs() as logs:
        deliveries.deliver()
    assert deliveries.standing() == ("failing", FAILURES_IN_A_ROW, 0, 0)
    (told,) = [line for line in logs if line["event"] == "sink.surprised"]
    assert type(told["exc_info"]) is TypeError


def test_a_record_past_the_schedule_is_a_dead_letter_with_what_was_raised(make_deliveries, sink):
    deliveries = make_deliveries(sink)
    sink.failures = [TypeError("as ever")] * 4
    for wait in (5, 30, 300, 0):
        deliveries.deliver()
        deliveries.bench.clock.advance(wait)
    assert deliveries.standing() == ("active", 0, 0, 1)
    assert [attempt["answer"] for attempt in deliveries.delivery()["attempts"]] == ["TypeError: as ever"] * 4


def test_a_ctrl_c_stays_one(make_deliveries, sink):
    deliveries = make_deliveries(sink)
    sink.failures = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        deliveries.deliver()


# Of a batch


def test_one_record_that_a_library_trips_over_costs_its_neighbours_nothing(make_deliveries):
    deliveries = make_deliveries(sink := Broken(sink_spec("stdout:"), "call0003"), calls=9)
    deliveries.deliver()
    assert sorted(record["subject"] for batch in sink.sent for record in batch) == [
        f"call{number:04}" for number in range(9) if number != 3
    ]
    assert deliveries.due_in() == [(Lane.RETRY, 5)]
    assert deliveries.standing() == ("active", 1, 8, 0)


def test_a_library_that_trips_over_everything_is_not_asked_for_each_record(make_deliveries):
    """Each may take a time-out, and the thread is wanted elsewhere."""
    deliveries = make_deliveries(sink := Broken(sink_spec("stdout:")), calls=9)
    deliveries.deliver()
    assert sink.calls == 3
    assert deliveries.due_in() == [(Lane.RETRY, 5)] * 9


@pytest.mark.parametrize(("tokens", "attempts"), [(1, 0), (2, 1)])
def test_a_record_that_finds_no_token_when_sent_by_itself_has_lost_no_attempt(make_deliveries, tokens, attempts):
    """A rate that was used up counted as a sink that failed twice in a row: all the rest lost an attempt."""
    spec = replace(sink_spec("stdout:"), rate=Rate(tokens, 3600.0))
    deliveries = make_deliveries(sink := Broken(spec), calls=9)
    deliveries.deliver()
    assert sink.calls == tokens
    assert [len(deliveries.delivery(number).get("attempts", ())) for number in range(9)] == [1] * attempts + [0] * (
        9 - attempts
    )
    assert int(deliveries.bench.ledger.client.hget(SINK_RUNS, sink.name) or 0) == attempts


def test_a_sink_that_wants_no_more_is_not_sent_the_rest_of_its_batch(make_deliveries):
    """After a 410 to a record that was sent by itself it was sent another, and the rest lost an attempt."""
    deliveries = make_deliveries(sink := BatchSink(sink_spec("stdout:")), calls=3)
    sink.failures = [TypeError("of a library"), SinkGone("410")]
    deliveries.deliver()
    assert sink.sent == []
    assert deliveries.standing() == ("disabled", 3, 0, 0)
    assert [deliveries.delivery(number).get("attempts", []) for number in range(3)] == [[]] * 3


def test_a_sink_that_wants_no_more_is_not_sent_the_batches_after(make_deliveries):
    deliveries = make_deliveries(sink := BatchSink(sink_spec("stdout:")), calls=7)
    sink.failures = [SinkGone("410")]
    deliveries.deliver()
    assert sink.sent == []
    assert deliveries.standing() == ("disabled", 7, 0, 0)


def test_a_sink_that_wants_no_more_is_not_sent_the_rest_of_a_refused_batch(make_deliveries):
    deliveries = make_deliveries(sink := BatchSink(sink_spec("stdout:")), calls=3)
    sink.failures = [PermanentFailure("one of them is bad"), SinkGone("410")]
    deliveries.deliver()
    assert sink.sent == []
    assert deliveries.standing() == ("disabled", 3, 0, 0)


# What a sink of somebody's own may say


@pytest.mark.parametrize("said", [None, 200, ["taken"], b"taken", "na\u00efve \udcff", 2.5])
def test_whatever_it_returns_is_an_answer(make_deliveries, said):
    deliveries = make_deliveries(Says(sink_spec("stdout:"), said))
    deliveries.deliver()
    assert deliveries.standing() == ("active", 0, 1, 0)


def test_a_coroutine_is_none_since_nothing_of_it_has_run(make_deliveries):
    async def send():
        raise AssertionError("nobody waits for it")

    deliveries = make_deliveries(Says(sink_spec("stdout:"), send()))
    deliveries.deliver()
    assert deliveries.standing() == ("active", 1, 0, 0)
    assert deliveries.delivery()["attempts"][0]["answer"].startswith("TypeError: send() returned a coroutine")


@pytest.mark.parametrize(
    ("failure", "standing"),
    [
        (TemporaryFailure("later \udcff", retry_after="soon"), ("active", 1, 0, 0)),
        (TemporaryFailure("later", retry_after=float("nan"), answer="what is no answer"), ("active", 1, 0, 0)),
        (TemporaryFailure("later", retry_after=10**400), ("active", 1, 0, 0)),
        (TemporaryFailure("later", retry_after=-1), ("active", 1, 0, 0)),
        (PermanentFailure(b"never", answer="what is no answer"), ("active", 0, 0, 1)),
        (SinkGone("gone \udcff"), ("disabled", 1, 0, 0)),
    ],
)
def test_failures_with_anything_in_them_are_failures(make_deliveries, sink, failure, standing):
    deliveries = make_deliveries(sink)
    sink.failures = [failure]
    deliveries.deliver()
    assert deliveries.standing() == standing


@pytest.mark.parametrize(
    ("asked", "seconds"), [(7, 7), (10**400, LONGEST_PAUSE_SECONDS), (float("inf"), LONGEST_PAUSE_SECONDS), (-1, 5)]
)
def test_a_wait_that_is_asked_for_is_kept_but_for_one_that_has_no_end(make_deliveries, sink, asked, seconds):
    """A whole number that no float can hold was an OverflowError, and after five of these a dead letter."""
    deliveries = make_deliveries(sink)
    sink.failures = [TemporaryFailure("later", retry_after=asked)]
    deliveries.deliver()
    assert deliveries.due_in() == [(Lane.RETRY, seconds)]


def test_another_sink_is_not_concerned(make_bench, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    well, ill = (MemorySink(sink_spec("stdout:", name=name)) for name in ("well", "ill"))
    ill.failures = [SystemExit()] * 9
    bench = make_bench(sink_specs=[ill.spec, well.spec], opened={"ill": ill, "well": well}, confirm_seconds=0)
    bench.admit("call0000")
    bench.fetch()
    for sink in (ill, well):
        Deliveries(bench, sink).deliver()
    assert [Deliveries(bench, sink).standing() for sink in (well, ill)] == [("active", 0, 1, 0), ("active", 1, 0, 0)]
    assert bench.ledger.deliveries[ACCOUNT, "ill"].backlog.survey().leased == 0, "and no thread is held for it"
