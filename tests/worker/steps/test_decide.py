"""Deciding a call: what goes out to the sinks, once, and when something else does."""

from __future__ import annotations

import json

import pytest
from factories import ACCOUNT, make_callback
from payloads.records import VALIDATOR
from payloads.samples import ANSWERS
from stubs import answer, reset
from worker_kit import SID, legs_answer

from schemas.settings import SinkSpec
from worker.ledger.backlog import DEATHS_ALLOWED, Lane
from worker.ledger.operations.dead_letters import DeadLetterOperations
from worker.ledger.queries.dead_letters import dead_letters_of
from worker.ledger.queries.totals import totals_of_account
from worker.record.shape import sinks_for
from worker.steps import decide

CALLER, FIRST, SECOND = "09000000001", "09000000002", "09000000003"


def settle(bench, exotel, reply=None):
    exotel.then(reply or legs_answer())
    bench.admit()
    bench.fetch()


def confirm(bench, exotel, reply):
    """Have a settled call read once more."""
    exotel.then(reply)
    bench.clock.advance(bench.settings.confirm_seconds + 1)
    bench.fetch()


# The first word


def test_a_final_call_goes_out_as_completed_to_every_sink_that_wants_it(bench, exotel):
    settle(bench, exotel)
    (key, event), *others = bench.events().items()
    assert (key, event["type"], others) == ("1/completed", "legwork.call.completed", [])
    assert list(bench.story().deliveries) == ["stdout/1/completed"]
    VALIDATOR.validate(event)
    data = event["data"]
    assert (data["revision"], data["settled"], data["status"], len(data["legs"])) == (1, True, "completed", 3)


def test_the_record_says_where_it_comes_from(bench, exotel):
    exotel.then(answer(status=404), legs_answer())
    bench.admit(wait=120)
    bench.clock.advance(120.5)
    bench.fetch()
    bench.clock.advance(15)
    bench.fetch()
    provenance = bench.events()["1/completed"]["data"]["provenance"]
    assert provenance["fetches"] == 2
    assert len(provenance["response_sha256"]) == 64
    assert provenance["fetched_at"].endswith("Z")
    waited = provenance["waited_seconds"]
    assert waited["settle"] == pytest.approx(135.5, abs=1)
    assert 0 <= waited["quota"] < 1
    assert 0 < waited["fetch"] < 5


def test_the_callbacks_of_the_call_are_in_its_record(bench, exotel):
    exotel.then(legs_answer())
    bench.admit(ended=False, CustomField="order_12345", wait=300)
    bench.admit(RecordingUrl="https://recordings.example/a.mp3", wait=0)
    bench.fetch()
    data = bench.events()["1/completed"]["data"]
    assert [callback["event"] for callback in data["callbacks"]] == ["answered", "terminal"]
    assert (data["custom_field"], data["recording_url"]) == ("order_12345", "https://recordings.example/a.mp3")


def test_customer_and_agent_come_from_the_callback_and_the_legs(bench, exotel):
    exotel.then(legs_answer())
    bench.admit(From=CALLER, To=SECOND)
    bench.fetch()
    data = bench.events()["1/completed"]["data"]
    assert (data["direction"], data["customer"], data["agent"]) == ("outbound", "+919000000003", "+919000000001")


def test_customer_and_agent_are_never_guessed(bench, exotel):
    settle(bench, exotel)
    data = bench.events()["1/completed"]["data"]
    assert (data["customer"], data["agent"]) == (None, None)


# The confirmation


def test_a_settled_call_is_read_once_more_in_the_lowest_lane(make_bench, exotel):
    bench = make_bench(confirm_seconds=900)
    settle(bench, exotel)
    assert bench.due_in() == (Lane.CONFIRM, 900)


def test_confirming_can_be_turned_off(make_bench, exotel):
    bench = make_bench(confirm_seconds=0)
    settle(bench, exotel)
    assert bench.due_in() is None


def test_a_confirmation_that_finds_the_same_says_nothing(bench, exotel):
    settle(bench, exotel)
    confirm(bench, exotel, legs_answer())
    assert list(bench.events()) == ["1/completed"]
    assert bench.due_in() is None, "and it is not read again"
    assert bench.story().summary.state == "settled"


@pytest.mark.parametrize(
    "late",
    [
        legs_answer(legs=3),
        legs_answer(legs=2, statuses=["completed", "busy"]),
        legs_answer(legs=2, numbers=[CALLER, "09000000077"]),
    ],
    ids=["one more leg", "another status", "another number"],
)
def test_a_confirmation_that_finds_something_else_goes_out_as_a_correction(bench, exotel, late):
    settle(bench, exotel, legs_answer(legs=2))
    confirm(bench, exotel, late)
    assert list(bench.events()) == ["1/completed", "2/corrected"]
    first, second = bench.events().values()
    assert (second["type"], second["data"]["revision"]) == ("legwork.call.corrected", 2)
    assert second["id"] != first["id"]
    assert list(bench.story().deliveries) == ["stdout/1/completed", "stdout/2/corrected"]
    assert bench.due_in() is None


