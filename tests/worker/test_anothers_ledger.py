"""A ledger that a newer Legwork changes under a running web and a running worker."""

from __future__ import annotations

import pytest
import requests
from factories import TOKEN
from processes import WEB, WORKER, Process, until
from worker_kit import legs_answer

from worker.process.embedded_redis import free_port

pytestmark = pytest.mark.slow

PROCESSES = 2


@pytest.fixture
def variables(tmp_path, redis_url, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[-2]))
    return {
        "redis_url": redis_url,
        "exotel_base_url": exotel.url,
        "sinks": f"file:{tmp_path}/records.jsonl",
        "settle_seconds": 0,
        "confirm_seconds": 0,
        "port": free_port(),
    }


@pytest.fixture
def running(tmp_path, variables):
    web, worker = (
        Process(program, tmp_path / name, **variables) for name, program in (("web", WEB), ("worker", WORKER))
    )
    yield web, worker
    worker.stop()
    web.stop()


def test_every_callback_is_503_and_nothing_is_fetched_until_it_is_ours_again(
    running, variables, exotel, client, tmp_path
):
    """The door answered 503, 200, 503, 200 …, five calls were noted, fetched and delivered in it."""
    web, worker = running
    worker.wait_for("worker.ready")

    def post(number):
        url = f"http://127.0.0.1:{variables['port']}/callbacks/{TOKEN}/status"
        try:
            return requests.post(
                url, data={"CallSid": f"call{number:05}", "Status": "completed"}, timeout=20
            ).status_code
        except requests.ConnectionError:  # it is only starting
            return None

    until(lambda: post(0) == 200)
    records = tmp_path / "records.jsonl"
    until(lambda: records.exists() and records.read_text())
    # Nothing is under way any more: what is would be done again, and its record be there twice.
    until(lambda: not list(client.scan_iter("lw:*:leases")))
    asked = len(exotel.seen)

    client.hset("lw:ledger", "schema", 99)
    # Every process has seen it by then.
    until(lambda: post(0) and worker.logged("ledger.unusable") and len(web.logged("ledger.unusable")) == PROCESSES)
    kept = sorted(client.scan_iter())
    assert [post(number) for number in range(1, 21)] == [503] * 20
    assert sorted(client.scan_iter()) == kept
    assert len(exotel.seen) == asked
    assert not worker.logged("dispatcher.crashed")
    assert worker.runs

    client.hset("lw:ledger", "schema", 1)
    assert [post(number) for number in range(1, 6)] == [200] * 5
    until(lambda: len(records.read_text().splitlines()) == 6)
    assert worker.logged("ledger.usable_again")
