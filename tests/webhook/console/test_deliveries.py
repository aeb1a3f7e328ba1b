"""The list of a sink's deliveries: what waits, what is failing, what failed for good, each to be retried."""

from __future__ import annotations

import re

import pytest
from console_kit import Person, bury_delivery, settle_calls, words_of
from factories import ACCOUNT

from worker.ledger.deliveries import Told

PATH = "/sinks/stdout/deliveries"
CALLS = [f"call{number:05}" for number in range(120)]


def fail(web, count, answer="503: ask +919000000001", wait=3600):
    """Let the first deliveries fail; the CallSids."""
    book = web.ledger.deliveries[ACCOUNT, "stdout"]
    failed = []
    for number, lease in enumerate(book.backlog.lease(count)):
        told = Told(0.012, 503, "in maintenance")
        assert book.postpone(book.claim(lease), answer, wait_seconds=wait + number, attempt=True, told=told)
        failed.append(lease.item.partition("/")[0])
    return failed


def listed(answer):
    return re.findall(r'href="/calls/([^"]+)" title=', answer.text)


def test_what_waits_is_listed_in_the_order_in_which_it_is_due(web):
    settle_calls(web, *CALLS[:3])
    failed = fail(web, 1)
    page = Person(web).read(PATH)
    assert set(listed(page)) == set(CALLS[:3])
    assert listed(page)[-1] == failed[0], "it is due in an hour"
    words = words_of(page)
    assert "1 503: ask …0001, after 12 ms in maintenance in 1 h 0 min" in words
    assert words.count("no attempt yet") == 2


def test_it_can_be_narrowed_down_to_what_is_failing_and_to_dead_letters(web):
    settle_calls(web, *CALLS[:3])
    failed = fail(web, 1)
    bury_delivery(web, next(sid for sid in CALLS[:3] if sid not in failed))
    person = Person(web)
    assert listed(person.read(f"{PATH}?state=failing")) == failed
    (dead,) = listed(person.read(f"{PATH}?state=dead"))
    assert dead not in failed
    assert dead not in listed(person.read(PATH))
    assert "No dead letters." not in words_of(person.read(f"{PATH}?state=dead"))


@pytest.mark.parametrize("state", ["waiting", "failing", "dead"])
def test_an_empty_list_says_so(web, state):
    words = words_of(Person(web).read(f"{PATH}?state={state}"))
    assert {"waiting": "No delivery waits.", "failing": "No delivery is failing.", "dead": "No dead letters."}[
        state
    ] in words


def test_a_long_list_has_pages_and_each_delivery_is_on_one(web):
    settle_calls(web, *CALLS)
    person, seen = Person(web), []
    for number in (1, 2, 3):
        page = person.read(f"{PATH}?page={number}")
        seen += listed(page)
        assert ('rel="next"' in page.text) is (number < 3)
    assert sorted(seen) == CALLS
    assert "There is nothing on this page any more." in words_of(person.read(f"{PATH}?page=4"))


def test_one_is_retried_now_and_the_list_says_so(web):
    settle_calls(web, *CALLS[:2])
    first, second = fail(web, 2)
    person = Person(web)
    answer = person.press(f"{PATH}/retry?state=failing&page=1", sid=second)
    assert answer.location.startswith(f"{PATH}?")
    page = person.follow(answer)
    assert "One delivery is retried now" in words_of(page)
    assert listed(page) == [second, first]
    book = web.ledger.deliveries[ACCOUNT, "stdout"]
    assert [lease.item.partition("/")[0] for lease in book.backlog.lease(9)] == [second]


def test_a_dead_letter_is_delivered_again_from_here(web):
    settle_calls(web, CALLS[0])
    bury_delivery(web, CALLS[0])
    person = Person(web)
    page = person.follow(person.press(f"{PATH}/retry?state=dead", sid=CALLS[0]))
    assert "One record is queued for delivery" in words_of(page)
    assert listed(page) == []


@pytest.mark.parametrize("query", ["state=asleep", "page=0", "page=x", "page=201", "page=²"])
def test_what_there_is_not_is_told(web, query):
    page = Person(web).read(f"{PATH}?{query}")
    assert page.status_code == 400
    assert "There is no" in words_of(page)


def test_a_sink_or_a_call_that_there_is_not_is_told(web):
    person = Person(web)
    assert person.read("/sinks/nobody/deliveries").status_code == 404
    assert person.press("/sinks/nobody/deliveries/retry", sid=CALLS[0]).status_code == 404
    assert person.press(f"{PATH}/retry", sid="nosuchcall").status_code == 404
