"""Records go out again from the ledger: whom it concerns, below what is live, and never twice at the same time."""

from __future__ import annotations

import pytest
from factories import ACCOUNT
from stubs import answer
from worker_kit import SID, legs_answer

from schemas.settings import SinkSpec
from worker.ledger.backlog import Lane
from worker.ledger.operations.dead_letters import DeadLetterOperations
from worker.ledger.operations.replaying import Fate, KnownCall, Replay, Wanted, call_named, calls_between
from worker.ledger.queries.dead_letters import dead_letters
from worker.ledger.queries.pages import PAGE

DAY = 86_400
EVER = (float("-inf"), float("inf"))
CRM = SinkSpec(name="crm", url="stdout:")
LAKE = SinkSpec(name="lake", url="stdout:")
BAD_NEWS = SinkSpec(name="bad-news", url="stdout:", types=("legwork.call.unavailable",))


@pytest.fixture
def bench(make_bench):
    return make_bench(sink_specs=[CRM], confirm_seconds=0, retention_days=1, exotel_quota=1000)


def settle(bench, exotel, *sids, reply=None):
    for sid in sids or [SID]:
        exotel.then(reply or legs_answer(sid))
        bench.admit(sid)
        bench.fetch()


def let_die(bench, exotel, sid):
    exotel.always(answer(status=404))
    bench.admit(sid)
    bench.fetch_until_done()


def book_of(bench, sink="crm"):
    return bench.ledger.deliveries[ACCOUNT, sink]


def deliver(bench, sink="crm", *, dead=False):
    """Let a sink have what is due for it: the items, in the order in which they went out."""
    book = book_of(bench, sink)
    owed = [book.claim(lease) for lease in book.backlog.lease(10_000)]
    for delivery in owed:
        assert (book.bury if dead else book.delivered)(delivery, "200")
    return [delivery.lease.item for delivery in owed]


def plan(bench, **wanted):
    return Replay(bench.ledger, Wanted(**wanted), clock=bench.clock)


def calls(bench, span=EVER):
    return list(calls_between(bench.ledger, {ACCOUNT: span}))


def run(bench, found=None, **wanted):
    """Replay all there is, or these calls; what became of how many records, by sink."""
    total = {}
    for _, counts in plan(bench, **wanted).run(calls(bench) if found is None else found):
        for key, count in counts.items():
            total[key] = total.get(key, 0) + count
    return total


def survey(bench, **wanted):
    return dict(plan(bench, **wanted).survey(calls(bench)))


def pending(bench, sid=SID):
    return int(bench.ledger.client.hget(bench.book.key("deliveries", sid), "pending"))


def due(bench, sink="crm"):
    client, backlog = bench.ledger.client, book_of(bench, sink).backlog
    return {lane: client.zcard(backlog.due_key(lane)) for lane in Lane if client.zcard(backlog.due_key(lane))}


# Again


def test_a_delivered_record_goes_out_again_under_the_same_id(bench, exotel):
    settle(bench, exotel)
    deliver(bench)
    assert run(bench) == {("crm", Fate.QUEUED): 1}
    book = book_of(bench)
    owed = book.claim(*book.backlog.lease(1))
    assert owed.event == bench.events()["1/completed"]
    assert [attempt["answer"] for attempt in owed.attempts] == ["200"], "what was done before is not forgotten"


def test_a_replay_comes_after_what_is_live(bench, exotel):
    settle(bench, exotel, "call0001")
    deliver(bench)
    run(bench)
    assert due(bench) == {Lane.RECONCILE: 1}
    settle(bench, exotel, "call0002")
    assert deliver(bench) == ["call0002/1/completed", "call0001/1/completed"]


def test_every_record_of_a_call_goes_out_again(make_bench, exotel):
    bench = make_bench(sink_specs=[CRM])
    settle(bench, exotel, reply=legs_answer(legs=2))
    exotel.then(legs_answer())
    bench.clock.advance(bench.settings.confirm_seconds)
    bench.fetch()
    sent = deliver(bench)
    assert sent == [f"{SID}/1/completed", f"{SID}/2/corrected"]
    assert run(bench) == {("crm", Fate.QUEUED): 2}
    assert deliver(bench) == sent


