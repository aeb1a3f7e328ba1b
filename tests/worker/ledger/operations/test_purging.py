"""What waits for a sink that is no more is dropped, wherever it stands, and its calls can be forgotten."""

from __future__ import annotations

from factories import ACCOUNT
from sink_contract import sink_spec
from stubs import answer
from worker_kit import legs_answer

from worker.ledger.operations.purging import (
    CLEARED_SECONDS,
    LEFT_TO_THE_COMMAND_SECONDS,
    clear_up,
    left_behind,
    purge,
    waiting_for,
)

SIDS = [f"call{number:04}" for number in range(4)]


def settle(bench, exotel, sids):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    for sid in sids:
        bench.admit(sid)
        bench.fetch()


def one_of_each(bench, sink="crm"):
    """A delivery due, one to be tried again, one leased, one dead."""
    book = bench.ledger.deliveries[ACCOUNT, sink]
    again, held, dead = book.backlog.lease(3)
    book.postpone(book.claim(again), "503", wait_seconds=60, attempt=True)
    book.claim(held)
    book.bury(book.claim(dead), "no")
    return held


def test_all_of_it_goes_and_the_calls_wait_for_nobody(make_bench, exotel):
    bench = make_bench(sink_specs=[sink_spec("stdout:")], confirm_seconds=0, retention_days=1)
    settle(bench, exotel, SIDS)
    held = one_of_each(bench)
    assert waiting_for(bench.ledger, "crm") == len(SIDS)
    assert purge(bench.ledger, "crm", clock=bench.clock) == len(SIDS)
    assert (waiting_for(bench.ledger, "crm"), purge(bench.ledger, "crm", clock=bench.clock)) == (0, 0)
    assert bench.ledger.deliveries[ACCOUNT, "crm"].claim(held) is None, "whoever still held it holds nothing"
    assert {delivery["state"] for sid in SIDS for delivery in bench.story(sid).deliveries.values()} == {"dropped"}
    bench.clock.advance(86_401)
    assert bench.book.forget_old(bench.clock.now_ms) == len(SIDS)


def test_a_call_that_another_sink_waits_for_is_kept(make_bench, exotel):
    bench = make_bench(
        sink_specs=[sink_spec("stdout:"), sink_spec("stdout:", name="lake")], confirm_seconds=0, retention_days=1
    )
    settle(bench, exotel, SIDS[:1])
    purge(bench.ledger, "crm", clock=bench.clock)
    bench.clock.advance(86_401)
    assert bench.book.forget_old(bench.clock.now_ms) == 0
    assert waiting_for(bench.ledger, "lake") == 1


def test_an_attempt_under_way_while_its_sink_is_removed_changes_nothing_any_more(make_bench, exotel):
    bench = make_bench(sink_specs=[sink_spec("stdout:")], confirm_seconds=0)
    settle(bench, exotel, SIDS[:1])
    book = bench.ledger.deliveries[ACCOUNT, "crm"]
    delivery = book.claim(*book.backlog.lease(1))
    purge(bench.ledger, "crm", clock=bench.clock)
    assert not book.delivered(delivery, "200")
    assert not book.postpone(delivery, "503", wait_seconds=1, attempt=True)


def test_what_a_worker_that_had_not_heard_of_the_removal_put_there_is_cleared_for_a_while(make_bench, exotel):
    bench = make_bench(sink_specs=[sink_spec("stdout:")], confirm_seconds=0)
    subscribers = bench.ledger.subscribers
    subscribers.remove("crm", now_ms=bench.ledger.now_ms())
    settle(bench, exotel, SIDS[:2])
    clear_up(bench.ledger)
    assert waiting_for(bench.ledger, "crm") == 2, "what the command counts is left to it at first"
    subscribers.remove("crm", now_ms=bench.ledger.now_ms() - LEFT_TO_THE_COMMAND_SECONDS * 1000 - 1)
    clear_up(bench.ledger)
    assert waiting_for(bench.ledger, "crm") == 0
    assert subscribers.removed().keys() == {"crm"}
    subscribers.remove("crm", now_ms=bench.ledger.now_ms() - CLEARED_SECONDS * 1000 - 1)
    clear_up(bench.ledger)
    assert subscribers.removed() == {}


def test_a_sink_that_left_the_settings_is_found_by_what_waits_for_it(make_bench, exotel):
    bench = make_bench(sink_specs=[sink_spec("stdout:")], confirm_seconds=0)
    settle(bench, exotel, SIDS[:1])
    assert left_behind(bench.ledger) == set()
    after = make_bench(sink_specs=[sink_spec("stdout:", name="other")])
    assert left_behind(after.ledger) == {"crm"}
    purge(after.ledger, "crm", clock=after.clock)
    assert left_behind(after.ledger) == set()


def test_a_call_given_up_on_is_none_of_it(make_bench, exotel):
    bench = make_bench(sink_specs=[sink_spec("stdout:")], retry_schedule="1")
    exotel.always(answer(status=404))
    bench.admit(SIDS[0])
    bench.fetch_until_done()
    purge(bench.ledger, "crm", clock=bench.clock)
    assert bench.story(SIDS[0]).summary.state == "dead"
