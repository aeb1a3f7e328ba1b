"""Leases whose holder will never be heard of again: nobody waits for them longer than need be."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, FrozenClock, make_callback, make_settings

from worker.ledger import Ledger
from worker.ledger.backlog import BEGIN_SECONDS, DEATHS_ALLOWED, SUSPECTS_APART_SECONDS, Lane

SIDS = [f"call{number:04}" for number in range(4)]


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def book_of(client, redis_url, clock):
    """The calls of the account, as a worker of some name sees them."""

    def make(worker):
        return Ledger(client, make_settings(redis_url), worker=worker, clock=clock).calls[ACCOUNT]

    return make


@pytest.fixture
def book(book_of):
    found = book_of("here:1")
    for sid in SIDS:
        found.admit(make_callback(sid), wait_seconds=0)
    return found


def begin(book):
    """Lease whatever is due, and begin the work on it."""
    leases = book.fetches.lease(len(SIDS))
    return [call for call in map(book.claim, leases) if call is not None]


def test_a_message_that_nobody_begins_to_work_on_is_given_out_again_soon(book, clock):
    """The broker was emptied: all that was out was gone, the window was full of it, and nothing flowed for a whole lease."""
    (lost, *_) = book.fetches.lease(len(SIDS))
    clock.advance(BEGIN_SECONDS - 1)
    assert book.fetches.reap().again == 0
    clock.advance(2)
    assert book.fetches.reap().again == len(SIDS)
    assert book.fetches.survey().live == len(SIDS)
    assert book.claim(lost) is None, "should it turn up all the same"


def test_what_a_dead_worker_had_begun_does_not_wait_for_its_lease(book, book_of):
    """All workers were killed and started again. Calls flowed until the dead ones were off the list; then what they had
    begun filled the window of those that were left, and nothing was fetched until its leases ran out."""
    begin(book)
    other = book_of("here:2").fetches
    assert other.reap(["here:2", "here:1"]).again == 0
    assert other.reap().again == 0, "nobody knows who is alive"
    assert other.reap(["here:2"]).again == len(SIDS)
    assert other.survey().live == len(SIDS)


def test_what_nobody_has_begun_belongs_to_no_worker_that_could_be_dead(book, book_of):
    book.fetches.lease(len(SIDS))
    assert book_of("here:2").fetches.reap(["here:2"]).again == 0


def test_what_a_process_has_begun_that_is_no_worker_waits_for_its_lease(book, book_of):
    begin(book_of("-"))
    assert book_of("here:2").fetches.reap(["here:2"]).again == 0


def test_a_worker_that_is_taken_for_dead_and_is_not_changes_nothing(book, book_of):
    (call, *_) = begin(book)
    book_of("here:2").fetches.reap(["here:2"])
    assert not book.postpone(call, wait_seconds=5, attempt=True, settle_seconds=120)


def test_what_is_given_back_is_due_as_it_was_and_has_lost_nothing(book):
    calls = begin(book)
    leases = [call.lease for call in calls]
    assert book.fetches.release(leases) == len(SIDS)
    assert book.fetches.release(leases) == 0, "once"
    again = begin(book)
    assert {call.call_sid for call in again} == set(SIDS)
    assert {(call.claim.attempts, call.claim.deaths, call.claim.lane) for call in again} == {(0, 0, Lane.LIVE)}
    assert book.fetches.release(leases) == 0, "under a lease that is no longer theirs"


def test_who_died_together_twice_comes_back_apart(book, book_of, clock):
    """A call that killed its worker was given out again along with those that had died with it, and they died again; after
    five times, innocent as they were, they would have been buried with it."""
    other = book_of("here:2").fetches
    for _ in range(2):
        begin(book)
        other.reap(["here:2"])
    dues = sorted(due for _, due in book._client.zrange(book.fetches.due_key(Lane.LIVE), 0, -1, withscores=True))
    assert [due - dues[0] for due in dues] == [number * SUSPECTS_APART_SECONDS * 1000 for number in range(len(SIDS))]
    for _ in range(DEATHS_ALLOWED - 2):
        (culprit,) = begin(book)
        reaped = other.reap(["here:2"])
    assert [lease.item for lease in reaped.poisoned] == [culprit.call_sid]
    assert {lease.item for lease in reaped.poisoned} != set(SIDS)
    clock.advance(len(SIDS) * SUSPECTS_APART_SECONDS)
    assert {call.claim.deaths for call in begin(book)} == {2}