def test_the_call_is_kept_until_what_is_replayed_has_arrived(bench, exotel):
    settle(bench, exotel)
    deliver(bench)
    run(bench)
    assert pending(bench) == 1
    bench.clock.advance(2 * DAY)
    assert bench.book.forget_old(bench.clock.now_ms) == 0
    deliver(bench)
    assert pending(bench) == 0
    bench.clock.advance(DAY + 1)
    assert bench.book.forget_old(bench.clock.now_ms) == 1


def test_what_the_ledger_has_forgotten_is_not_brought_back(bench, exotel):
    settle(bench, exotel)
    deliver(bench)
    (call,) = calls(bench)
    replay = plan(bench)
    (copy,) = replay._copies([call])
    bench.clock.advance(DAY + 1)
    assert bench.book.forget_old(bench.clock.now_ms) == 1
    assert run(bench, [call]) == {}
    pipeline = bench.ledger.client.pipeline(transaction=False)
    replay._queue_on(pipeline, copy)
    assert pipeline.execute() == [b"gone"], "even where it was forgotten between the look and the deed"
    assert not bench.ledger.client.keys(f"*{SID}*")
    assert due(bench) == {}


# Not twice


def test_what_waits_for_the_sink_is_not_put_there_twice(bench, exotel):
    settle(bench, exotel)
    assert survey(bench) == run(bench) == {("crm", Fate.WAITING): 1}
    assert (due(bench), pending(bench)) == ({Lane.LIVE: 1}, 1)


def test_what_a_worker_holds_is_not_put_there_twice(bench, exotel):
    settle(bench, exotel)
    book = book_of(bench)
    owed = book.claim(*book.backlog.lease(1))
    assert run(bench) == {("crm", Fate.WAITING): 1}
    assert due(bench) == {}
    assert book.delivered(owed, "200")
    assert pending(bench) == 0


def test_a_replay_that_was_broken_off_goes_on_where_it_was(bench, exotel):
    sids = [f"call{number:04}" for number in range(PAGE + 50)]
    settle(bench, exotel, *sids)
    deliver(bench)
    next(plan(bench).run(calls(bench)))
    assert due(bench) == {Lane.RECONCILE: PAGE}
    assert run(bench) == {("crm", Fate.WAITING): PAGE, ("crm", Fate.QUEUED): 50}
    assert sorted(deliver(bench)) == [f"{sid}/1/completed" for sid in sids]


def test_what_got_on_since_it_was_looked_at_is_left_alone(bench, exotel):
    settle(bench, exotel)
    replay = plan(bench)
    copies = list(replay._copies(calls(bench)))
    deliver(bench)
    pipeline = bench.ledger.client.pipeline(transaction=False)
    for copy in copies:
        replay._queue_on(pipeline, copy)
    assert pipeline.execute() == [b"waiting"]
    assert (due(bench), pending(bench)) == ({}, 0)


def test_counting_changes_nothing(bench, exotel):
    settle(bench, exotel)
    deliver(bench)
    before = {key: bench.ledger.client.dump(key) for key in bench.ledger.client.scan_iter()}
    assert survey(bench) == {("crm", Fate.QUEUED): 1}
    assert {key: bench.ledger.client.dump(key) for key in bench.ledger.client.scan_iter()} == before


# Dead letters


def test_a_replay_brings_a_dead_letter_back_to_life(bench, exotel):
    settle(bench, exotel)
    deliver(bench, dead=True)
    assert run(bench) == {("crm", Fate.QUEUED): 1}
    assert list(dead_letters(bench.ledger)) == []
    assert pending(bench) == 1
    assert deliver(bench) == [f"{SID}/1/completed"]
    assert pending(bench) == 0


def test_a_dropped_delivery_is_missing(bench, exotel):
    settle(bench, exotel)
    deliver(bench, dead=True)
    DeadLetterOperations(bench.ledger, clock=bench.clock).drop(dead_letters(bench.ledger))
    assert run(bench, only_missing=True) == {("crm", Fate.QUEUED): 1}
    assert pending(bench) == 1


