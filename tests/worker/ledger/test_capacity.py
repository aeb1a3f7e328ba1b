"""Capacity in Redis: delivered calls make room for new ones, down to an hour of remembering."""

from __future__ import annotations

import pytest
from cli_kit import settle
from factories import ACCOUNT, FrozenClock, make_callback, make_settings

from worker.context import WorkerContext
from worker.dispatcher import Dispatcher
from worker.ledger import Ledger
from worker.ledger.calls import REMEMBERED_SECONDS
from worker.ledger.capacity import BYTES_UNTIL_SETTLED, read_capacity
from worker.ledger.queries.lookup import call_history

HOUR = 3600


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def ledger(client, redis_url, clock):
    return Ledger(client, make_settings(redis_url), clock=clock)


@pytest.fixture
def little_room(client):
    """Let the server be nearly full, and leave it as it was."""
    yield lambda: client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.3))
    client.config_set("maxmemory", 0)


def deliver(ledger, *sids):
    for sid in sids:
        settle(ledger, sid)
        (deliveries,) = ledger.deliveries.values()
        (lease,) = deliveries.backlog.lease(1)
        deliveries.delivered(deliveries.claim(lease), "written")


def known(ledger, sid):
    return call_history(ledger, sid) is not None


def test_a_call_that_waits_speaks_for_the_room_of_its_record(ledger, client, little_room):
    little_room()
    limit = client.config_get("maxmemory")["maxmemory"]
    before = read_capacity(ledger)
    for number in range(10):
        ledger.calls[ACCOUNT].admit(make_callback(f"call{number:04}"), wait_seconds=0)
    ledger.calls[ACCOUNT].fetches.lease(3)
    after = read_capacity(ledger)
    committed = (after.committed - after.used) - (before.committed - before.used)
    assert committed == pytest.approx(10 * BYTES_UNTIL_SETTLED / int(limit))


def test_what_was_delivered_an_hour_ago_may_be_forgotten_early(ledger, clock):
    book = ledger.calls[ACCOUNT]
    deliver(ledger, "old00001")
    clock.advance(HOUR)
    deliver(ledger, "new00001")
    assert book.forget_old(clock.now_ms) == 0
    assert book.forget_old(clock.now_ms, early=True) == 1
    assert (known(ledger, "old00001"), known(ledger, "new00001")) == (False, True)


def test_what_is_unfinished_is_not_forgotten_early_and_stands_in_no_ones_way(ledger, clock):
    book = ledger.calls[ACCOUNT]
    unfinished = [f"confirm{number:04}" for number in range(120)]
    deliver(ledger, *unfinished)
    for sid in unfinished:  # each is to be read once more
        ledger.client.zadd(book.fetches.keys[3], {sid: clock.now_ms + 1e9})
    clock.advance(1)
    deliver(ledger, "finished0001")
    clock.advance(HOUR)
    assert sum(book.forget_old(clock.now_ms, early=True) for _ in range(3)) == 1
    assert not known(ledger, "finished0001")
    assert all(known(ledger, sid) for sid in unfinished)


def test_a_retention_shorter_than_an_hour_is_kept_as_it_is(client, redis_url, clock):
    ledger = Ledger(client, make_settings(redis_url, retention_days="0.01"), clock=clock)
    deliver(ledger, "call00001")
    clock.advance(0.01 * 86_400 - 1)
    assert ledger.calls[ACCOUNT].forget_old(clock.now_ms, early=True) == 0
    clock.advance(1)
    assert ledger.calls[ACCOUNT].forget_old(clock.now_ms) == 1


@pytest.mark.parametrize("short", [True, False])
def test_a_worker_forgets_early_only_where_room_is_short(ledger, client, redis_url, clock, little_room, short):
    clock.now_ms = ledger.now_ms() - (REMEMBERED_SECONDS + 60) * 1000
    deliver(ledger, "call00001")
    if short:
        little_room()
    now = Ledger(client, ledger.settings)
    Dispatcher(WorkerContext(ledger.settings, now, {}), carrier=None, name="here:1", threads=1).housekeep()
    assert known(ledger, "call00001") is not short