def test_the_order_of_the_legs_and_keys_unknown_to_us_are_no_correction_where_the_facts_agree(bench, exotel):
    settle(bench, exotel)
    document = json.loads(ANSWERS["S1"].body)
    document["legs"].reverse()
    document["MetaData"]["Page"] = 1
    confirm(bench, exotel, answer(document))
    assert list(bench.events()) == ["1/completed"]


def test_a_callback_that_came_late_is_no_reason_for_a_correction(bench, exotel):
    settle(bench, exotel)
    bench.admit(From=CALLER, To=SECOND)
    confirm(bench, exotel, legs_answer())
    assert list(bench.events()) == ["1/completed"]


@pytest.mark.parametrize(
    "reply",
    [
        answer(status=404),
        answer(status=500),
        reset(),
        legs_answer(statuses=["in-progress"]),
        legs_answer(legs=1, total=3),
    ],
    ids=["404", "500", "reset", "running", "incomplete"],
)
def test_a_confirmation_that_cannot_be_had_changes_nothing(bench, exotel, reply):
    settle(bench, exotel)
    exotel.always(reply)
    bench.fetch_until_done()
    assert list(bench.events()) == ["1/completed"]
    assert bench.story().summary.state == "settled"
    assert totals_of_account(bench.ledger, ACCOUNT).dead == 0


def test_there_is_one_completed_record_whatever_else_comes(bench, exotel):
    exotel.always(legs_answer())
    for _ in range(3):
        bench.admit()
        bench.fetch()
        bench.admit(ended=False)
    bench.fetch_until_done()
    assert list(bench.events()) == ["1/completed"]
    assert len(exotel.seen) == 2, "the fetch, and its confirmation"
    assert totals_of_account(bench.ledger, ACCOUNT).settled == 1


# Given up


def test_a_call_that_exotel_never_knew_is_unavailable_with_the_reason(bench, exotel):
    exotel.always(answer(ANSWERS["S4"].body, 404))
    bench.admit(From=CALLER)
    bench.fetch_until_done()
    (event,) = bench.events().values()
    VALIDATOR.validate(event)
    assert event["type"] == "legwork.call.unavailable"
    data = event["data"]
    assert (data["settled"], data["status"], data["legs"], data["revision"]) == (False, None, [], 1)
    assert data["reason"] == "404: Bad Request: Please check the call id sent"
    assert data["callbacks"][0]["params"]["From"] == CALLER
    assert data["provenance"]["fetches"] == 4
    assert list(bench.story().deliveries) == ["stdout/1/unavailable"]
    assert bench.story().summary.reason == data["reason"]


@pytest.mark.parametrize("order", [["legs", "404"], ["404", "legs"]])
def test_legs_that_were_seen_in_any_attempt_go_out_unsettled(make_bench, exotel, order):
    bench = make_bench(retry_schedule="15")
    replies = {"legs": legs_answer(legs=2, total=3), "404": answer(status=404)}
    exotel.then(*[replies[name] for name in order])
    bench.admit()
    bench.fetch_until_done()
    (event,) = bench.events().values()
    VALIDATOR.validate(event)
    assert (event["type"], event["data"]["settled"]) == ("legwork.call.completed", False)
    assert [leg["number"] for leg in event["data"]["legs"]] == ["+919000000001", "+919000000002"]
    assert bench.story().summary.state == "dead"


def test_the_legs_of_another_call_never_get_into_the_record(bench, exotel):
    exotel.always(legs_answer("7b2e4d6f8a1c3e5097d4b6f8c2a01a9g"))
    bench.admit()
    bench.fetch_until_done()
    assert list(bench.events()) == ["1/unavailable"]


def test_a_dead_call_is_not_asked_for_again_by_itself(bench, exotel):
    exotel.always(answer(status=404))
    bench.admit()
    bench.fetch_until_done()
    asked = len(exotel.seen)
    bench.admit()
    assert bench.wait_of_next() is None
    assert len(exotel.seen) == asked
    assert len(bench.story().callbacks) == 2, "though its callbacks are kept"


def test_a_dead_call_stays_until_somebody_looks_at_it_though_its_record_was_delivered(make_bench, exotel):
    """It was forgotten with its record after RETENTION_DAYS, and stood in the list of the dead as an empty name."""
    bench = make_bench(retention_days=1)
    exotel.always(answer(status=404))
    bench.admit()
    bench.fetch_until_done()
    deliveries = bench.ledger.deliveries[ACCOUNT, "stdout"]
    (lease,) = deliveries.backlog.lease(1)
    deliveries.delivered(deliveries.claim(lease), "written")
    bench.clock.advance(10 * 86_400)
    assert bench.book.forget_old(bench.clock.now_ms) == 0
    assert bench.story().summary.reason == "404"


