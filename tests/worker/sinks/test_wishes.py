"""What a sink asks for beside its records: a filter, a projection, a rate, so many deliveries at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dispatching import THREADS, admit_many
from factories import ACCOUNT
from sink_contract import sink_spec
from worker_kit import MemorySink, legs_answer

from schemas.settings.sink_fields import Rate
from worker import metrics
from worker.encryption import new_key
from worker.fairness import LARGEST_PART_OF_A_SINK
from worker.record.shape import sinks_for
from worker.sources import Deliveries
from worker.steps.deliver import deliver
from worker.steps.fetch import fetch_call

CRM = sink_spec("stdout:")


@pytest.fixture
def bench_of(make_bench, exotel):
    """A workbench with one sink that has wishes, and calls whose records wait for it."""

    def make(calls, *, accounts=None, **wishes):
        spec = replace(CRM, **wishes)
        sink = MemorySink(spec)
        more = {} if accounts is None else accounts
        bench = make_bench(sink_specs=[spec], opened={"crm": sink}, confirm_seconds=0, exotel_quota=1000, **more)
        exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
        admit_many(bench, calls)
        while bench.fetch():
            pass
        return bench, sink

    return make


def deliver_all(bench, most=100):
    book = bench.ledger.deliveries[ACCOUNT, "crm"]
    leases = book.backlog.lease(most)
    if leases:
        deliver(bench.context, ACCOUNT, "crm", leases)
    return book


def test_what_a_filter_leaves_out_never_gets_on_the_sinks_backlog(bench_of):
    bench, _ = bench_of(3, filter=f"data.call_sid == '{ACCOUNT}00001'")
    assert bench.ledger.deliveries[ACCOUNT, "crm"].backlog.survey().due == 1
    assert bench.story(f"{ACCOUNT}00000").deliveries == {}


def test_a_call_whose_record_no_sink_wants_is_forgotten_in_time(bench_of):
    bench, _ = bench_of(1, filter="`false`")
    bench.clock.advance(8 * 86_400)
    assert bench.book.forget_old(bench.clock.now_ms) == 1


def test_a_sink_gets_its_projection_and_the_ledger_keeps_the_record_whole(bench_of):
    bench, sink = bench_of(1, projection="{sid: call_sid}")
    deliver_all(bench)
    assert [record["data"] for (record,) in sink.sent] == [{"sid": f"{ACCOUNT}00000"}]
    (event,) = bench.events(f"{ACCOUNT}00000").values()
    assert event["data"]["legs"]


def test_a_record_that_a_projection_fails_on_is_dead_for_that_sink_and_its_neighbours_go_on(bench_of):
    bench, sink = bench_of(2, projection=f"call_sid == '{ACCOUNT}00000' && length(talk_seconds) || call_sid")
    deliver_all(bench)
    assert [record["data"] for (record,) in sink.sent] == [f"{ACCOUNT}00001"]
    (delivery,) = bench.story(f"{ACCOUNT}00000").deliveries.values()
    assert delivery["state"] == "dead"
    assert "projection fails" in delivery["attempts"][-1]["answer"]
    # Who was not asked refuses nothing, and the alert is about what nobody will get.
    assert bench.ledger.meters.read()[metrics.DELIVERY_ATTEMPTS.name, "crm", "dead"] == 1


def test_a_projection_that_fails_says_nothing_about_the_health_of_the_sink(bench_of):
    """Nobody asked the sink: one that was failing counted as recovered."""
    bench, _ = bench_of(1, projection="length(talk_seconds)")
    for _ in range(10):
        bench.ledger.health.failed("crm", "503")
    deliver_all(bench)
    assert bench.ledger.sink_states()["crm"]["state"] == "failing"


def test_a_rate_is_kept_and_what_is_over_it_waits_without_losing_an_attempt(bench_of):
    bench, sink = bench_of(10, rate=Rate(3, 60.0))
    book = deliver_all(bench)
    assert len(sink.sent) == 3
    assert book.backlog.survey().due == 0, "the others are due when there is room again"
    bench.clock.advance(61)
    deliver_all(bench)
    assert len(sink.sent) == 6
    delivery = bench.story(f"{ACCOUNT}00009").deliveries
    assert "attempts" not in next(iter(delivery.values()))


def test_the_dispatcher_leases_no_more_than_the_rate_allows(bench_of, tray, make_dispatcher):
    bench, _ = bench_of(10, rate=Rate(2, 60.0))
    make_dispatcher(bench).run_once()
    assert sum(len(batch) for _, _, batch in tray.deliveries) == 2


def test_a_short_wait_for_a_token_is_waited_out(bench_of):
    bench, sink = bench_of(2, rate=Rate(1, 1.0))
    deliver_all(bench)
    assert len(sink.sent) == 2
    assert bench.naps == [pytest.approx(1.0, abs=0.01)]


def test_no_more_deliveries_are_under_way_than_the_sink_wants(bench_of, tray, make_dispatcher):
    bench, _ = bench_of(10, concurrency=2)
    dispatcher = make_dispatcher(bench)
    for _ in range(3):
        dispatcher.run_once()
    assert len(tray.deliveries) == 2


def test_two_dispatchers_that_look_at_the_same_moment_keep_to_it_too(bench_of, tray, make_dispatcher):
    """Each saw that nothing was out, and leased as many as the sink wants at once."""
    bench, sink = bench_of(10, concurrency=2)
    book = bench.ledger.deliveries[ACCOUNT, "crm"]
    sources = [Deliveries(bench.ledger, book, sink) for _ in range(2)]
    for source in sources:
        source.release(2, tray)
    assert sum(len(batch) for _, _, batch in tray.deliveries) == 2


def test_a_sink_has_its_half_of_the_threads_over_all_accounts(bench_of, accounts, tray, make_dispatcher):
    """With three accounts, a slow sink could hold one and a half times all threads."""
    bench, _ = bench_of(10, accounts=accounts)
    for account in ("acme2m", "acme3m"):
        admit_many(bench, 10, account)
        book = bench.ledger.calls[account]
        for lease in book.fetches.lease(10):
            fetch_call(bench.context, account, lease)
    dispatcher = make_dispatcher(bench)
    for _ in range(4):
        dispatcher.run_once()
    assert len(tray.deliveries) == THREADS * LARGEST_PART_OF_A_SINK


def test_a_worker_opens_a_subscriber_that_is_added_while_it_runs_and_closes_it_when_it_is_removed(make_bench):
    bench = make_bench(legwork_secret_key=new_key())
    bench.ledger.subscribers.add(sink_spec("https://hook.example/", name="hook"))
    bench.context.keep_sinks_open()
    opened = bench.context.sinks["hook"]
    bench.context.keep_sinks_open()
    assert bench.context.sinks["hook"] is opened, "nothing has changed"
    assert sinks_for(bench.ledger.sinks.values(), ACCOUNT, "legwork.call.completed") == ["hook", "stdout"]
    bench.ledger.subscribers.change("hook", lambda _: sink_spec("https://other.example/", name="hook"))
    bench.context.keep_sinks_open()
    assert bench.context.sinks["hook"].url == "https://other.example/"
    bench.ledger.subscribers.remove("hook", now_ms=0)
    bench.context.keep_sinks_open()
    assert "hook" not in bench.context.sinks


def test_a_subscriber_that_cannot_be_opened_keeps_no_other_from_work(make_bench, tray, make_dispatcher):
    bench = make_bench(legwork_secret_key=new_key())
    bench.ledger.subscribers.add(sink_spec("https://hook.example/", name="broken", ca_file="/nonexistent"))
    bench.ledger.subscribers.add(sink_spec("https://hook.example/", name="hook"))
    bench.context.keep_sinks_open()
    assert "hook" in bench.context.sinks
    assert "broken" not in bench.context.sinks
    make_dispatcher(bench).run_once()
