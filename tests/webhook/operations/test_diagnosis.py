"""What keeps calls from flowing, as the status, the API and the overview tell it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_kit import json_of, run
from console_kit import SID, Person, admit, bury_delivery, settle_calls, words_of
from door import STATUS
from house import ACCOUNT
from processes import until

from webhook.operations.diagnosis import find_holdups
from webhook.operations.finding import Verdict
from webhook.operations.status import read_status
from worker.ledger.backlog import Lane
from worker.ledger.capacity import Room

MINUTE_MS = 60_000


@pytest.fixture
def house(house):
    """All is well, until a test spoils it."""
    house.ledger.say_hello("host:1", 8)
    return house


def holdups_of(house):
    return [(holdup.about, holdup.verdict.value) for holdup in find_holdups(read_status(house.ledger))]


def text_of(house):
    (holdup,) = find_holdups(read_status(house.ledger))
    return holdup.text


def make_late(house, minutes):
    book = house.ledger.calls[ACCOUNT]
    admit(house, SID)
    house.redis.zadd(book.fetches.due_key(Lane.LIVE), {SID: house.ledger.now_ms() - minutes * MINUTE_MS})


def test_where_all_is_well_there_are_none_though_calls_wait_on_purpose(house):
    admit(house, SID)
    settle_calls(house, "call00002")
    assert holdups_of(house) == []


def test_without_a_worker_nothing_flows(house):
    house.ledger.say_goodbye("host:1", 8)
    assert holdups_of(house) == [("workers", "wrong")]


def test_calls_that_are_late_though_there_is_quota_want_workers(house):
    make_late(house, 1)
    assert holdups_of(house) == []
    make_late(house, 5)
    assert holdups_of(house) == [(f"account {ACCOUNT}", "wrong")]
    assert text_of(house).startswith("1 call waits, late by 5 min though there is quota left")


def test_calls_that_wait_for_the_quota_are_done_at_a_time_that_can_be_told(make_house, redis_url):
    house = make_house(redis_url, exotel_quota=5)
    house.ledger.say_hello("host:1", 8)
    make_late(house, 5)
    for token in range(4):
        house.ledger.calls[ACCOUNT].bucket.take(f"token-{token}")
    assert holdups_of(house) == [(f"account {ACCOUNT}", "warning")]
    assert text_of(house).startswith("1 call waits for the quota; done in ")


def test_a_suspended_account_says_what_exotel_said_and_no_secret(house):
    house.ledger.calls[ACCOUNT].bucket.suspend("401: the-api-token is wrong, ask +919000000001")
    assert holdups_of(house) == [(f"account {ACCOUNT}", "wrong")]
    assert text_of(house).startswith("is suspended: 401: *** is wrong, ask …0001; no call waits; ")


def test_a_pause_has_an_end(house):
    house.ledger.calls[ACCOUNT].bucket.pause(600)
    assert holdups_of(house) == [(f"account {ACCOUNT}", "warning")]
    assert "10 min of it are left" in text_of(house)


def test_an_account_that_gives_way_says_how_much_is_left(house):
    house.ledger.calls[ACCOUNT].bucket.pause(0.001)
    until(lambda: read_status(house.ledger).accounts[0][1].state == "yielding")
    assert holdups_of(house) == [(f"account {ACCOUNT}", "warning")]
    assert "160 of 200 requests are in use" in text_of(house)


def test_a_sink_that_is_disabled_or_fails_says_why_and_what_waits(house):
    settle_calls(house, SID)
    house.ledger.disable_sink("stdout", "moves house")
    assert holdups_of(house) == [("sink stdout", "wrong")]
    assert text_of(house).startswith("is disabled: moves house; 1 record waits; `legwork sinks enable stdout`")


def test_records_that_are_late_for_a_sink_that_is_well_are_told(house):
    settle_calls(house, SID)
    book = house.ledger.deliveries[ACCOUNT, "stdout"].backlog
    house.redis.zadd(book.due_key(Lane.LIVE), {f"{SID}/1/completed": house.ledger.now_ms() - 5 * MINUTE_MS})
    assert holdups_of(house) == [("sink stdout", "warning")]
    assert text_of(house).startswith("1 record waits, late by 5 min")


@pytest.mark.parametrize(
    ("room", "verdict", "said"),
    [
        (Room(used=0.65, spoken_for=0.7), None, ""),
        (Room(used=0.75, spoken_for=0.8), Verdict.WARNING, "is full to 75%, and forgets"),
        (
            Room(used=0.75, spoken_for=0.93),
            Verdict.WRONG,
            "is full to 75%, to 93% with what waits, and callbacks are answered with 503",
        ),
    ],
)
def test_a_redis_that_fills_up_is_told_before_it_turns_callbacks_away(house, room, verdict, said):
    found = find_holdups(replace(read_status(house.ledger), room=room))
    assert [holdup.verdict for holdup in found] == ([verdict] if verdict else [])
    assert said in "".join(holdup.text for holdup in found)


def test_the_worst_comes_first_and_what_was_given_up_on_last(house):
    settle_calls(house, SID)
    bury_delivery(house, SID)
    settle_calls(house, "call00002", outcome="dead", reason="404")
    house.ledger.calls[ACCOUNT].bucket.pause(80)
    house.ledger.disable_sink("stdout", "moves house")
    assert holdups_of(house) == [("sink stdout", "wrong"), (f"account {ACCOUNT}", "warning"), ("dead", "warning")]
    last = find_holdups(read_status(house.ledger))[-1]
    assert last.text.startswith("1 call and 1 record were given up on; ")


def test_programs_and_people_are_told_the_same(house, redis_url):
    house.ledger.disable_sink("stdout", "moves house")
    (told,) = json_of("status", redis_url=redis_url)["holdups"]
    assert (told["about"], told["verdict"]) == ("sink stdout", "wrong")
    assert house.get("/api/status").json["holdups"] == [told]
    assert f"sink stdout: {told['text']}." in run("status", redis_url=redis_url).stdout
    page = Person(house).read()
    assert " ".join(told["text"].replace("`", " ").split()) in words_of(page)
    assert '<a href="/sinks/stdout">sink stdout</a>' in page.text


def test_the_overview_answers_the_question_it_asks(house):
    def answer():
        return words_of(Person(house).read()).split("Is it flowing?")[1].split("received")[0]

    assert "Nothing comes in. The last hour brought no call." in answer()
    house.post(STATUS, data={"CallSid": SID})
    house.ledger.meters.flush()
    assert "Yes. Last five minutes: 1 in, 0 out." in answer()
    house.ledger.calls[ACCOUNT].bucket.pause(80)
    assert "Yes, with delays." in answer()
    house.ledger.disable_sink("stdout", "moves house")
    assert "Not all of it." in answer()
    house.ledger.say_goodbye("host:1", 8)
    assert " No. " in answer()


def test_what_was_given_up_on_last_week_does_not_keep_calls_from_flowing(house):
    settle_calls(house, "call00002", outcome="dead", reason="404")
    page = words_of(Person(house).read())
    assert "dead : 1 call was given up on; legwork dead list shows why" in page
    assert "Not all of it" not in page
