"""Calls that an earlier version stored without an index are listed and found after the upgrade."""

from __future__ import annotations

import json

from factories import ACCOUNT
from worker_kit import legs_answer

from worker.ledger.index import began_key, terms_in
from worker.ledger.keys import INDEXED, LEDGER
from worker.ledger.operations.indexing import index_older_calls
from worker.ledger.queries.filters import CallFilter, SearchText
from worker.ledger.queries.listing import page_of_calls

SETTLED, WAITING = "settled00001", "waiting00001"


def make_older(bench):
    """Take from a ledger what an earlier version did not write."""
    client = bench.ledger.client
    client.delete(began_key(ACCOUNT), *client.scan_iter(match="lw:{*}:term:*"))
    client.hdel(LEDGER, INDEXED)
    client.hset("lw:minutes", "1 fetched", "2 3")
    for key in client.scan_iter(match="lw:{*}:call:*"):
        state = json.loads(client.lindex(key, 0))
        state.pop("terms", None)
        client.lset(key, 0, json.dumps(state))


def index_all(bench):
    while bench.ledger.client.hget(LEDGER, INDEXED) != b"all":
        index_older_calls(bench.ledger)


def found(bench, text):
    return [
        call.call_sid
        for call in page_of_calls(bench.ledger, limit=9, wanted=CallFilter(search=SearchText.of(text))).calls
    ]


def test_calls_of_an_earlier_version_are_listed_and_found_after_the_upgrade(make_bench, exotel):
    bench = make_bench()
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5], numbers=["09000000614"]))
    bench.admit(SETTLED)
    bench.fetch()
    bench.admit(WAITING, From="09000000077", CustomField="order_79", wait=60)
    client = bench.ledger.client
    before = terms_in(client.lindex(bench.book.key("call", SETTLED), 0))
    began = client.zrange(began_key(ACCOUNT), 0, -1, withscores=True)
    make_older(bench)
    assert (page_of_calls(bench.ledger, limit=9).calls, found(bench, "0614")) == ([], [])
    index_all(bench)
    assert set(terms_in(client.lindex(bench.book.key("call", SETTLED), 0))) == set(before)
    assert client.zrange(began_key(ACCOUNT), 0, -1, withscores=True) == began
    assert (found(bench, "0614"), found(bench, "order_79")) == ([SETTLED], [WAITING])
    assert not client.exists("lw:minutes"), "what it counted by the minute"


def test_what_is_indexed_is_left_as_it_is(make_bench, client):
    bench = make_bench()
    bench.admit(WAITING, From="09000000077")
    postings = {key: client.lrange(key, 0, -1) for key in client.scan_iter(match="lw:{*}:term:*")}
    index_all(bench)
    assert index_older_calls(bench.ledger) == 0
    assert {key: client.lrange(key, 0, -1) for key in client.scan_iter(match="lw:{*}:term:*")} == postings
