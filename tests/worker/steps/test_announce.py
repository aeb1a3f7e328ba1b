"""Telling the operator: once per change of state, to the sinks that ask for it, like any other record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factories import ACCOUNT
from sink_contract import sink_spec
from stubs import answer
from worker_kit import MemorySink

from schemas.record_types import OPERATOR_TYPES
from worker.errors import LegworkError
from worker.ledger import NEW_SECONDS
from worker.ledger.keys import LEDGER
from worker.steps import decide
from worker.steps.announce import announce, announce_new_ledger
from worker.steps.decide import Sent
from worker.steps.deliver import deliver
from worker.steps.fetch import fetch_call


@pytest.fixture
def pager():
    return MemorySink(sink_spec("stdout:", name="pager"))


@pytest.fixture
def bench(make_bench, pager):
    calls = MemorySink(sink_spec("stdout:", name="calls"))
    specs = [replace(sink_spec("stdout:", name="pager"), types=OPERATOR_TYPES), sink_spec("stdout:", name="calls")]
    return make_bench(sink_specs=specs, opened={"pager": pager, "calls": calls}, suspension_probe_seconds=60)


def told(bench, pager):
    """What the operator was told, in order."""
    leases = bench.ledger.deliveries[ACCOUNT, "pager"].backlog.lease(100)
    deliver(bench.context, ACCOUNT, "pager", leases)
    return [record["type"].rpartition(".")[2] for records in pager.sent for record in records]


def test_a_suspension_and_its_end_are_told_once_each(bench, exotel, pager):
    exotel.always(answer(b"", 401))
    bench.admit("call0001")
    bench.admit("call0002")
    first, second = bench.book.fetches.lease(2)
    fetch_call(bench.context, ACCOUNT, first)
    fetch_call(bench.context, ACCOUNT, second)
    assert told(bench, pager) == ["account_suspended"]
    assert pager.sent[0][0]["data"] == {"account_sid": ACCOUNT, "reason": "401"}
    exotel.always(answer(b"", 404))
    bench.clock.advance(61)
    bench.fetch()
    assert told(bench, pager) == ["account_suspended", "account_resumed"]


def test_that_somebody_else_spends_the_quota_is_told_once_a_storm_and_its_end_is_no_news(bench, exotel, pager):
    exotel.then(*[answer(status=429, **{"Retry-After": "30"})] * 3)
    for number in range(3):
        bench.admit(f"call000{number}")
    for _ in range(4):
        bench.fetch()
        bench.clock.advance(30)
    assert bench.gate() == "open"
    assert told(bench, pager) == ["quota_shared"]


def test_sinks_that_do_not_ask_are_not_told(bench, exotel):
    announce(bench.context, ACCOUNT, "sink_failing", sink="crm", reason="500")
    assert bench.ledger.deliveries[ACCOUNT, "calls"].backlog.survey().due == 0
    assert bench.ledger.deliveries[ACCOUNT, "pager"].backlog.survey().due == 1


def test_a_call_that_is_given_up_is_told_with_its_reason(bench, exotel, pager):
    exotel.always(answer(b"", 404))
    bench.admit("call0001")
    bench.fetch_until_done()
    assert told(bench, pager) == ["call_dead"]
    assert pager.sent[0][0]["subject"] == "call0001"


def test_who_has_lost_his_lease_tells_nobody_that_the_call_is_dead(bench, pager):
    """Somebody else has it by then, and may settle it."""
    bench.admit("call0001")
    call = bench.book.claim(bench.lease())
    bench.clock.advance(bench.book.fetches.lease_ms / 1000 + 1)
    assert bench.book.fetches.reap().again == 1
    decide.give_up(bench.context, bench.book, call, LegworkError("404"), Sent(at_ms=call.claim.now))
    assert told(bench, pager) == []
    assert bench.story("call0001").summary.state == "waiting"


def test_what_was_told_is_forgotten_like_a_record(bench, pager, client):
    announce(bench.context, ACCOUNT, "sink_recovered", sink="crm")
    told(bench, pager)
    bench.clock.advance(8 * 86_400)
    assert bench.book.forget_old(bench.clock.now_ms) == 1
    assert not [key for key in client.scan_iter() if b"operator-" in key]


def test_a_ledger_that_is_new_is_told_once_however_many_workers_find_out(bench, pager):
    for _ in range(3):
        announce_new_ledger(bench.context)
    assert told(bench, pager) == ["ledger_new"]
    announce_new_ledger(bench.context)
    assert told(bench, pager) == ["ledger_new"], "delivered, and told once all the same"
    assert pager.sent[0][0]["data"]["since"].endswith("Z")


def test_an_old_ledger_is_no_news(bench, pager, client):
    client.hset(LEDGER, "created_at", round(bench.ledger.now_ms()) - (NEW_SECONDS + 1) * 1000)
    announce_new_ledger(bench.context)
    assert told(bench, pager) == []
