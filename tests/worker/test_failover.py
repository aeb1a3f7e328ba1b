"""A name that leads to another Redis, while the one before lives on as a replica and keeps its connections.

That is what a managed service's failover may look like: nothing is cut, and whoever keeps his connection reads on and
writes nowhere, for ever.
"""

from __future__ import annotations

import pytest
from factories import ACCOUNT, make_callback, make_settings
from processes import WORKER, Process, until
from redis_pair import Pair
from worker_kit import legs_answer

from worker.connections import connect
from worker.ledger import Ledger


@pytest.fixture
def pair(tmp_path):
    found = Pair(tmp_path)
    yield found
    found.close()


def test_the_ledger_finds_the_new_primary_by_itself(pair):
    settings = make_settings(pair.url)
    with connect(settings) as client:
        ledger = Ledger(client, settings)
        ledger.open()
        book = ledger.calls[ACCOUNT]
        assert book.admit(make_callback("before001"), wait_seconds=0)
        pair.fail_over()
        assert book.admit(make_callback("after0001"), wait_seconds=0)
        assert not book.admit(make_callback("before001"), wait_seconds=0), "the replica had it"


@pytest.mark.slow
def test_a_worker_finds_the_new_primary_by_itself(pair, exotel, tmp_path):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    settings = make_settings(pair.url)
    worker = Process(
        WORKER,
        tmp_path / "worker",
        redis_url=pair.url,
        exotel_base_url=exotel.url,
        sinks="stdout:",
        confirm_seconds=0,
        settle_seconds=0,
    )
    try:
        worker.wait_for("worker.ready")
        with connect(settings) as client:
            book = Ledger(client, settings).calls[ACCOUNT]
            book.admit(make_callback("before001"), wait_seconds=0)
            until(lambda: b"before001" in worker.out.read_bytes())
            pair.fail_over()
            for sid in ("after0001", "after0002", "after0003"):
                book.admit(make_callback(sid), wait_seconds=0)
                until(lambda sid=sid: sid.encode() in worker.out.read_bytes(), 30)
        worker.ask_to_stop()
        assert worker.wait() == 0
    finally:
        worker.stop()
