"""A number is erased call by call while the calls go on: each as it stands, none moved, nothing overwritten."""

from __future__ import annotations

import threading

from factories import ACCOUNT, make_callback
from processes import until
from worker_kit import legs_answer

from worker.ledger.admission import CALLBACKS_KEPT
from worker.ledger.operations.erasing import LedgerEraser
from worker.ledger.operations.replaying import Replay, Wanted, call_named
from worker.ledger.scripts import Scripts
from worker.numbers.erasure import ERASED, Eraser

SID, NUMBER = "call00000001", "+919000000001"
AGENT = "09000000001"


def eraser():
    return Eraser(NUMBER, {ACCOUNT: "IN"}, "IN")


def erase(bench, *, dry_run=False):
    pages = LedgerEraser(bench.ledger, eraser(), dry_run=dry_run).run()
    return {found.call_sid: found for page in pages for found in page.found}


def settle(bench, exotel, sid=SID):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5], numbers=[AGENT]))
    bench.admit(sid, From=AGENT)
    bench.fetch()


def zsets(client):
    return {
        key: client.zrange(key, 0, -1, withscores=True) for key in client.scan_iter() if client.type(key) == b"zset"
    }


def test_due_lists_leases_and_sums_stay_as_they_were(make_bench, exotel, client):
    bench = make_bench()
    settle(bench, exotel)
    bench.admit("call00000002", From=AGENT, wait=60)
    bench.admit("call00000003", From=AGENT)
    bench.lease()
    before = zsets(client), client.hgetall(bench.book.key("totals")), client.hgetall(bench.book.fetches.keys[5])
    assert set(erase(bench)) == {SID, "call00000002", "call00000003"}
    after = zsets(client), client.hgetall(bench.book.key("totals")), client.hgetall(bench.book.fetches.keys[5])
    assert after == before
    assert bench.story("call00000002").callbacks[0].params["From"] == ERASED


def test_what_may_bring_the_number_back_is_unfinished_and_nothing_else_is(make_bench, exotel):
    bench = make_bench(confirm_seconds=0)
    settle(bench, exotel)
    bench.admit("waiting00001", From=AGENT, wait=60)
    settle(bench, exotel, "leased000001")
    (lease,) = bench.ledger.deliveries[ACCOUNT, "stdout"].backlog.lease(1)
    leased = lease.item.partition("/")[0]
    found = erase(bench)
    assert set(found) == {SID, "waiting00001", "leased000001"}
    assert {sid for sid, call in found.items() if call.is_unfinished} == {"waiting00001", leased}


def test_who_may_have_got_the_number_is_named_whatever_became_of_the_delivery(make_bench, exotel):
    """What is delivered again waits, and may die: the sink has it all the same."""
    bench = make_bench(confirm_seconds=0)
    settle(bench, exotel)
    book = bench.ledger.deliveries[ACCOUNT, "stdout"]
    assert erase(bench, dry_run=True)[SID].delivered == set()

    def tried(outcome):
        (lease,) = book.backlog.lease(1)
        assert outcome(book.claim(lease))
        assert erase(bench, dry_run=True)[SID].delivered == {"stdout"}

    tried(lambda owed: book.postpone(owed, "no answer within 15 s", wait_seconds=0, attempt=True))
    tried(lambda owed: book.delivered(owed, "200"))
    replay = Replay(bench.ledger, Wanted(), clock=bench.clock)
    assert list(replay.run([call_named(bench.ledger, SID)]))
    assert erase(bench, dry_run=True)[SID].delivered == {"stdout"}
    tried(lambda owed: book.bury(owed, "422"))


def test_a_callback_that_comes_while_the_call_is_rewritten_is_neither_lost_nor_left(make_bench, exotel):
    bench = make_bench()
    bench.admit(SID, From=AGENT, wait=60)

    def call_in():
        for number in range(200):
            bench.admit(SID, From=AGENT, Number=str(number), wait=60)

    caller = threading.Thread(target=call_in)
    caller.start()
    while caller.is_alive():
        erase(bench)
    caller.join()
    erase(bench)
    params = [callback.params for callback in bench.story(SID).callbacks]
    assert [one.get("Number") for one in params] == [None, *map(str, range(200))]
    assert {one["From"] for one in params} == {ERASED}


def test_nothing_is_written_where_a_call_has_changed_since_it_was_read(make_bench, client):
    bench = make_bench()
    client.rpush("a", "1", "2")
    client.hset("b", "f", "x")
    scripts = Scripts(bench.ledger.client)
    client.rpush("postings", "other", "sid")
    keys, fresh = ["a", "b", "postings"], [1, "sid", 1, 0, "1", "one", 2, "f", "x", "z"]
    assert scripts.run("privacy/erase", keys, [1, "sid", 1, 0, "1", "one", 2, "f", "y", "z"]) == 0
    assert (client.lrange("a", 0, -1), client.llen("postings")) == ([b"1", b"2"], 2)
    assert scripts.run("privacy/erase", keys, fresh) == 1
    assert (client.lrange("a", 0, -1), client.hget("b", "f")) == ([b"one", b"2"], b"z")
    assert client.lrange("postings", 0, -1) == [b"other"]
    assert scripts.run("privacy/erase", ["gone"], [0, "", 1, 0, "1", "one"]) == 0


def test_a_call_of_an_account_that_left_the_settings_is_found(make_bench, client):
    bench = make_bench()
    bench.admit(SID, From=AGENT, wait=60)
    client.rename(bench.book.key("call", SID), f"lw:{{gone1m}}:call:{SID}")
    assert erase(bench)[SID].account_sid == "gone1m"
    assert erase(bench) == {}


