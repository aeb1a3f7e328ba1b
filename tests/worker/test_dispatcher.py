"""The dispatcher: what is due goes out to the workers, little at a time, and fairly."""

from __future__ import annotations

import threading

import pytest
from dispatching import LARGEST, THREADS, WINDOW, admit_many
from factories import ACCOUNT

from worker.ledger.backlog import Demand
from worker.ledger.bucket import Gate, Look
from worker.sources import lane_room

# How many calls of each lane there is room for


def demand(live=0, retry=0, reconcile=0, confirm=0, leased=0):
    return Demand(live, retry, reconcile, confirm, leased)


def look(free=200, soon=0, flying=0, limit=200, gate=Gate.OPEN):
    return Look(free, soon, flying, 0, limit, 0.0, gate)


@pytest.mark.parametrize(
    ("what", "wanted", "bucket", "room"),
    [
        ("all that is free", demand(live=900), look(), [200, 200, 160, 0]),
        ("and what is back soon", demand(live=900), look(free=3, soon=4), [7, 7, 1, 0]),
        ("calls on their way have a claim", demand(live=9, leased=5), look(free=7, flying=2), [4, 4, 1, 0]),
        ("a claim on what is back soon too", demand(live=9, leased=5), look(free=2, soon=2), [0, 0, 0, 0]),
        ("nothing free", demand(live=9, reconcile=9), look(free=0), [0, 0, 0, 0]),
        ("reconciling leaves a fifth", demand(reconcile=900), look(free=100), [100, 100, 60, 0]),
        ("and never starves", demand(live=900, reconcile=9), look(free=30), [30, 30, 1, 0]),
        ("confirming waits for live calls", demand(live=1, confirm=9), look(), [200, 200, 160, 0]),
        ("and for retries", demand(retry=1, confirm=9), look(), [200, 200, 160, 0]),
        ("and for reconciling", demand(reconcile=1, confirm=9), look(), [200, 200, 160, 0]),
        ("confirming leaves a half", demand(confirm=900), look(), [200, 200, 160, 100]),
        ("confirming, little left", demand(confirm=900), look(free=100), [100, 100, 60, 0]),
        ("the smallest quota", demand(confirm=1), look(free=1, limit=1), [1, 1, 1, 1]),
        ("paused", demand(live=9), look(gate=Gate.PAUSED), [0, 0, 0, 0]),
        ("suspended", demand(live=9), look(gate=Gate.SUSPENDED), [0, 0, 0, 0]),
        ("a probe", demand(live=9), look(gate=Gate.PROBE), [1, 1, 1, 1]),
        ("a trial", demand(live=9), look(gate=Gate.TRIAL), [1, 1, 1, 1]),
        ("a probe is out", demand(live=9, leased=1), look(gate=Gate.PROBE), [0, 0, 0, 0]),
    ],
)
def test_lane_room(what, wanted, bucket, room):
    assert lane_room(wanted, bucket) == room


# The window


def test_no_backlog_takes_more_than_its_part_of_the_threads(bench, tray, make_dispatcher):
    admit_many(bench, 100)
    dispatcher = make_dispatcher(bench)
    for _ in range(5):
        dispatcher.run_once()
    assert len(tray.fetches) == bench.book.fetches.survey().leased == LARGEST


def test_no_more_than_two_tasks_a_thread_are_out(make_bench, accounts, tray, make_dispatcher):
    bench = make_bench(**accounts)
    for account in bench.ledger.calls:
        admit_many(bench, 100, account)
    dispatchers = [make_dispatcher(bench), make_dispatcher(bench, name="there:2")]
    for _ in range(5):
        for dispatcher in dispatchers:
            dispatcher.run_once()
    assert len(tray.fetches) == WINDOW


def test_a_release_for_one_account_keeps_to_the_window_of_all(make_bench, accounts, tray, make_dispatcher):
    """The door counted only what the account in question held, and went beyond the window by as much as others held."""
    bench = make_bench(**accounts)
    for account in bench.ledger.calls:
        admit_many(bench, 100, account)
    bench.ledger.register_worker("here:1", THREADS)
    make_dispatcher(bench).run_once()
    assert tray.tasks == WINDOW
    web = make_dispatcher(bench, name="web", threads=0)
    for account in bench.ledger.calls:
        web.run_once({account})
    assert tray.tasks == WINDOW


def test_a_release_for_one_account_is_for_no_other(make_bench, accounts, tray, make_dispatcher):
    bench = make_bench(**accounts)
    for account in bench.ledger.calls:
        admit_many(bench, 3, account)
    make_dispatcher(bench, name="web", threads=0).run_once({"acme2m"})
    assert {account for account, _ in tray.fetches} == {"acme2m"}


def test_the_window_grows_with_the_fleet(make_bench, accounts, tray, make_dispatcher):
    bench = make_bench(**accounts)
    for account in bench.ledger.calls:
        admit_many(bench, 100, account)
    for worker in range(3):
        bench.ledger.register_worker(f"host:{worker}", THREADS)
    make_dispatcher(bench).run_once()
    assert len(tray.fetches) == 3 * WINDOW


def test_without_a_worker_hardly_anything_is_sent_out(bench, tray, make_dispatcher):
    admit_many(bench, 100)
    for _ in range(3):
        make_dispatcher(bench, name="web", threads=0).run_once({ACCOUNT})
    assert len(tray.fetches) == 1


def test_no_more_calls_are_out_than_there_are_tokens(make_bench, tray, make_dispatcher):
    bench = make_bench(exotel_quota=3)
    admit_many(bench, 100)
    dispatcher = make_dispatcher(bench)
    for _ in range(5):
        dispatcher.run_once()
    assert len(tray.fetches) == 3


def test_what_is_not_due_stays(bench, tray, make_dispatcher):
    admit_many(bench, 5, wait=120)
    assert make_dispatcher(bench).run_once() == 0
    bench.clock.advance(120)
    assert make_dispatcher(bench).run_once() == 5


def test_two_dispatchers_never_send_out_the_same(make_bench, tray, make_dispatcher):
    bench = make_bench()
    bench.ledger.register_worker("many:1", 100)
    admit_many(bench, 60)
    threads = [threading.Thread(target=make_dispatcher(bench, name=f"h:{n}").run_once) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    items = [lease.item for _, lease in tray.fetches]
    assert len(items) == len(set(items)) == 60