def test_what_a_sink_has_is_not_missing(bench, exotel):
    settle(bench, exotel)
    deliver(bench)
    assert survey(bench, only_missing=True) == run(bench, only_missing=True) == {("crm", Fate.DELIVERED): 1}
    assert due(bench) == {}


def test_a_sink_that_was_added_later_gets_what_it_missed(bench, make_bench, exotel):
    settle(bench, exotel, "call0001", "call0002")
    deliver(bench)
    later = make_bench(sink_specs=[CRM, LAKE])
    assert run(later, only_missing=True) == {("lake", Fate.QUEUED): 2, ("crm", Fate.DELIVERED): 2}
    assert deliver(later, "lake") == ["call0001/1/completed", "call0002/1/completed"]
    assert pending(later, "call0001") == 0
    assert run(later, only_missing=True) == {("lake", Fate.DELIVERED): 2, ("crm", Fate.DELIVERED): 2}


# Which


def test_a_replay_can_be_for_one_sink_and_one_type_of_record(make_bench, exotel):
    bench = make_bench(sink_specs=[CRM, LAKE, BAD_NEWS], retry_schedule="1", confirm_seconds=0)
    settle(bench, exotel, "call0001")
    let_die(bench, exotel, "call0002")
    for sink in ("crm", "lake", "bad-news"):
        deliver(bench, sink)
    everything = {("crm", Fate.QUEUED): 2, ("lake", Fate.QUEUED): 2, ("bad-news", Fate.QUEUED): 1}
    assert survey(bench) == everything, "each sink gets the types that it asks for"
    assert survey(bench, sink="lake") == {("lake", Fate.QUEUED): 2}
    assert survey(bench, sink="bad-news", event_type="legwork.call.completed") == {}
    unavailable = run(bench, event_type="legwork.call.unavailable")
    assert unavailable == dict.fromkeys(everything, 1)
    assert deliver(bench, "lake") == ["call0002/1/unavailable"]


def test_calls_are_found_by_when_they_were_settled_or_given_up_on(make_bench, exotel):
    bench = make_bench(sink_specs=[CRM], retry_schedule="10", confirm_seconds=0)
    began = bench.clock.now_ms
    settle(bench, exotel, "call0001")
    let_die(bench, exotel, "call0002")
    bench.clock.advance(10)
    settle(bench, exotel, "call0003")
    bench.admit("call0004", wait=100)
    ends = [began, began + 10_000, began + 20_000]
    assert [(call.at_ms, call.call_sid) for call in calls(bench)] == list(
        zip(ends, ["call0001", "call0002", "call0003"], strict=True)
    )
    found = calls(bench, (began + 1, began + 20_000))
    assert [call.call_sid for call in found] == ["call0002", "call0003"], "both ends are in the span"
    assert [call.call_sid for call in calls(bench, (began, began + 9_999))] == ["call0001"]
    assert calls(bench, (began + 20_001, began + 10**9)) == []


def test_a_call_can_be_named(bench, exotel):
    settle(bench, exotel)
    assert call_named(bench.ledger, SID) == KnownCall(0.0, ACCOUNT, SID)
    assert call_named(bench.ledger, "nowhere1") is None
    deliver(bench)
    assert run(bench, [call_named(bench.ledger, SID)]) == {("crm", Fate.QUEUED): 1}


def test_a_call_without_a_record_has_nothing_to_replay(make_bench, exotel):
    bench = make_bench(sink_specs=[CRM])
    exotel.always(legs_answer(legs=1, total=3))
    bench.admit()
    bench.fetch()
    assert run(bench, [call_named(bench.ledger, SID)]) == {}, "an incomplete answer is no record"


def test_more_calls_of_one_moment_than_a_page_holds_are_each_replayed_once(bench, exotel):
    sids = [f"call{number:04}" for number in range(2 * PAGE + 50)]
    settle(bench, exotel, *sids)
    deliver(bench)
    assert run(bench) == {("crm", Fate.QUEUED): len(sids)}
    assert deliver(bench) == [f"{sid}/1/completed" for sid in sids]
