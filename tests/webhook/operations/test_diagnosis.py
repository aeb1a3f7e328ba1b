"""What keeps calls from flowing, as the status, the API and the overview tell it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_kit import json_of, run
from console_kit import SID, Person, admit, bury_delivery, settle_calls, words_of
from factories import ACCOUNT
from processes import until
from web_app import STATUS

from webhook.operations.diagnosis import find_problems
from webhook.operations.problem import Severity
from webhook.operations.status import read_status
from worker.ledger.backlog import Lane
from worker.ledger.capacity import Capacity

MINUTE_MS = 60_000


@pytest.fixture
def web(web):
    """All is well, until a test spoils it."""
    web.ledger.register_worker("host:1", 8)
    return web


def problems_of(web):
    return [(problem.about, problem.severity.value) for problem in find_problems(read_status(web.ledger))]


def text_of(web):
    (problem,) = find_problems(read_status(web.ledger))
    return problem.text


def make_late(web, minutes):
    book = web.ledger.calls[ACCOUNT]
    admit(web, SID)
    web.redis.zadd(book.fetches.due_key(Lane.LIVE), {SID: web.ledger.now_ms() - minutes * MINUTE_MS})


def test_where_all_is_well_there_are_none_though_calls_wait_on_purpose(web):
    admit(web, SID)
    settle_calls(web, "call00002")
    assert problems_of(web) == []


def test_without_a_worker_nothing_flows(web):
    web.ledger.deregister_worker("host:1", 8)
    assert problems_of(web) == [("workers", "error")]


def test_calls_that_are_late_though_there_is_quota_want_workers(web):
    make_late(web, 1)
    assert problems_of(web) == []
    make_late(web, 5)
    assert problems_of(web) == [(f"account {ACCOUNT}", "error")]
    assert text_of(web).startswith("1 call waits, overdue by 5 min although quota is left")


def test_calls_that_wait_for_the_quota_are_done_at_a_time_that_can_be_told(make_web, redis_url):
    web = make_web(redis_url, exotel_quota=5)
    web.ledger.register_worker("host:1", 8)
    make_late(web, 5)
    for token in range(4):
        web.ledger.calls[ACCOUNT].bucket.take(f"token-{token}")
    assert problems_of(web) == [(f"account {ACCOUNT}", "warning")]
    assert text_of(web).startswith("1 call waits for the quota; done in ")


def test_a_suspended_account_says_what_exotel_said_and_no_secret(web):
    web.ledger.calls[ACCOUNT].bucket.suspend("401: the-api-token is wrong, ask +919000000001")
    assert problems_of(web) == [(f"account {ACCOUNT}", "error")]
    assert text_of(web).startswith("is suspended: 401: *** is wrong, ask …0001; no call waits; ")


def test_a_pause_has_an_end(web):
    web.ledger.calls[ACCOUNT].bucket.pause(600)
    assert problems_of(web) == [(f"account {ACCOUNT}", "warning")]
    assert "(429); 10 min left" in text_of(web)


def test_an_account_that_gives_way_says_how_much_is_left(web):
    web.ledger.calls[ACCOUNT].bucket.pause(0.001)
    until(lambda: read_status(web.ledger).accounts[0][1].state == "yielding")
    assert problems_of(web) == [(f"account {ACCOUNT}", "warning")]
    assert "Legwork uses only 160 of 200 requests" in text_of(web)


def test_a_sink_that_is_disabled_or_fails_says_why_and_what_waits(web):
    settle_calls(web, SID)
    web.ledger.disable_sink("stdout", "moves house")
    assert problems_of(web) == [("sink stdout", "error")]
    assert text_of(web).startswith("is disabled: moves house; 1 record waits; `legwork sinks enable stdout`")


def test_records_that_are_late_for_a_sink_that_is_well_are_told(web):
    settle_calls(web, SID)
    book = web.ledger.deliveries[ACCOUNT, "stdout"].backlog
    web.redis.zadd(book.due_key(Lane.LIVE), {f"{SID}/1/completed": web.ledger.now_ms() - 5 * MINUTE_MS})
    assert problems_of(web) == [("sink stdout", "warning")]
    assert text_of(web).startswith("1 record waits, overdue by 5 min")


@pytest.mark.parametrize(
    ("capacity", "severity", "said"),
    [
        (Capacity(used=0.65, committed=0.7), None, ""),
        (Capacity(used=0.75, committed=0.8), Severity.WARNING, "is 75% full, so delivered calls are forgotten early"),
        (
            Capacity(used=0.75, committed=0.93),
            Severity.ERROR,
            "is 75% full, 93% including what the waiting calls will need, and callbacks are answered with 503",
        ),
    ],
)
def test_a_redis_that_fills_up_is_told_before_it_turns_callbacks_away(web, capacity, severity, said):
    found = find_problems(replace(read_status(web.ledger), capacity=capacity))
    assert [problem.severity for problem in found] == ([severity] if severity else [])
    assert said in "".join(problem.text for problem in found)


def test_the_worst_comes_first_and_what_was_given_up_on_last(web):
    settle_calls(web, SID)
    bury_delivery(web, SID)
    settle_calls(web, "call00002", outcome="dead", reason="404")
    web.ledger.calls[ACCOUNT].bucket.pause(80)
    web.ledger.disable_sink("stdout", "moves house")
    assert problems_of(web) == [("sink stdout", "error"), (f"account {ACCOUNT}", "warning"), ("dead", "warning")]
    last = find_problems(read_status(web.ledger))[-1]
    assert last.text.startswith("1 call and 1 record failed after all retries; ")


def test_programs_and_people_are_told_the_same(web, redis_url):
    web.ledger.disable_sink("stdout", "moves house")
    (told,) = json_of("status", code=1, redis_url=redis_url)["problems"]
    assert (told["about"], told["severity"]) == ("sink stdout", "error")
    assert web.get("/api/status").json["problems"] == [told]
    assert f"sink stdout: {told['text']}." in run("status", redis_url=redis_url).stdout
    page = Person(web).read()
    assert " ".join(told["text"].replace("`", " ").split()) in words_of(page)
    assert '<a href="/sinks/stdout">sink stdout</a>' in page.text


def test_the_overview_answers_the_question_it_asks(web):
    def answer():
        return words_of(Person(web).read()).split("Status: ")[1].split("Calls received")[0]

    assert "Idle No call in the last hour." in answer()
    web.post(STATUS, data={"CallSid": SID})
    web.ledger.meters.flush()
    assert "Operational Last five minutes: 1 received, 0 delivered." in answer()
    web.ledger.calls[ACCOUNT].bucket.pause(80)
    assert "Delayed Last five minutes" in answer()
    web.ledger.disable_sink("stdout", "moves house")
    assert "Degraded Last five minutes" in answer()
    web.ledger.deregister_worker("host:1", 8)
    assert "Down Last five minutes" in answer()


def test_what_was_given_up_on_last_week_does_not_keep_calls_from_flowing(web):
    settle_calls(web, "call00002", outcome="dead", reason="404")
    page = words_of(Person(web).read())
    assert "dead : 1 call failed after all retries; legwork dead list shows why" in page
    assert "Degraded" not in page
