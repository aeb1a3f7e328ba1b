"""What is late is told from what waits on purpose."""

from __future__ import annotations

import time

import pytest
from house import ACCOUNT, make_callback, make_settings

from worker.ledger import Ledger
from worker.ledger.call import Verdict
from worker.ledger.standing import account_standing, sink_standing

SINK = "stdout"


@pytest.fixture
def ledger(client, redis_url):
    ledger = Ledger(client, make_settings(redis_url))
    ledger.open()
    return ledger


def overdue(ledger):
    return account_standing(ledger, ACCOUNT).overdue_seconds, sink_standing(ledger, SINK, {}).overdue_seconds


def test_who_settles_waits_and_is_not_late(ledger):
    book = ledger.calls[ACCOUNT]
    assert overdue(ledger) == (0.0, 0.0)
    book.admit(make_callback("settling1"), wait_seconds=3600)
    assert overdue(ledger) == (0.0, 0.0)
    assert account_standing(ledger, ACCOUNT).oldest_waiting_seconds > 0.0


def test_a_call_is_late_from_when_it_was_due_until_somebody_has_it(ledger):
    book = ledger.calls[ACCOUNT]
    book.admit(make_callback("settling1"), wait_seconds=3600)
    book.admit(make_callback("overdue1"), wait_seconds=0)
    time.sleep(0.02)
    late, _ = overdue(ledger)
    assert late >= 0.02
    time.sleep(0.02)
    assert overdue(ledger)[0] >= late + 0.02
    (lease,) = book.fetches.lease(1)
    assert overdue(ledger) == (0.0, 0.0)
    book.postpone(book.claim(lease), wait_seconds=3600, attempt=True, settle_seconds=0)
    assert overdue(ledger) == (0.0, 0.0)


def test_a_record_is_late_from_when_it_was_queued_until_somebody_has_it(ledger):
    book = ledger.calls[ACCOUNT]
    book.admit(make_callback("overdue1"), wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    event = {"id": "evt_1", "type": "legwork.call.completed"}
    assert book.decide("overdue1", lease, Verdict("settled", 1, event_key="1/completed", event=event, sinks=[SINK]))
    time.sleep(0.02)
    calls, deliveries = overdue(ledger)
    assert calls == 0.0
    assert deliveries >= 0.02
    ledger.deliveries[ACCOUNT, SINK].backlog.lease(1)
    assert overdue(ledger) == (0.0, 0.0)