def test_a_call_that_no_worker_survives_is_buried_and_the_sinks_are_told(bench, exotel):
    bench.admit()
    for _ in range(DEATHS_ALLOWED):
        bench.book.claim(bench.lease())
        bench.clock.advance(bench.book.fetches.lease_ms / 1000 + 1)
        reaped = bench.book.fetches.reap()
    (lease,) = reaped.poisoned
    decide.bury(bench.context, bench.book, lease, "no worker survived fetching it")
    (event,) = bench.events().values()
    assert (event["type"], event["data"]["reason"]) == ("legwork.call.unavailable", "no worker survived fetching it")
    decide.bury(bench.context, bench.book, lease, "twice")
    assert bench.story().summary.reason == "no worker survived fetching it"


def test_a_confirmation_that_no_worker_survives_leaves_what_was_sent(bench, exotel):
    settle(bench, exotel)
    bench.clock.advance(901)
    for _ in range(DEATHS_ALLOWED):
        bench.book.claim(bench.lease())
        bench.clock.advance(bench.book.fetches.lease_ms / 1000 + 1)
        reaped = bench.book.fetches.reap()
    decide.bury(bench.context, bench.book, reaped.poisoned[0], "no worker survived fetching it")
    assert list(bench.events()) == ["1/completed"]
    assert bench.story().summary.state == "settled"


# Who gets what


CHOOSY = [
    SinkSpec(name="everything", url="stdout:"),
    SinkSpec(name="bad-news", url="file:bad.jsonl", types=("legwork.call.unavailable",)),
    SinkSpec(name="ours", url="file:ours.jsonl", accounts=(ACCOUNT,)),
    SinkSpec(name="news", url="file:news.jsonl", types=("legwork.call.corrected", "legwork.account.suspended")),
    SinkSpec(name="elsewhere", url="file:else.jsonl", accounts=("acme2m",)),
]


@pytest.fixture
def choosy(make_bench):
    return make_bench(sink_specs=CHOOSY)


def test_a_sink_gets_the_types_and_the_accounts_that_it_asks_for(choosy, exotel):
    settle(choosy, exotel, legs_answer(legs=2))
    confirm(choosy, exotel, legs_answer())
    deliveries = ["everything/1/completed", "everything/2/corrected", "news/2/corrected"]
    assert sorted(choosy.story().deliveries) == [*deliveries, "ours/1/completed", "ours/2/corrected"]


def test_bad_news_goes_to_who_wants_it(choosy, exotel):
    exotel.always(answer(status=404))
    choosy.admit()
    choosy.fetch_until_done()
    names = ["bad-news", "everything", "ours"]
    assert sorted(choosy.story().deliveries) == [f"{name}/1/unavailable" for name in names]


def test_records_of_operators_go_only_to_who_asks_for_them_by_name(choosy):
    assert sinks_for(choosy.ledger.sinks.values(), ACCOUNT, "legwork.account.suspended") == ["news"]


def test_a_call_whose_records_nobody_wants_is_done_and_forgotten_in_time(make_bench, exotel):
    bench = make_bench(sink_specs=CHOOSY[1:2], retention_days=1, confirm_seconds=0)
    settle(bench, exotel)
    assert bench.story().deliveries == {}
    bench.clock.advance(86_401)
    assert bench.book.forget_old(bench.clock.now_ms) == 1


def test_what_one_call_is_told_is_no_other_calls(bench, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    sids = [f"call{number:04}" for number in range(5)]
    for sid in sids:
        bench.book.admit(make_callback(sid, CustomField=sid), wait_seconds=0)
    for _ in sids:
        bench.fetch()
    for sid in sids:
        (event,) = bench.events(sid).values()
        assert (event["subject"], event["data"]["custom_field"]) == (sid, sid)
        assert {leg["uri"].split("/")[5] for leg in event["data"]["legs"]} == {sid}


def test_what_went_out_under_an_id_stays_as_it_went_out(make_bench, exotel):
    """A call given up, retried and given up again overwrote its record, so a replay sent other content under the same id."""
    bench = make_bench(confirm_seconds=0)
    exotel.always(answer(b"", 404))
    bench.admit()
    bench.fetch_until_done()
    before = bench.book.event(SID, "1/unavailable")
    mending = DeadLetterOperations(bench.ledger, clock=bench.clock)
    assert mending.retry(dead_letters_of(bench.ledger, SID)).calls == 1
    exotel.always(answer(b"", 500))
    bench.fetch_until_done()
    assert bench.book.event(SID, "1/unavailable") == before
