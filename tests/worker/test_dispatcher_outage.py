"""The dispatcher keeps house: leases, workers that died, a broker that is away."""

from __future__ import annotations

import threading
import time

from dispatching import THREADS, admit_many
from factories import ACCOUNT, make_settings
from processes import until
from structlog.testing import capture_logs
from worker_kit import legs_answer

from worker import dispatcher as dispatcher_module
from worker.celery import QUEUE, make_celery
from worker.ledger import Ledger
from worker.ledger.backlog import DEATHS_ALLOWED
from worker.process.embedded_redis import free_port
from worker.steps.fetch import fetch_call
from worker.tasks import Carrier

# Keeping house


def test_what_a_dead_worker_held_is_due_again(bench, exotel, tray, make_dispatcher):
    exotel.always(legs_answer())
    bench.admit()
    dispatcher = make_dispatcher(bench)
    dispatcher.run_once()
    bench.clock.advance(bench.book.fetches.lease_ms / 1000 + 1)
    dispatcher.reap()
    dispatcher.run_once()
    (_, dead), (_, alive) = tray.fetches
    fetch_call(bench.context, ACCOUNT, dead)
    assert exotel.seen == [], "a message that turns up late is worth nothing"
    fetch_call(bench.context, ACCOUNT, alive)
    assert bench.story().summary.state == "settled"


def test_what_nobody_survives_is_buried_and_its_sinks_are_told(make_bench, tray, make_dispatcher):
    bench = make_bench()
    bench.admit()
    dispatcher = make_dispatcher(bench)
    for _ in range(DEATHS_ALLOWED):
        bench.book.claim(bench.lease())
        bench.clock.advance(bench.book.fetches.lease_ms / 1000 + 1)
        dispatcher.reap()
    (event,) = bench.events().values()
    assert event["data"]["reason"] == "no worker survived fetching it"
    assert bench.story().summary.state == "dead"


def test_one_item_that_cannot_even_be_buried_keeps_no_other_from_it(make_bench, accounts, tray, make_dispatcher):
    """Whatever made its state unreadable."""
    bench = make_bench(**accounts)
    for account in ("acme1m", "acme2m"):
        admit_many(bench, 1, account)
    bench.ledger.client.lset(bench.book.key("call", "acme1m00000"), 1, b"\x7fnothing we know")
    dispatcher = make_dispatcher(bench)
    for _ in range(DEATHS_ALLOWED):
        for account in ("acme1m", "acme2m"):
            book = bench.ledger.calls[account]
            book.fetches.claim(book.fetches.lease(1)[0])
        bench.clock.advance(bench.book.fetches.lease_ms / 1000 + 1)
        dispatcher.reap()
    assert list(bench.events("acme2m00000")) == ["1/unavailable"]


def test_a_worker_says_hello_and_goodbye(bench, make_dispatcher):
    dispatcher = make_dispatcher(bench)
    dispatcher.housekeep()
    assert bench.ledger.workers() == {"here:1": THREADS}
    dispatcher.deregister_worker()
    assert bench.ledger.workers() == {}
    make_dispatcher(bench, name="web", threads=0).housekeep()
    assert bench.ledger.workers() == {}


def test_what_others_hold_is_theirs_while_nobody_could_say_hello(bench, make_dispatcher, monkeypatch):
    """Whoever was back first after an outage took all that others had begun: they say hello some seconds later."""
    monkeypatch.setattr(dispatcher_module, "WORKER_SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(dispatcher_module, "REAP_SECONDS", 0.05)
    other = Ledger(bench.ledger.client, bench.settings, worker="other:1", clock=bench.clock).calls[ACCOUNT]
    bench.admit("held000001")
    (lease,) = other.fetches.lease(1)
    held = other.claim(lease)
    bench.admit("waits00001")
    nowhere = make_settings(broker_url=f"redis://127.0.0.1:{free_port()}/0")
    dispatcher = make_dispatcher(bench, Carrier(make_celery(nowhere)))
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    time.sleep(2)  # as long as the broker is away nobody is in touch with everybody
    dispatcher.stop()
    thread.join()
    assert other.postpone(held, wait_seconds=0, attempt=False, settle_seconds=0), "its lease is good"


def test_a_nudge_is_as_good_as_a_tick_and_so_is_the_word_to_stop(bench, tray, make_dispatcher, monkeypatch):
    monkeypatch.setattr(dispatcher_module, "TICK_SECONDS", 3600)
    dispatcher = make_dispatcher(bench)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    bench.admit()
    dispatcher.nudge()
    until(lambda: tray.fetches)
    dispatcher.stop()
    thread.join(30)
    assert not thread.is_alive()


# The broker and Redis


def test_what_is_carried_lies_in_the_brokers_queue_and_names_no_secret(bench, make_dispatcher):
    bench.admit()
    carrier = Carrier(make_celery(bench.settings))
    make_dispatcher(bench, carrier).run_once()
    (message,) = bench.ledger.client.lrange(QUEUE, 0, -1)
    assert not [word for word in (b"the-api", b"callback-token") if word in message]


def test_while_the_broker_is_dead_nothing_is_lost_and_nothing_is_due_twice(make_bench, exotel, tray, make_dispatcher):
    """What could not be published lay under its lease until that ran out: for that long after a short absence of the
    broker the window was full, and nothing at all was fetched."""
    bench = make_bench(broker_url=f"redis://127.0.0.1:{free_port()}/0")
    exotel.always(legs_answer())
    bench.admit()
    dispatcher = make_dispatcher(bench, Carrier(make_celery(bench.settings)))
    thread = threading.Thread(target=dispatcher.run)
    with capture_logs() as lines:
        thread.start()
        until(lambda: [line for line in lines if line["event"] == "dispatcher.waiting"])
    assert thread.is_alive(), "it waits for the broker"
    dispatcher.stop()
    thread.join()
    assert bench.book.fetches.survey() == (1, 0, 0, 0, 0), "due again at once"
    make_dispatcher(bench).run_once()
    fetch_call(bench.context, *tray.fetches[0])
    assert bench.story().summary.state == "settled"
