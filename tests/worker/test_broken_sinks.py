"""Thirty sinks that fail, in one worker with real threads: they hold no thread that a healthy sink could use."""

from __future__ import annotations

import pytest
from dispatching import THREADS
from factories import ACCOUNT, make_callback, make_settings
from processes import WORKER, Process, until
from sink_contract import sink_spec
from worker_kit import MemorySink, legs_answer

from worker.fairness import LARGEST_PART_OF_THE_FAILING
from worker.ledger import Ledger
from worker.ledger.health import FAILURES_IN_A_ROW, PROBE_SECONDS

BROKEN, CALLS = 30, 12
MODULE = """
class Sink:
    def __init__(self, number):
        self.number = number

    def send(self, records):
        raise TypeError(f"driver {self.number} got an unexpected keyword argument")
"""


@pytest.mark.slow
def test_sinks_whose_drivers_crash_at_each_delivery_delay_no_other(client, redis_url, exotel, tmp_path):
    """Each crash held a lease, and with it a place, for a minute; thirty of them left no place for anybody else."""
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / "broken.py").write_text(MODULE)
    worker = Process(
        WORKER,
        folder,
        redis_url=redis_url,
        exotel_base_url=exotel.url,
        sinks=" ".join(["stdout:", *(f"broken:Sink?number={number}" for number in range(BROKEN))]),
        confirm_seconds=0,
        settle_seconds=0,
    )
    try:
        worker.wait_for("worker.ready")
        ledger = Ledger(client, make_settings(redis_url))
        for sid in (f"call{number:04}" for number in range(CALLS)):
            ledger.calls[ACCOUNT].admit(make_callback(sid), wait_seconds=0)
            until(lambda sid=sid: sid.encode() in worker.out.read_bytes())
        states = ledger.health.states
        until(lambda: [state["state"] for state in states().values()] == ["failing"] * BROKEN)
        assert all("unexpected keyword argument" in state["reason"] for state in states().values())
        worker.ask_to_stop()
        assert worker.wait() == 0
    finally:
        worker.stop()
    assert not worker.logged("step.crashed")
    assert len(worker.logged("sink.surprised")) == BROKEN, "a traceback for each, and no more"


def test_failing_sinks_together_leave_half_of_the_threads_to_those_that_are_well(
    make_bench, exotel, tray, make_dispatcher
):
    """Each waits for a time-out of fifteen seconds, and is tried every five: their trials took every place there is."""
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    specs = [sink_spec("stdout:", name=f"sink{number}") for number in range(BROKEN)]
    bench = make_bench(sink_specs=specs, opened={spec.name: MemorySink(spec) for spec in specs}, confirm_seconds=0)
    for number in range(3):
        bench.admit(f"call{number:04}")
        bench.fetch()
    for spec in specs[1:]:
        for _ in range(FAILURES_IN_A_ROW):
            bench.ledger.health.failed(spec.name, "timed out")
    dispatcher = make_dispatcher(bench)
    for _ in range(5):
        bench.clock.advance(PROBE_SECONDS)
        dispatcher.run_once()
    tried = [sink for _, sink, _ in tray.deliveries]
    assert tried.count("sink0") == 3
    assert len(tried) - 3 == THREADS * LARGEST_PART_OF_THE_FAILING, "and none of them ever comes back"
    assert len(set(tried)) == len(tried) - 2, "one delivery at a time each"
