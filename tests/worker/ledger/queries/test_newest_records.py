"""What reports read of the ledger: of each call in a span of time the newest record, once."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, make_callback, make_settings
from reporting import AGENT, BEGAN, CUSTOMER, inbound, keep

from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.codec import pack_event
from worker.ledger.index import began_key
from worker.ledger.queries import newest_records
from worker.ledger.queries.filters import CallFilter
from worker.ledger.queries.listing import calls_between, first_began_ms
from worker.ledger.queries.newest_records import NewestRecords

MOMENT = BEGAN.timestamp() * 1000


@pytest.fixture
def ledger(redis_url):
    settings = make_settings(redis_url)
    with connect(settings) as client:
        yield Ledger(client, settings)


def copies(ledger, number):
    """So many more calls of one record, a second apart, the first one the latest."""
    packed = pack_event(inbound("call00000"))
    pipeline = ledger.client.pipeline()
    for place in range(number):
        sid = f"copy{place:06}"
        pipeline.hset(ledger.calls[ACCOUNT].key("events", sid), "1/completed", packed)
        pipeline.zadd(began_key(ACCOUNT), {sid: MOMENT - place * 1000})
    pipeline.execute()


def test_the_newest_revision_of_a_call_counts_once(ledger):
    keep(ledger, inbound("call00001", CUSTOMER, (AGENT, 0)))
    corrected = inbound("call00001", CUSTOMER, (AGENT, 9), revision=2)
    events = ledger.calls[ACCOUNT].key("events", "call00001")
    ledger.client.hset(events, mapping={"2/corrected": pack_event(corrected), "partial": pack_event(corrected)})
    (call,) = NewestRecords(ledger, CallFilter())
    assert (call.outcome, call.agents[0].talk_seconds) == ("answered", 9)


def test_of_a_call_that_failed_and_succeeded_later_the_record_with_its_legs_counts(ledger):
    keep(ledger, inbound("call00001", CUSTOMER, (AGENT, 9)))
    packed = pack_event(inbound("call00001", CUSTOMER))
    ledger.client.hset(ledger.calls[ACCOUNT].key("events", "call00001"), "1/unavailable", packed)
    (call,) = NewestRecords(ledger, CallFilter())
    assert call.outcome == "answered"


def test_calls_without_a_record_are_counted_apart(ledger):
    keep(ledger, inbound("call00001", CUSTOMER, (AGENT, 9)))
    ledger.calls[ACCOUNT].admit(make_callback("waiting00001"), wait_seconds=60)
    found = NewestRecords(ledger, CallFilter())
    assert len(list(found)) == 1
    assert found.without == 1


def test_the_span_of_time_is_that_of_the_beginnings_its_end_excluded(ledger):
    copies(ledger, 10)
    wanted = CallFilter(accounts=[ACCOUNT], since_ms=MOMENT - 6000, until_ms=MOMENT - 2000)
    assert len(list(NewestRecords(ledger, wanted))) == calls_between(ledger, wanted) == 4
    assert first_began_ms(ledger, wanted) == MOMENT - 9000
    assert first_began_ms(ledger, CallFilter(accounts=[])) is None


def test_more_calls_than_are_read_at_once_each_come_once(ledger):
    number = 2 * newest_records._AT_ONCE + 17
    copies(ledger, number)
    pages = []
    assert len(list(NewestRecords(ledger, CallFilter(), advance=pages.append))) == number
    assert sum(pages) == number
    assert len(pages) == 3


@pytest.mark.parametrize("most", [1, newest_records._AT_ONCE, newest_records._AT_ONCE + 1])
def test_no_more_are_read_than_may_be_and_it_is_known_how_far_that_reaches(ledger, most):
    copies(ledger, newest_records._AT_ONCE + 5)
    found = NewestRecords(ledger, CallFilter(), most=most)
    assert len(list(found)) == most
    # After the last page of a whole one, the next call is the first that was not read.
    assert found.stopped_ms in {MOMENT - (most - 1) * 1000, MOMENT - most * 1000}


def test_where_all_were_read_nothing_was_left(ledger):
    copies(ledger, 5)
    found = NewestRecords(ledger, CallFilter(), most=5)
    assert len(list(found)) == 5
    assert found.stopped_ms is None
