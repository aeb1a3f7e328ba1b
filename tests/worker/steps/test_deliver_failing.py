"""Failed attempts in a row make a sink failing, whether records go one by one or in batches."""

from __future__ import annotations

import pytest
from factories import ACCOUNT
from sink_contract import sink_spec
from worker_kit import BatchSink, MemorySink, legs_answer

from worker.errors import TemporaryFailure
from worker.steps.deliver import deliver


class BatchOfTen(BatchSink):
    batch = 10


@pytest.mark.parametrize(
    "failure", [lambda: TemporaryFailure("503"), lambda: TypeError("of a library")], ids=["failure", "surprise"]
)
@pytest.mark.parametrize(
    ("kind", "calls", "states"),
    [
        (MemorySink, 4, [None, None, "failing"]),
        (BatchOfTen, 4, [None, None, "failing"]),
        (BatchOfTen, 1, [None] * 9 + ["failing"]),
        (BatchOfTen, 10, [None, "failing"]),
    ],
)
def test_as_many_attempts_fail_as_there_are_records(make_bench, exotel, kind, calls, states, failure):
    """Four records in one batch, six times: twenty-four attempts had failed, and nobody was told.

    A batch that surprised its sink counted twice: as a batch, and record by record when these were sent one by one.
    """
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    sink = kind(sink_spec("stdout:"))
    sink.failures = [failure() for _ in range(100)]
    schedule = " ".join(["5"] * 20)
    bench = make_bench(sink_specs=[sink.spec], opened={"crm": sink}, delivery_schedule=schedule, confirm_seconds=0)
    for number in range(calls):
        bench.admit(f"call{number:04}")
        bench.fetch()
    backlog, seen = bench.ledger.deliveries[ACCOUNT, "crm"].backlog, []
    for _ in states:
        leases = backlog.lease(calls)
        for at in range(0, calls, sink.batch):
            deliver(bench.context, ACCOUNT, "crm", leases[at : at + sink.batch])
        seen.append(bench.ledger.sink_states().get("crm", {}).get("state"))
        bench.clock.advance(5)
    assert seen == states
