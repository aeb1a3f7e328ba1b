from __future__ import annotations

import pytest
from cli_kit import json_of, open_ledger, run, settle
from house import ACCOUNT, make_callback

SETTLED, DEAD, WAITING = "settled0001", "dead00000001", "waiting00001"


@pytest.fixture
def ledger(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, SETTLED)
    settle(ledger, DEAD, "dead", "404: unknown [call]")
    ledger.calls[ACCOUNT].admit(make_callback(WAITING), wait_seconds=50)
    return ledger


def test_the_list_has_every_call_once_the_newest_first(redis_url, ledger):
    listed = json_of("calls", "list", redis_url=redis_url)
    assert [(call["call_sid"], call["state"]) for call in listed] == [
        (WAITING, "waiting"),
        (DEAD, "dead"),
        (SETTLED, "settled"),
    ]
    assert listed[1]["reason"] == "404: unknown [call]"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--state", "dead"], {DEAD}),
        (["--state", "fetching"], set()),
        (["--account", ACCOUNT, "--limit", "2"], {WAITING, DEAD}),
    ],
)
def test_the_list_can_be_narrowed_down(redis_url, ledger, options, found):
    assert {call["call_sid"] for call in json_of("calls", "list", *options, redis_url=redis_url)} == found


def test_a_settled_call_that_is_being_confirmed_is_settled(redis_url, ledger):
    ledger.client.zadd(ledger.calls[ACCOUNT].fetches.leases_key, {SETTLED: 9e15})
    states = {call["call_sid"]: call["state"] for call in json_of("calls", "list", redis_url=redis_url)}
    assert states[SETTLED] == "settled"


def test_people_see_what_comes_next(redis_url, ledger):
    text = run("calls", "list", redis_url=redis_url).stdout
    assert "a fetch in" in text
    assert "404: unknown [call]" in text


@pytest.mark.parametrize("options", [["--account", "nobody"], ["--state", "asleep"], ["--limit", "0"]])
def test_what_cannot_be_listed_is_bad_usage(redis_url, options):
    assert run("calls", "list", *options, redis_url=redis_url).exit_code == 2


def test_the_story_has_all_that_the_ledger_holds(redis_url, ledger):
    story = json_of("calls", "show", SETTLED, redis_url=redis_url)
    assert (story["state"], story["revision"], story["fetches"]) == ("settled", 1, 1)
    assert [(callback["kind"], callback["event"]) for callback in story["callbacks"]] == [("status", "terminal")]
    assert [step["answer"] for step in story["steps"]] == ["200: final"]
    assert story["records"]["1/completed"]["subject"] == SETTLED
    assert list(story["deliveries"]) == ["stdout/1/completed"]


def test_the_story_draws_a_bar_for_each_leg_with_its_number(redis_url, ledger):
    text = run("calls", "show", SETTLED, redis_url=redis_url).stdout
    legs = json_of("calls", "show", SETTLED, redis_url=redis_url)["records"]["1/completed"]["data"]["legs"]
    for leg in legs:
        (line,) = [line for line in text.splitlines() if leg["role"] in line and leg["number"] in line]
        assert "█" in line


def test_the_story_of_a_dead_call_says_why(redis_url, ledger):
    assert "404: unknown [call]" in run("calls", "show", DEAD, redis_url=redis_url).stdout


def test_a_call_that_is_not_there_is_found_wrong(redis_url, ledger):
    result = run("calls", "show", "nowhere00001", redis_url=redis_url)
    assert result.exit_code == 1
    assert "no such call" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("sid", ["short", "with-a-dash", "x" * 65, "with space"])
def test_what_is_no_callsid_is_bad_usage(redis_url, sid):
    assert run("calls", "show", sid, redis_url=redis_url).exit_code == 2
