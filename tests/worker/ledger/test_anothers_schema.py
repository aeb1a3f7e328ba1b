"""Work that is under way when the ledger becomes another Legwork's is not written into it."""

from __future__ import annotations

import pytest
from delivery_kit import Deliveries
from sink_contract import sink_spec
from worker_kit import SID, BatchSink, legs_answer

from worker.errors import PermanentFailure, TemporaryFailure
from worker.ledger.keys import LEDGER, SCHEMA, SINK_RUNS

ANOTHER = SCHEMA + 1


def kept(client):
    """All that is stored, but for what is counted on the way, and for the tokens and states that go with no call."""
    strays = (b":bucket:", b"lw:meters", b"lw:series:", SINK_RUNS.encode())
    return {key: client.dump(key) for key in client.scan_iter() if not any(stray in key for stray in strays)}


def becomes_anothers(client, then):
    """A reply before which the ledger is taken over; `before` is what it holds then."""
    before = {}

    def reply(*given):
        client.hset(LEDGER, "schema", ANOTHER)
        before.update(kept(client))
        return then(*given)

    return reply, before


@pytest.mark.parametrize("exotel_says", ["final", "not final", "nothing"])
def test_what_a_fetch_brings_is_not_written(make_bench, exotel, client, exotel_says):
    """It was settled, or put back, in a ledger of another schema."""
    said = {"final": legs_answer(), "not final": legs_answer(total=9), "nothing": legs_answer(status=503)}[exotel_says]
    reply, before = becomes_anothers(client, said)
    exotel.choose(lambda _: reply)
    bench = make_bench(confirm_seconds=0)
    bench.admit(SID)
    bench.fetch()
    assert before
    assert kept(client) == before
    client.hset(LEDGER, "schema", SCHEMA)
    bench.clock.advance(3_600)
    bench.book.fetches.reap()
    exotel.choose(lambda _: legs_answer())
    bench.fetch_until_done()
    assert bench.story().summary.state == "settled", "once it is ours again"


@pytest.mark.parametrize("failure", [None, TemporaryFailure("503"), PermanentFailure("never")], ids=repr)
def test_what_comes_of_a_delivery_is_not_written(make_bench, exotel, client, failure):
    exotel.always(legs_answer())
    sink = BatchSink(sink_spec("stdout:"))
    bench = make_bench(sink_specs=[sink.spec], opened={sink.name: sink}, confirm_seconds=0)
    bench.admit(SID)
    bench.fetch()
    sink.failures = [failure] if failure else []
    sink.send, before = becomes_anothers(client, sink.send)
    Deliveries(bench, sink).deliver()
    assert before
    assert kept(client) == before
