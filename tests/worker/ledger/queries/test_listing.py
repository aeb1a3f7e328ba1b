"""Leafing through calls: a page after a place, whatever stands there."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, make_callback, make_settings

from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.index import began_key
from worker.ledger.queries.listing import page_of_calls
from worker.ledger.queries.recent import recent_dead_letters


@pytest.fixture
def ledger(redis_url):
    settings = make_settings(redis_url)
    with connect(settings) as client:
        yield Ledger(client, settings)


def admit(ledger, *sids):
    for sid in sids:
        ledger.calls[ACCOUNT].admit(make_callback(sid), wait_seconds=60)


def leaf(ledger, limit, **options):
    pages, after = [], None
    while True:
        page = page_of_calls(ledger, limit=limit, after=after, **options)
        pages.append([call.call_sid for call in page.calls])
        after = page.next
        if after is None:
            return pages


def test_calls_of_one_moment_are_each_shown_once_however_many(ledger):
    sids = [f"call{number:05}" for number in range(25)]
    admit(ledger, *sids)
    ledger.client.zadd(began_key(ACCOUNT), dict.fromkeys(sids, 1_790_000_000_000))
    pages = leaf(ledger, 2)
    assert [sid for page in pages for sid in page] == sids[::-1]
    assert len(pages) == 13


def test_the_last_page_knows_that_it_is_the_last(ledger):
    admit(ledger, "call00001", "call00002")
    assert [len(page) for page in leaf(ledger, 2)] == [2]
    assert leaf(ledger, 1) == [["call00002"], ["call00001"]]


def test_what_is_added_while_somebody_leafs_does_not_shift_the_pages(ledger):
    admit(ledger, *(f"call{number:05}" for number in range(4)))
    first = page_of_calls(ledger, limit=2)
    admit(ledger, "later0001")
    second = page_of_calls(ledger, limit=2, after=first.next)
    assert [call.call_sid for call in second.calls] == ["call00001", "call00000"]


def test_without_calls_there_is_one_empty_page(ledger):
    assert leaf(ledger, 5) == [[]]


def test_nothing_given_up_is_an_empty_list(ledger):
    assert recent_dead_letters(ledger, limit=5) == []
