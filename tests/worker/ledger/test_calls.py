"""The calls in the ledger: noted, leased, claimed, put back, settled, given up, forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
from factories import ACCOUNT, FrozenClock, make_callback, make_settings

from worker.errors import LedgerUnusable
from worker.ledger import Ledger
from worker.ledger.admission import CALLBACKS_KEPT
from worker.ledger.backlog import DEATHS_ALLOWED, Lane, Lease
from worker.ledger.call import Verdict
from worker.ledger.codec import pack_callback, unpack_callback
from worker.ledger.keys import LEDGER
from worker.ledger.queries.lookup import call_history
from worker.ledger.queries.totals import totals_of_account
from worker.ledger.server import check_version

if TYPE_CHECKING:
    from worker.ledger.calls import CallBook

SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
EVENT = {"id": "evt_1", "type": "legwork.call.completed", "data": {"call_sid": SID}}


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def ledger(client, redis_url, clock) -> Ledger:
    ledger = Ledger(client, make_settings(redis_url, retention_days=1), clock=clock)
    ledger.open()
    return ledger


@pytest.fixture
def book(ledger) -> CallBook:
    return ledger.calls[ACCOUNT]


def lease_one(book: CallBook) -> Lease:
    (lease,) = book.fetches.lease(1)
    return lease


def completed(sinks=("stdout",), **changes) -> Verdict:
    return Verdict("settled", 1, event_key="1/completed", event=EVENT, sinks=sinks, **changes)


def test_the_first_callback_of_a_call_is_accepted_and_later_ones_are_kept(book):
    assert book.admit(make_callback(SID), wait_seconds=0)
    assert not book.admit(make_callback(SID, RecordingUrl="https://recordings.example/a.mp3"), wait_seconds=0)
    call = book.claim(lease_one(book))
    assert [callback.params.get("RecordingUrl") for callback in call.callbacks] == [
        None,
        "https://recordings.example/a.mp3",
    ]


def test_a_write_repeated_because_its_answer_was_lost_is_noted_once(book):
    callback = make_callback(SID)
    assert book.admit(callback, wait_seconds=0)
    assert book.admit(callback, wait_seconds=0)
    assert len(book.claim(lease_one(book)).callbacks) == 1


def test_a_call_is_due_after_its_wait_and_not_before(book, clock):
    book.admit(make_callback(SID), wait_seconds=120)
    clock.advance(119.9)
    assert book.fetches.lease(1) == []
    clock.advance(0.1)
    assert lease_one(book).item == SID


def test_the_end_of_a_call_counts_and_not_what_was_said_before_or_after(book, clock):
    book.admit(make_callback(SID, "passthru", ended=False), wait_seconds=300)
    clock.advance(10)
    book.admit(make_callback(SID), wait_seconds=120)  # it ended: due at 130
    clock.advance(10)
    book.admit(make_callback(SID, ended=False), wait_seconds=300)  # stale
    book.admit(make_callback(SID, again="1"), wait_seconds=120)  # said twice
    clock.advance(109.9)
    assert book.fetches.lease(1) == []
    clock.advance(0.2)
    assert lease_one(book)


def test_a_call_that_goes_on_is_put_off(book, clock):
    book.admit(make_callback(SID, "passthru", ended=False), wait_seconds=300)
    clock.advance(200)
    book.admit(make_callback(SID, ended=False), wait_seconds=300)
    clock.advance(200)
    assert book.fetches.lease(1) == []
    clock.advance(100)
    assert lease_one(book)


def test_the_end_begins_the_schedule_anew_for_a_call_that_was_asked_for_too_early(book, clock):
    book.admit(make_callback(SID, "passthru", ended=False), wait_seconds=0)
    call = book.claim(lease_one(book))
    book.postpone(call, wait_seconds=3600, attempt=True, settle_seconds=120, lane=Lane.RETRY)
    book.admit(make_callback(SID), wait_seconds=120)
    clock.advance(120)
    call = book.claim(lease_one(book))
    assert (call.claim.lane, call.claim.attempts) == (Lane.LIVE, 0)


def test_the_end_that_comes_while_the_call_is_asked_for_counts_too(book, clock):
    book.admit(make_callback(SID, "passthru", ended=False), wait_seconds=0)
    call = book.claim(lease_one(book))
    book.admit(make_callback(SID), wait_seconds=120)
    clock.advance(5)
    book.postpone(call, wait_seconds=3600, attempt=True, settle_seconds=120, lane=Lane.RETRY)
    clock.advance(114.9)
    assert book.fetches.lease(1) == []
    clock.advance(0.2)
    assert book.claim(lease_one(book)).claim.attempts == 0


def test_a_claim_is_good_once(book):
    book.admit(make_callback(SID), wait_seconds=0)
    lease = lease_one(book)
    assert book.claim(lease) is not None
    assert book.claim(lease) is None, "the same message delivered twice"
    assert book.claim(Lease(SID, "999")) is None


def test_a_stale_lease_changes_nothing(book, clock):
    book.admit(make_callback(SID), wait_seconds=0)
    old = book.claim(lease_one(book))
    clock.advance(book.fetches.lease_ms / 1000 + 1)
    assert book.fetches.reap().again == 1
    new = book.claim(lease_one(book))
    assert not book.postpone(old, wait_seconds=5, attempt=True, settle_seconds=120)
    assert not book.decide(SID, old.lease, completed())
    assert book.decide(SID, new.lease, completed())
    assert not book.decide(SID, new.lease, completed()), "and a lease is spent by its result"


def test_a_message_that_was_lost_is_no_death(book, clock):
    book.admit(make_callback(SID), wait_seconds=0)
    for _ in range(DEATHS_ALLOWED + 1):
        lease_one(book)
        clock.advance(book.fetches.lease_ms / 1000 + 1)
        assert book.fetches.reap().poisoned == []


def test_what_no_worker_survives_is_handed_over_to_be_buried(book, clock):
    book.admit(make_callback(SID), wait_seconds=0)
    for death in range(1, DEATHS_ALLOWED + 1):
        book.claim(lease_one(book))
        clock.advance(book.fetches.lease_ms / 1000 + 1)
        reaped = book.fetches.reap()
        assert bool(reaped.poisoned) == (death == DEATHS_ALLOWED)
    (lease,) = reaped.poisoned
    assert book.claim(lease) is not None


def test_a_result_in_between_wipes_the_deaths(book, clock):
    book.admit(make_callback(SID), wait_seconds=0)
    for _ in range(DEATHS_ALLOWED - 1):
        book.claim(lease_one(book))
        clock.advance(book.fetches.lease_ms / 1000 + 1)
        book.fetches.reap()
    call = book.claim(lease_one(book))
    assert call.claim.deaths == DEATHS_ALLOWED - 1
    book.postpone(call, wait_seconds=0, attempt=True, settle_seconds=120)
    assert book.claim(lease_one(book)).claim.deaths == 0


def test_fresh_calls_come_first_and_retries_are_not_starved(book):
    for number in range(60):
        book.admit(make_callback(f"fresh{number:04}"), wait_seconds=0)
    book.admit(make_callback("retry0001"), wait_seconds=0)
    for lease in [one for one in book.fetches.lease(61) if one.item == "retry0001"]:
        book.postpone(book.claim(lease), wait_seconds=0, attempt=True, settle_seconds=120, lane=Lane.RETRY)
    for number in range(60):
        book.admit(make_callback(f"later{number:04}"), wait_seconds=0)
    order = [lease.item for lease in book.fetches.lease(60)]
    assert "retry0001" in order[:20]
    assert order.index("retry0001") > 0 or order[0] == "retry0001"


def test_settling_puts_the_record_on_every_sinks_backlog_in_one_step(client, redis_url, clock):
    ledger = Ledger(client, make_settings(redis_url, sinks="stdout: file:/tmp/x.jsonl"), clock=clock)
    book = ledger.calls[ACCOUNT]
    book.admit(make_callback(SID), wait_seconds=0)
    call = book.claim(lease_one(book))
    names = [spec.name for spec in ledger.settings.sinks]
    assert book.decide(SID, call.lease, completed(sinks=names))
    for name in names:
        deliveries = ledger.deliveries[ACCOUNT, name]
        (lease,) = deliveries.backlog.lease(10)
        assert deliveries.claim(lease).event == EVENT


def test_a_settled_call_is_confirmed_in_the_last_lane(book, clock):
    book.admit(make_callback(SID), wait_seconds=0)
    book.decide(SID, book.claim(lease_one(book)).lease, completed(confirm_seconds=900))
    clock.advance(900)
    assert book.fetches.lease(1, most=[1, 1, 1, 0]) == []
    call = book.claim(lease_one(book))
    assert (call.claim.lane, call.state.revision) == (Lane.CONFIRM, 1)


def test_a_call_is_forgotten_after_its_retention_once_every_sink_has_it(book, ledger, clock, client):
    book.admit(make_callback(SID), wait_seconds=0)
    book.decide(SID, book.claim(lease_one(book)).lease, completed())
    clock.advance(3 * 86_400)
    assert book.forget_old(clock.now_ms) == 0, "not delivered yet"
    deliveries = ledger.deliveries[ACCOUNT, "stdout"]
    (lease,) = deliveries.backlog.lease(1)
    deliveries.delivered(deliveries.claim(lease), "written")
    assert book.forget_old(clock.now_ms) == 0
    clock.advance(86_400)
    assert book.forget_old(clock.now_ms) == 1
    left = {key.decode() for key in client.scan_iter()} - {LEDGER}
    assert {key.rpartition(":")[2] for key in left} <= {"totals", "fence"}


def test_a_call_whose_confirmation_is_due_is_not_forgotten(book, ledger, clock):
    book.admit(make_callback(SID), wait_seconds=0)
    book.decide(SID, book.claim(lease_one(book)).lease, completed(sinks=(), confirm_seconds=10 * 86_400))
    clock.advance(2 * 86_400)
    assert book.forget_old(clock.now_ms) == 0
    assert call_history(ledger, SID)


def test_who_was_to_be_confirmed_by_an_account_that_is_asked_no_more_is_forgotten_in_the_end(
    book, ledger, clock, client
):
    """It was kept for ever, and its numbers with it."""
    book.admit(make_callback(SID), wait_seconds=0)
    book.decide(SID, book.claim(lease_one(book)).lease, completed(sinks=(), confirm_seconds=86_400 - 60))
    clock.advance(86_400)
    assert book.forget_old(clock.now_ms) == 0, "it is due, and may be confirmed any moment"
    clock.advance(3600)
    assert book.forget_old(clock.now_ms) == 1, "an hour later it is not waited for any more"
    left = {key.decode() for key in client.scan_iter()} - {LEDGER}
    assert {key.rpartition(":")[2] for key in left} <= {"totals", "fence"}


def test_a_dead_call_stays_with_its_reason(book, ledger):
    book.admit(make_callback(SID), wait_seconds=0)
    verdict = Verdict("dead", 0, event_key="1/unavailable", event=EVENT, sinks=("stdout",), reason="404")
    book.decide(SID, book.claim(lease_one(book)).lease, verdict)
    story = call_history(ledger, SID)
    assert (story.summary.state, story.summary.reason) == ("dead", "404")
    assert totals_of_account(ledger, ACCOUNT).dead == 1


def test_every_accepted_call_is_counted_once(book, ledger):
    for number in range(5):
        book.admit(make_callback(f"call{number:04}"), wait_seconds=0)
        book.admit(make_callback(f"call{number:04}", again="1"), wait_seconds=0)
    book.decide("call0000", book.claim(lease_one(book)).lease, completed())
    book.fetches.lease(1)
    standing = totals_of_account(ledger, ACCOUNT)
    assert (standing.received, standing.waiting, standing.fetching, standing.settled) == (5, 3, 1, 1)


def test_callbacks_of_one_call_cannot_fill_redis(book, client):
    for number in range(CALLBACKS_KEPT + 5):
        book.admit(make_callback(SID, number=str(number)), wait_seconds=60)
    assert client.llen(book.key("call", SID)) == CALLBACKS_KEPT + 1


def test_a_ledger_of_another_schema_is_refused(client, redis_url):
    client.hset(LEDGER, "schema", 99)
    with pytest.raises(LedgerUnusable, match="schema 99"):
        Ledger(client, make_settings(redis_url)).open()


def test_an_old_server_is_refused():
    with pytest.raises(LedgerUnusable, match=r"6\.2\.14"):
        check_version({"redis_version": "6.2.14"})
    check_version({"redis_version": "7.2.4", "valkey_version": "9.1.2"})


def test_a_ledger_is_new_once(client, redis_url):
    assert Ledger(client, make_settings(redis_url)).open()
    assert not Ledger(client, make_settings(redis_url)).open()


def test_a_callback_survives_its_packing():
    callback = make_callback(SID, digits='"215250"', RecordingUrl="", big="9" * 400, name="नमस्ते")
    assert unpack_callback(pack_callback(callback), SID) == callback


def test_an_unknown_packing_is_refused_not_misread():
    with pytest.raises(ValueError, match="newer Legwork"):
        unpack_callback(b"\x7fabc", SID)


def test_a_script_that_the_server_has_forgotten_is_loaded_again(book, client):
    book.admit(make_callback(SID), wait_seconds=0)
    client.script_flush()
    assert lease_one(book)


def test_a_server_that_cannot_write_refuses_the_callback(book, client):
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(redis.RedisError):
            book.admit(make_callback(SID), wait_seconds=0)
    finally:
        client.config_set("maxmemory", "0")