def test_a_call_that_was_dropped_and_a_record_about_none_are_found(make_bench, exotel, client):
    bench = make_bench()
    settle(bench, exotel)
    client.zrem(bench.book.key("settled"), SID)
    event = {"type": "legwork.operator.sink_failing", "data": {"reason": f"422: no {NUMBER}"}}
    bench.book.announce("operator-0123456789abcdef", event, ["stdout"])
    assert set(erase(bench)) == {SID, "operator-0123456789abcdef"}
    kept = bench.book.event("operator-0123456789abcdef", "1/sink_failing")
    assert kept["data"]["reason"] == "422: no erased"


def test_the_reason_why_a_sink_is_disabled_loses_the_number(make_bench):
    bench = make_bench()
    bench.ledger.disable_sink("stdout", f"410: {NUMBER}")
    assert LedgerEraser(bench.ledger, eraser(), dry_run=True).sink_states() == 1
    assert LedgerEraser(bench.ledger, eraser(), dry_run=False).sink_states() == 1
    assert bench.ledger.sink_states()["stdout"]["reason"] == "410: erased"


def test_an_incomplete_answer_that_is_kept_loses_the_number_and_can_still_be_read(make_bench, exotel):
    bench = make_bench(retry_schedule="1")
    exotel.always(legs_answer(SID, total=9, numbers=[AGENT]))
    bench.admit(SID)
    bench.fetch()
    erase(bench)
    assert b"9000000001" not in bench.book.partial(SID)
    bench.fetch_until_done()
    assert len(bench.events(SID)["1/completed"]["data"]["legs"]) == 3


def test_the_confirming_read_of_a_call_does_not_bring_its_number_back(make_bench, exotel):
    bench = make_bench(confirm_seconds=900)
    settle(bench, exotel)
    assert erase(bench)[SID].is_unfinished
    bench.fetch_until_done()
    assert list(bench.events(SID)) == ["1/completed"], "no correction went out"
    assert bench.events(SID)["1/completed"]["data"]["legs"][0]["number_raw"] == ERASED
    assert erase(bench) == {}


def test_a_confirming_read_that_finds_another_outcome_is_still_a_correction(make_bench, exotel):
    bench = make_bench(confirm_seconds=900)
    settle(bench, exotel)
    erase(bench)
    exotel.choose(
        lambda seen: legs_answer(seen.target.split("/")[5], numbers=[AGENT], statuses=["busy", "busy", "busy"])
    )
    bench.fetch_until_done()
    assert set(bench.events(SID)) == {"1/completed", "2/corrected"}


def test_all_calls_are_gone_through_however_many(bench):
    ledger, calls = bench.ledger, 450
    for number in range(calls):
        ledger.calls[ACCOUNT].admit(make_callback(f"call{number:06}", From=AGENT), wait_seconds=60)
    pages = list(LedgerEraser(ledger, eraser(), dry_run=False).run())
    assert sum(page.calls for page in pages) >= calls
    assert len({found.call_sid for page in pages for found in page.found}) == calls
    assert not any(page.found for page in LedgerEraser(ledger, eraser(), dry_run=False).run())


def test_a_sink_that_is_just_getting_the_number_is_named(make_bench, exotel):
    """It was told as unfinished, and which sink had got it was told by no run: the next one found nothing any more."""
    bench = make_bench(confirm_seconds=0)
    settle(bench, exotel)
    book = bench.ledger.deliveries[ACCOUNT, "stdout"]
    (lease,) = book.backlog.lease(1)
    owed = book.claim(lease)
    found = erase(bench)[SID]
    assert (found.is_unfinished, found.delivered) == (True, {"stdout"})
    book.delivered(owed, "written")
    assert erase(bench) == {}


def test_what_has_not_been_sent_yet_is_named_nowhere(make_bench, exotel):
    bench = make_bench(confirm_seconds=0)
    settle(bench, exotel)
    assert erase(bench)[SID].delivered == set()


def test_a_dry_run_counts_a_call_once_though_the_walk_comes_by_twice(bench, client):
    """Redis gives a key twice where its table shrinks while it is gone through, and the call was counted twice."""
    ledger, calls, others = bench.ledger, 3000, 60_000
    for number in range(calls):
        ledger.calls[ACCOUNT].admit(make_callback(f"call{number:06}", From=AGENT), wait_seconds=60)
    client.mset({f"other:{number}": 1 for number in range(others)})
    pages = LedgerEraser(ledger, eraser(), dry_run=True).run()
    found = [call.call_sid for call in next(pages).found]
    room = client.memory_stats()["db.0"]["overhead.hashtable.main"]
    client.unlink(*(f"other:{number}" for number in range(others)))
    until(lambda: client.memory_stats()["db.0"]["overhead.hashtable.main"] < room)
    found += [call.call_sid for page in pages for call in page.found]
    assert len(found) == len(set(found)) == calls


def test_a_call_that_is_full_of_the_number_is_rewritten_at_once(make_bench):
    bench = make_bench()
    for number in range(CALLBACKS_KEPT):
        bench.admit(SID, From=AGENT, Number=str(number), wait=60)
    assert erase(bench)[SID].counts["callbacks"] == CALLBACKS_KEPT
    assert erase(bench) == {}


def test_what_exotel_said_when_it_refused_an_account_loses_the_number(make_bench, client):
    """It lies with the account, not with a call, and nobody had looked there."""
    bench = make_bench()
    bench.book.bucket.suspend(f"402: no credit for {AGENT}")
    assert LedgerEraser(bench.ledger, eraser(), dry_run=True).suspensions() == 1
    assert LedgerEraser(bench.ledger, eraser(), dry_run=False).suspensions() == 1
    assert client.hget(bench.book.key("bucket", "gate"), "suspension") == b"402: no credit for erased"
    assert LedgerEraser(bench.ledger, eraser(), dry_run=False).suspensions() == 0
