"""A look at the ledger counts only if it succeeded, and there is one at a time."""

from __future__ import annotations

import threading

import pytest
import redis
from processes import until
from structlog.testing import capture_logs
from worker_kit import SID

from worker import metrics
from worker.celery import make_celery
from worker.errors import LedgerUnusable
from worker.ledger.keys import LEDGER
from worker.ledger.opening import Lookout
from worker.tasks import FETCH, register


class Looks:
    """Counts the looks; each fails as long as `error` is set."""

    def __init__(self):
        self.number, self.error = 0, None

    def __call__(self):
        self.number += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def looks():
    return Looks()


def test_one_look_a_second_is_enough(bench, looks):
    times = iter([0.0, 0.9, 1.1])
    lookout = Lookout(bench.ledger, also=looks, monotonic=lambda: next(times))
    for _ in range(3):
        lookout.see()
    assert looks.number == 2


@pytest.mark.parametrize("error", [redis.ConnectionError("away"), LedgerUnusable("not ours")])
def test_what_a_look_found_holds_until_one_succeeds(bench, looks, error):
    """That it had looked was noted before it looked: whatever the look raised held for one request a second."""
    lookout = Lookout(bench.ledger, also=looks, monotonic=lambda: 0.0)
    looks.error = error
    for _ in range(10):
        with pytest.raises(type(error)):
            lookout.see()
    looks.error = None
    for _ in range(10):
        lookout.see()
    assert looks.number == 11


def test_a_look_that_grew_stale_may_fail_too(bench, client):
    now = iter([0.0, 2.0, 2.0, 2.0])
    lookout = Lookout(bench.ledger, monotonic=lambda: next(now))
    lookout.see()
    client.hset(LEDGER, "schema", 99)
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(LedgerUnusable, match="schema 99"):
                lookout.see()
        client.hset(LEDGER, "schema", 1)
        lookout.see()
    assert [line["event"] for line in logs] == ["ledger.unusable", "ledger.usable_again"], "each once"


def test_who_comes_while_somebody_looks_waits_for_what_he_finds(bench):
    under_way, gate, found = threading.Event(), threading.Event(), []

    def look():
        under_way.set()
        gate.wait(20)
        raise LedgerUnusable("not ours")

    lookout = Lookout(bench.ledger, also=look)

    def see():
        try:
            lookout.see()
        except LedgerUnusable as error:
            found.append(error)

    threads = [threading.Thread(target=see) for _ in range(8)]
    threads[0].start()
    assert under_way.wait(20)
    for thread in threads[1:]:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(20)
    assert len(found) == 8, "nobody goes on while it is not known"


def test_a_worker_does_nothing_in_a_ledger_that_became_anothers(bench, make_dispatcher, exotel, client):
    """A newer Legwork changed the schema under a running worker: calls were fetched and delivered all the same."""
    bench.admit()
    dispatcher, lease = make_dispatcher(bench), bench.lease()
    app = make_celery(bench.settings)
    register(app, bench.context)
    client.hset(LEDGER, "schema", 99)
    bench.ledger.meters.count(metrics.DISPATCHER_TICKS)
    before = {key: client.dump(key) for key in client.scan_iter()}
    for _ in range(3):
        with pytest.raises(LedgerUnusable):
            dispatcher.housekeep()
        app.tasks[FETCH](bench.book.account.sid, SID, lease.id)
        bench.ledger.meters.flush()
    app.close()
    assert exotel.seen == []
    assert {key: client.dump(key) for key in client.scan_iter()} == before, "not a byte was changed"


@pytest.mark.parametrize("schema", ["2", "new", "", b"\xff" * 99], ids=["newer", "a word", "empty", "bytes"])
def test_any_other_schema_is_anothers(bench, client, schema):
    client.hset(LEDGER, "schema", schema)
    with pytest.raises(LedgerUnusable, match="this Legwork knows schema 1"):
        Lookout(bench.ledger).see()


def test_the_dispatcher_waits_in_it_and_says_so_once(bench, make_dispatcher, client):
    client.hset(LEDGER, "schema", 99)
    dispatcher = make_dispatcher(bench)
    with capture_logs() as logs:
        thread = threading.Thread(target=dispatcher.run)
        thread.start()
        until(lambda: any(line["event"] == "dispatcher.waiting" for line in logs))
        client.hset(LEDGER, "schema", 1)
        until(lambda: any(line["event"] == "dispatcher.going_on" for line in logs))
        dispatcher.stop()
        thread.join(20)
    assert [line["event"] for line in logs].count("dispatcher.waiting") == 1
    assert not [line for line in logs if line["event"] == "dispatcher.crashed"]
