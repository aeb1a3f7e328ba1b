"""What is late is told from what waits on purpose."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, FrozenClock, make_callback, make_settings

from schemas.settings import load_settings
from worker.ledger import Ledger
from worker.ledger.call import Verdict
from worker.ledger.queries.totals import totals_of_account, totals_of_accounts, totals_of_sink, totals_of_sinks

SINK = "stdout"


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def ledger(client, redis_url, clock):
    ledger = Ledger(client, make_settings(redis_url), clock=clock)
    ledger.open()
    return ledger


def overdue(ledger):
    return totals_of_account(ledger, ACCOUNT).overdue_seconds, totals_of_sink(ledger, SINK, {}).overdue_seconds


def test_who_settles_waits_and_is_not_late(ledger, clock):
    book = ledger.calls[ACCOUNT]
    assert overdue(ledger) == (0.0, 0.0)
    book.admit(make_callback("settling1"), wait_seconds=3600)
    assert overdue(ledger) == (0.0, 0.0)
    clock.advance(20)
    assert overdue(ledger) == (0.0, 0.0)
    assert totals_of_account(ledger, ACCOUNT).oldest_waiting_seconds == 20.0


def test_a_call_is_late_from_when_it_was_due_until_somebody_has_it(ledger, clock):
    book = ledger.calls[ACCOUNT]
    book.admit(make_callback("settling1"), wait_seconds=3600)
    book.admit(make_callback("overdue1"), wait_seconds=0)
    clock.advance(20)
    late, _ = overdue(ledger)
    assert late == 20.0
    clock.advance(20)
    assert overdue(ledger)[0] == 40.0
    (lease,) = book.fetches.lease(1)
    assert overdue(ledger) == (0.0, 0.0)
    book.postpone(book.claim(lease), wait_seconds=3600, attempt=True, settle_seconds=0)
    assert overdue(ledger) == (0.0, 0.0)


def test_a_record_is_late_from_when_it_was_queued_until_somebody_has_it(ledger, clock):
    book = ledger.calls[ACCOUNT]
    book.admit(make_callback("overdue1"), wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    event = {"id": "evt_1", "type": "legwork.call.completed"}
    assert book.decide("overdue1", lease, Verdict("settled", 1, event_key="1/completed", event=event, sinks=[SINK]))
    clock.advance(20)
    calls, deliveries = overdue(ledger)
    assert calls == 0.0
    assert deliveries == 20.0
    ledger.deliveries[ACCOUNT, SINK].backlog.lease(1)
    assert overdue(ledger) == (0.0, 0.0)


SEVERAL = """
[[accounts]]
sid = "one"
api_key = "key"
api_token = "token"
callback_token = "callback-token-of-one"

[[accounts]]
sid = "two"
api_key = "key"
api_token = "token"
callback_token = "callback-token-of-two"

[[sinks]]
name = "all"
url = "stdout:"

[[sinks]]
name = "of-two"
url = "stdout:"
accounts = ["two"]
"""


@pytest.fixture
def several(client, redis_url, tmp_path):
    (tmp_path / "legwork.toml").write_text(SEVERAL)
    ledger = Ledger(client, load_settings({"REDIS_URL": redis_url}, directory=tmp_path))
    ledger.open()
    return ledger


def settle(ledger, account, sid, sinks):
    book = ledger.calls[account]
    book.admit(make_callback(sid), wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    event = {"id": f"evt_{sid}", "type": "legwork.call.completed"}
    assert book.decide(sid, lease, Verdict("settled", 1, event_key="1/completed", event=event, sinks=sinks))


def test_of_several_accounts_and_sinks_each_has_its_own_figures(several):
    for number in range(3):
        several.calls["one"].admit(make_callback(f"waiting{number}"), wait_seconds=60)
    several.calls["two"].bucket.suspend("HTTP 401")
    settle(several, "one", "settled1", ["all"])
    settle(several, "two", "settled2", ["all", "of-two"])
    settle(several, "two", "settled3", ["of-two"])
    (lease,) = several.deliveries["two", "all"].backlog.lease(1)
    owed = several.deliveries["two", "all"].claim(lease)
    assert several.deliveries["two", "all"].delivered(owed, "ok")
    (lease, _) = several.deliveries["two", "of-two"].backlog.lease(2)
    owed = several.deliveries["two", "of-two"].claim(lease)
    assert several.deliveries["two", "of-two"].bury(owed, "no")

    one, two = totals_of_accounts(several, several.calls)
    assert (one.sid, one.state, one.received, one.waiting, one.settled) == ("one", "active", 4, 3, 1)
    assert (two.sid, two.state, two.reason, two.received, two.waiting) == ("two", "suspended", "HTTP 401", 2, 0)
    figures = {
        each.name: (each.waiting, each.delivered, each.dead)
        for each in totals_of_sinks(several, several.sinks, several.sink_states())
    }
    # What is leased waits too: nobody knows yet what becomes of it.
    assert figures == {"all": (1, 1, 0), "of-two": (1, 0, 1)}


def test_a_call_that_is_only_being_confirmed_is_neither_waiting_nor_fetched(ledger):
    book = ledger.calls[ACCOUNT]
    book.admit(make_callback("confirmed1"), wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    assert totals_of_account(ledger, ACCOUNT).fetching == 1
    event = {"id": "evt_1", "type": "legwork.call.completed"}
    verdict = Verdict("settled", 1, event_key="1/completed", event=event, sinks=[], confirm_seconds=0)
    assert book.decide("confirmed1", lease, verdict)
    for _ in range(2):  # due for its confirmation, and then out for it
        standing = totals_of_account(ledger, ACCOUNT)
        assert (standing.waiting, standing.fetching, standing.settled) == (0, 0, 1)
        book.fetches.lease(1)


def test_a_delivery_has_waited_since_its_first_attempt(ledger, clock):
    settle(ledger, ACCOUNT, "failed01", [SINK])
    book = ledger.deliveries[ACCOUNT, SINK]
    (lease,) = book.backlog.lease(1)
    assert book.postpone(book.claim(lease), "HTTP 500", wait_seconds=3600, attempt=True)
    clock.advance(20)
    standing = totals_of_sink(ledger, SINK, {})
    assert standing.waiting == 1
    assert standing.oldest_waiting_seconds == 20.0
    assert standing.overdue_seconds == 0.0
