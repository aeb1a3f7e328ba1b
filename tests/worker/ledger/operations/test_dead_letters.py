"""What was given up on is tried again or let go of, once, whoever else is at it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from factories import ACCOUNT
from payloads.samples import ANSWERS
from stubs import answer
from worker_kit import SID, legs_answer

from schemas.settings import SinkSpec
from worker.ledger.backlog import Lane
from worker.ledger.call import Verdict
from worker.ledger.operations.dead_letters import ChangedCounts, DeadLetterOperations
from worker.ledger.operations.purging import purge
from worker.ledger.queries.dead_letters import dead_letters, dead_letters_of
from worker.ledger.queries.pages import PAGE
from worker.ledger.queries.totals import totals_of_account, totals_of_sink

DAY = 86_400
SINKS = [SinkSpec(name=name, url="stdout:") for name in ("crm", "lake")]
UNKNOWN = answer(ANSWERS["S4"].body, 404)


@pytest.fixture
def bench(make_bench):
    return make_bench(sink_specs=SINKS, confirm_seconds=0, retention_days=1)


@pytest.fixture
def mending(bench):
    return DeadLetterOperations(bench.ledger, clock=bench.clock)


def letters(bench, **narrower):
    return list(dead_letters(bench.ledger, **narrower))


def let_die(bench, exotel, *replies, call_sid=SID):
    """Let a call be given up on, after these answers."""
    exotel.always(replies[-1] if replies else UNKNOWN)
    bench.admit(call_sid)
    bench.fetch_until_done()


def settle(bench, call_sid=SID):
    """Let a call settle; its record waits for both sinks."""
    bench.admit(call_sid)
    lease = bench.lease()
    bench.book.claim(lease)
    event = {"id": f"evt_{call_sid}", "type": "legwork.call.completed"}
    verdict = Verdict("settled", 1, event_key="1/completed", event=event, sinks=[spec.name for spec in SINKS])
    assert bench.book.decide(call_sid, lease, verdict)


def deliver(bench, sink, answered="200", *, dead=False):
    """Let a sink have what is due for it; how many records that was."""
    book = bench.ledger.deliveries[ACCOUNT, sink]
    owed = [book.claim(lease) for lease in book.backlog.lease(1000)]
    for delivery in owed:
        assert (book.bury if dead else book.delivered)(delivery, answered)
    return len(owed)


def sink_of(bench, name):
    found = totals_of_sink(bench.ledger, name, {})
    return found.waiting, found.delivered, found.dead


def is_forgotten(bench, call_sid=SID):
    bench.book.forget_old(bench.clock.now_ms)
    return not bench.ledger.client.exists(bench.book.key("call", call_sid))


def test_what_was_for_a_sink_that_was_removed_meanwhile_is_passed_over(make_bench, exotel):
    """Somebody tried everything again while somebody else removed a sink: it ended in the middle, as a bug of ours."""
    bench = make_bench(sink_specs=SINKS, confirm_seconds=0)
    exotel.always(legs_answer())
    bench.admit()
    bench.fetch()
    for spec in SINKS:
        deliver(bench, spec.name, "no", dead=True)
    found = letters(bench)
    assert {letter.sink for letter in found} == {"crm", "lake"}
    after = make_bench(sink_specs=SINKS[1:])
    purge(after.ledger, "crm", clock=after.clock)
    assert DeadLetterOperations(after.ledger, clock=after.clock).retry(found) == ChangedCounts(deliveries=1)
    assert DeadLetterOperations(after.ledger, clock=after.clock).drop(found) == ChangedCounts()


# Calls


def test_a_retried_call_is_due_now_among_the_most_urgent(bench, exotel, mending):
    let_die(bench, exotel)
    assert mending.retry(letters(bench)) == ChangedCounts(calls=1)
    assert bench.due_in() == (Lane.LIVE, 0)
    assert (bench.story().summary.state, bench.story().summary.reason) == ("waiting", None)
    assert bench.story().steps[-1]["step"] == "retry"


def test_the_schedule_of_a_retried_call_begins_anew(bench, exotel, mending):
    let_die(bench, exotel)
    mending.retry(letters(bench))
    assert bench.fetch_until_done() == [0, 15, 60, 300]


def test_a_call_that_was_unavailable_is_completed_when_it_settles_after_all(bench, exotel, mending):
    let_die(bench, exotel)
    mending.retry(letters(bench))
    exotel.always(legs_answer())
    bench.fetch()
    events = bench.events()
    assert list(events) == ["1/unavailable", "1/completed"], "in the order in which they went out"
    assert events["1/completed"]["type"] == "legwork.call.completed"
    assert (events["1/completed"]["data"]["revision"], events["1/completed"]["data"]["settled"]) == (1, True)
    assert events["1/completed"]["id"] != events["1/unavailable"]["id"]
    assert bench.story().summary.state == "settled"
    assert letters(bench) == []


def test_a_call_that_went_out_unsettled_is_corrected_when_it_settles_after_all(bench, exotel, mending):
    let_die(bench, exotel, legs_answer(legs=2, total=3))
    assert bench.events()["1/completed"]["data"]["settled"] is False
    mending.retry(letters(bench))
    exotel.always(legs_answer())
    bench.fetch()
    corrected = bench.events()["2/corrected"]
    assert corrected["type"] == "legwork.call.corrected"
    assert (corrected["data"]["revision"], corrected["data"]["settled"]) == (2, True)
    assert "crm/2/corrected" in bench.story().deliveries
    assert bench.story().summary.state == "settled"


def test_a_correction_goes_out_even_where_the_legs_are_those_that_were_sent_unsettled(bench, exotel, mending):
    """Sinks that wait for `settled` would never hear that it is."""
    let_die(bench, exotel, legs_answer(legs=3, total=4))
    mending.retry(letters(bench))
    exotel.always(legs_answer())
    bench.fetch()
    assert bench.events()["2/corrected"]["data"]["settled"] is True


def test_a_retried_call_that_dies_again_is_dead_again_and_no_news(bench, exotel, mending):
    let_die(bench, exotel)
    for sink in ("crm", "lake"):
        deliver(bench, sink)
    mending.retry(letters(bench))
    exotel.always(answer(status=500))
    bench.fetch_until_done()
    (letter,) = letters(bench)
    assert "500" in letter.reason
    assert list(bench.events()) == ["1/unavailable"]
    assert sink_of(bench, "crm") == (0, 1, 0)


def test_a_dropped_call_is_dead_no_more_and_asked_for_no_more(bench, exotel, mending):
    let_die(bench, exotel)
    assert mending.drop(letters(bench)) == ChangedCounts(calls=1)
    assert letters(bench) == []
    assert bench.due_in() is None
    assert (bench.story().summary.state, bench.story().summary.at_ms) == ("dropped", bench.clock.now_ms)
    standing = totals_of_account(bench.ledger, ACCOUNT)
    assert (standing.waiting, standing.dead) == (0, 0)


def test_a_dropped_call_is_forgotten_once_its_records_are_delivered_and_its_retention_is_over(bench, exotel, mending):
    let_die(bench, exotel)
    deliver(bench, "crm")
    mending.drop(letters(bench))
    bench.clock.advance(2 * DAY)
    assert not is_forgotten(bench), "lake has still to hear of it"
    deliver(bench, "lake")
    assert not is_forgotten(bench)
    bench.clock.advance(DAY + 1)
    assert is_forgotten(bench)


def test_a_call_dropped_after_all_its_records_were_delivered_is_forgotten_too(bench, exotel, mending):
    let_die(bench, exotel)
    for sink in ("crm", "lake"):
        deliver(bench, sink)
    bench.clock.advance(2 * DAY)
    assert not is_forgotten(bench)
    mending.drop(letters(bench))
    assert not is_forgotten(bench)
    bench.clock.advance(DAY + 1)
    assert is_forgotten(bench)


def test_a_retried_call_is_not_forgotten_while_it_is_asked_for(bench, exotel, mending):
    let_die(bench, exotel)
    for sink in ("crm", "lake"):
        deliver(bench, sink)
    mending.retry(letters(bench))
    bench.clock.advance(2 * DAY)
    assert not is_forgotten(bench)
    exotel.always(legs_answer())
    bench.fetch()
    for sink in ("crm", "lake"):
        deliver(bench, sink)
    bench.clock.advance(DAY + 1)
    assert is_forgotten(bench)


# Deliveries


def test_a_retried_delivery_is_due_now_behind_the_first_attempts(bench, mending):
    settle(bench, "call0001")
    deliver(bench, "crm", "503", dead=True)
    settle(bench, "call0002")
    assert mending.retry(letters(bench)) == ChangedCounts(deliveries=1)
    book = bench.ledger.deliveries[ACCOUNT, "crm"]
    assert [lease.item for lease in book.backlog.lease(2)] == ["call0002/1/completed", "call0001/1/completed"]


def test_a_retried_delivery_is_the_same_record_by_a_schedule_that_begins_anew(bench, mending):
    settle(bench)
    book = bench.ledger.deliveries[ACCOUNT, "crm"]
    for _ in range(2):
        assert book.postpone(book.claim(*book.backlog.lease(1)), "503", wait_seconds=0, attempt=True)
    deliver(bench, "crm", "500", dead=True)
    mending.retry(letters(bench))
    owed = book.claim(*book.backlog.lease(1))
    assert (owed.event["id"], owed.claim.attempts, owed.claim.lane) == (f"evt_{SID}", 0, Lane.RETRY)
    assert [attempt["answer"] for attempt in owed.attempts] == ["503", "503", "500"], "what was tried is not forgotten"
    assert bench.story().deliveries["crm/1/completed"]["state"] == "waiting"
    assert book.delivered(owed, "200")
    assert sink_of(bench, "crm") == (0, 1, 0)


def test_a_delivery_that_was_retried_and_delivered_lets_its_call_be_forgotten(bench, mending):
    settle(bench)
    deliver(bench, "crm", dead=True)
    deliver(bench, "lake")
    bench.clock.advance(2 * DAY)
    assert not is_forgotten(bench)
    mending.retry(letters(bench))
    deliver(bench, "crm")
    bench.clock.advance(DAY + 1)
    assert is_forgotten(bench)


def test_a_dropped_delivery_is_finished(bench, mending):
    settle(bench)
    deliver(bench, "crm", "422", dead=True)
    deliver(bench, "lake")
    assert mending.drop(letters(bench)) == ChangedCounts(deliveries=1)
    assert sink_of(bench, "crm") == (0, 0, 0)
    delivery = bench.story().deliveries["crm/1/completed"]
    assert (delivery["state"], delivery["attempts"][-1]["answer"]) == ("dropped", "422")
    assert not is_forgotten(bench)
    bench.clock.advance(DAY + 1)
    assert is_forgotten(bench)


def test_a_dropped_delivery_does_not_let_its_call_be_forgotten_while_another_sink_waits(bench, mending):
    settle(bench)
    deliver(bench, "crm", dead=True)
    mending.drop(letters(bench))
    bench.clock.advance(2 * DAY)
    assert not is_forgotten(bench)


def test_the_unavailable_record_of_a_dead_call_may_be_dead_itself(bench, exotel, mending):
    let_die(bench, exotel)
    deliver(bench, "crm", dead=True)
    assert [letter.sink for letter in letters(bench)] == [None, "crm"]
    assert mending.retry(letters(bench)) == ChangedCounts(calls=1, deliveries=1)


# A view of how things stood


@pytest.mark.parametrize("do", [DeadLetterOperations.retry, DeadLetterOperations.drop])
def test_what_was_done_already_is_not_done_again(bench, exotel, mending, do):
    let_die(bench, exotel)
    deliver(bench, "crm", dead=True)
    seen = letters(bench)
    assert do(mending, seen) == ChangedCounts(1, 1)
    before = bench.story()
    assert mending.retry(seen) == mending.drop(seen) == ChangedCounts()
    assert bench.story() == before


def test_a_letter_from_before_it_was_tried_and_died_again_changes_nothing(bench, exotel, mending):
    let_die(bench, exotel)
    deliver(bench, "crm", dead=True)
    old = letters(bench)
    mending.retry(old)
    bench.clock.advance(1)
    bench.fetch_until_done()
    deliver(bench, "crm", dead=True)
    now = letters(bench)
    assert [letter.at_ms for letter in now] != [letter.at_ms for letter in old]
    assert mending.drop(old) == mending.retry(old) == ChangedCounts()
    assert letters(bench) == now


def test_operators_and_workers_at_once_do_each_thing_once(bench, client):
    for number in range(2 * PAGE):
        settle(bench, f"call{number:04}")
    deliver(bench, "crm", dead=True)
    deliver(bench, "lake")
    seen = letters(bench)
    menders = [DeadLetterOperations(bench.ledger, clock=bench.clock) for _ in range(6)]

    def work(number):
        if number % 3 == 2:
            return ChangedCounts(), deliver(bench, "crm")
        return (DeadLetterOperations.drop if number % 3 else DeadLetterOperations.retry)(menders[number], seen), 0

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(work, range(6)))
    delivered = sum(count for _, count in done) + deliver(bench, "crm")
    retried = sum(done[number][0].deliveries for number in (0, 3))
    dropped = sum(done[number][0].deliveries for number in (1, 4))
    assert (retried + dropped, retried) == (2 * PAGE, delivered)
    assert letters(bench) == []
    for number in range(2 * PAGE):
        assert client.hget(bench.book.key("deliveries", f"call{number:04}"), "pending") == b"0"


# Finding them


def test_letters_come_the_oldest_first_and_can_be_narrowed_down(bench, exotel):
    let_die(bench, exotel)
    bench.clock.advance(1)
    deliver(bench, "lake", "422", dead=True)
    bench.clock.advance(1)
    deliver(bench, "crm", "503", dead=True)
    assert [(letter.sink, letter.reason) for letter in letters(bench)] == [
        (None, "404: Bad Request: Please check the call id sent"),
        ("lake", "422"),
        ("crm", "503"),
    ]
    assert [letter.sink for letter in letters(bench, sink="crm")] == ["crm"]
    assert len(letters(bench, account_sid=ACCOUNT)) == 3
    assert letters(bench, account_sid="somebody") == []


def test_more_letters_of_one_moment_than_a_page_holds_are_each_found_once(bench):
    """The clock stands still in this test, so that all of them have died at the same time."""
    count = 2 * PAGE + 50
    for number in range(count):
        settle(bench, f"call{number:04}")
    deliver(bench, "crm", dead=True)
    found = [letter.call_sid for letter in letters(bench)]
    assert len(found) == len(set(found)) == count


def test_letters_can_be_mended_while_they_are_gone_through(bench, mending):
    count = 2 * PAGE + 50
    for number in range(count):
        settle(bench, f"call{number:04}")
        bench.clock.advance(0.001)
        deliver(bench, "crm", dead=True)
    assert mending.retry(dead_letters(bench.ledger)) == ChangedCounts(deliveries=count)
    assert letters(bench) == []


def test_the_letters_of_a_call_can_be_asked_for(bench, exotel):
    let_die(bench, exotel)
    deliver(bench, "crm", dead=True)
    settle(bench, "call0001")
    assert [letter.sink for letter in dead_letters_of(bench.ledger, SID)] == [None, "crm"]
    assert dead_letters_of(bench.ledger, SID) == letters(bench)
    assert dead_letters_of(bench.ledger, "call0001") == []
    assert dead_letters_of(bench.ledger, "nowhere1") is None


def test_an_operator_record_that_was_given_up_on_is_mended_like_any_other(bench, mending):
    event = {"id": "evt_1", "type": "legwork.operator.sink_failing"}
    bench.book.announce("operator-0123456789abcdef", event, ["crm"])
    deliver(bench, "crm", dead=True)
    found = dead_letters_of(bench.ledger, "operator-0123456789abcdef")
    assert [(letter.sink, letter.event_key) for letter in found] == [("crm", "1/sink_failing")]
    assert found == letters(bench)
    assert mending.retry(found) == ChangedCounts(deliveries=1)
    deliver(bench, "crm", dead=True)
    assert mending.drop(letters(bench)) == ChangedCounts(deliveries=1)
    bench.clock.advance(DAY + 1)
    assert is_forgotten(bench, "operator-0123456789abcdef")
    assert not [key for key in bench.ledger.client.scan_iter() if b"operator-" in key]
