"""The dispatcher is fair: nobody keeps another waiting, and what is shut or disabled gets nothing."""

from __future__ import annotations

from dispatching import LARGEST, THREADS, WINDOW, admit_many
from sink_contract import sink_spec
from stubs import answer
from worker_kit import SID, BatchSink, MemorySink, legs_answer

from worker.fairness import LARGEST_PART_OF_A_SINK
from worker.ledger.backlog import Lane
from worker.ledger.health import FAILURES_IN_A_ROW, PROBE_SECONDS
from worker.steps.deliver import deliver

# Fairness


def test_a_quiet_account_is_not_kept_waiting_by_a_noisy_one(make_bench, accounts, tray, make_dispatcher):
    bench = make_bench(**accounts)
    dispatcher = make_dispatcher(bench)
    for account in ("acme1m", "acme2m", "acme3m"):
        admit_many(bench, 200, account)
    dispatcher.run_once()
    assert tray.tasks == WINDOW
    admit_many(bench, 2, "acme4m")
    # Two of the noisy ones' tasks are done: the places are the quiet one's, whoever else wants them.
    for account, lease in tray.fetches[:2]:
        book = bench.ledger.calls[account]
        book.postpone(book.claim(lease), wait_seconds=60, attempt=True, settle_seconds=0)
    dispatcher.run_once()
    assert [account for account, _ in tray.fetches[WINDOW:]] == ["acme4m", "acme4m"]


def test_no_account_is_always_served_last(make_bench, accounts, tray, make_dispatcher):
    bench = make_bench(**accounts)
    dispatcher = make_dispatcher(bench, threads=1)
    for account in bench.ledger.calls:
        admit_many(bench, 50, account)
    for _ in range(8):
        dispatcher.run_once()
        for account, lease in tray.fetches[-2:]:
            book = bench.ledger.calls[account]
            book.postpone(book.claim(lease), wait_seconds=600, attempt=True, settle_seconds=0)
    served = [account for account, _ in tray.fetches]
    assert {served.count(account) for account in bench.ledger.calls} == {4}


def test_a_sink_in_trouble_leaves_threads_to_the_fetches(make_bench, exotel, tray, make_dispatcher):
    sink = MemorySink(sink_spec("stdout:"))
    bench = make_bench(sink_specs=[sink_spec("stdout:")], opened={"crm": sink}, confirm_seconds=0)
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    admit_many(bench, 30)
    while bench.fetch():
        pass
    dispatcher = make_dispatcher(bench)
    dispatcher.run_once()
    assert len(tray.deliveries) == THREADS * LARGEST_PART_OF_A_SINK, "and none of them ever comes back"
    bench.admit()
    dispatcher.run_once()
    assert [lease.item for _, lease in tray.fetches] == [SID]


def test_a_lane_below_is_served_by_and_by_while_fresh_calls_keep_coming(make_bench, exotel, tray, make_dispatcher):
    bench = make_bench(retry_schedule="1", exotel_quota=1000)
    exotel.always(answer(status=404))
    bench.admit()
    bench.fetch()
    assert bench.due_in() == (Lane.RETRY, 1)
    bench.clock.advance(1)
    admit_many(bench, 200)
    dispatcher = make_dispatcher(bench)
    for _ in range(10):
        dispatcher.run_once()
        for account, lease in tray.fetches[-LARGEST:]:
            book = bench.ledger.calls[account]
            if (call := book.claim(lease)) is not None:
                book.postpone(call, wait_seconds=600, attempt=True, settle_seconds=0)
    assert SID in [lease.item for _, lease in tray.fetches]


def test_a_failing_sink_is_tried_with_one_delivery_until_it_is_back(make_bench, exotel, tray, make_dispatcher):
    sink = BatchSink(sink_spec("stdout:", name="crm"))
    bench = make_bench(sink_specs=[sink_spec("stdout:", name="crm")], opened={"crm": sink}, confirm_seconds=0)
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    admit_many(bench, 12)
    while bench.fetch():
        pass
    health = bench.ledger.health
    for _ in range(FAILURES_IN_A_ROW):
        health.failed("crm", "500")
    dispatcher = make_dispatcher(bench)
    assert dispatcher.run_once() == 0, "its turn has not come"
    bench.clock.advance(PROBE_SECONDS)
    dispatcher.run_once()
    dispatcher.run_once()
    assert [len(batch) for _, _, batch in tray.deliveries] == [1]
    assert health.succeeded("crm")
    assert health.recovered("crm")
    dispatcher.run_once()
    assert [len(batch) for _, _, batch in tray.deliveries] == [1, 3, 3, 3], "and then as before, within its part"


# Gates


def test_a_paused_account_gets_nothing_and_others_go_on(make_bench, accounts, tray, make_dispatcher):
    bench = make_bench(**accounts)
    for account in bench.ledger.calls:
        admit_many(bench, 3, account)
    bench.book.bucket.pause(30)
    make_dispatcher(bench).run_once()
    assert {account for account, _ in tray.fetches} == {"acme2m", "acme3m", "acme4m"}


def test_a_suspended_account_gets_one_probe_at_a_time(make_bench, tray, make_dispatcher):
    bench = make_bench(suspension_probe_seconds=300)
    admit_many(bench, 10)
    bench.book.bucket.suspend("401")
    dispatcher = make_dispatcher(bench)
    assert dispatcher.run_once() == 0
    bench.clock.advance(300.1)
    assert dispatcher.run_once() == 1
    assert dispatcher.run_once() == 0


def test_a_disabled_sink_gets_nothing_until_it_is_enabled(make_bench, exotel, tray, make_dispatcher):
    sink = MemorySink(sink_spec("stdout:"))
    bench = make_bench(sink_specs=[sink_spec("stdout:")], opened={"crm": sink}, confirm_seconds=0)
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    admit_many(bench, 3)
    while bench.fetch():
        pass
    dispatcher = make_dispatcher(bench)
    bench.ledger.disable_sink("crm", "410")
    assert dispatcher.run_once() == 0
    bench.ledger.enable_sink("crm")
    assert dispatcher.run_once() == 3


def test_records_go_out_in_batches_of_the_size_that_the_sink_takes(make_bench, exotel, tray, make_dispatcher):
    sink = BatchSink(sink_spec("stdout:"))
    bench = make_bench(sink_specs=[sink_spec("stdout:")], opened={"crm": sink}, confirm_seconds=0)
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    admit_many(bench, 7)
    while bench.fetch():
        pass
    make_dispatcher(bench).run_once()
    assert [len(batch) for _, _, batch in tray.deliveries] == [3, 3, 1]
    for account, name, batch in tray.deliveries:
        deliver(bench.context, account, name, batch)
    assert len({record["id"] for batch in sink.sent for record in batch}) == 7
