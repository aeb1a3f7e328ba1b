"""The page of the dead: grouped, counted, tried again, dropped."""

from __future__ import annotations

import re

import pytest
from console_kit import Person, bury_delivery, messages, settle_calls, successes, words_of

CALLS = ["dead00001", "dead00002", "dead00003"]


@pytest.fixture
def person(web):
    settle_calls(web, *CALLS[:2], outcome="dead", reason="404: no such call")
    settle_calls(web, CALLS[2], outcome="dead", reason="404: no such call, again")
    settle_calls(web, "call00001")
    bury_delivery(web, "call00001")
    return Person(web)


def states(web):
    return [web.story(sid).summary.state for sid in CALLS]


def agree(person, answer):
    """Press the button of a confirmation page."""
    assert answer.status_code == 200, answer.text
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    fields = {name: [value for key, value in hidden if key == name] for name, _ in hidden}
    return person.open("POST", "/dead/mend", data=fields)


def test_nothing_dead_is_said_so(web):
    assert "Nothing has failed." in words_of(Person(web).read("/dead"))


def test_the_dead_are_grouped_by_reason_and_counted(person):
    page = words_of(person.read("/dead"))
    assert "4 failures" in page
    assert "2 fetch 404: no such call Retry" in page
    assert "1 stdout 503: no room Retry" in page


def test_a_group_is_counted_before_it_is_tried_again_and_only_that_group_is(web, person):
    asked = person.press("/dead/confirm", do="retry", what="fetch", reason="404: no such call")
    assert "Retry 2?" in words_of(asked)
    assert states(web) == ["dead", "dead", "dead"], "asking changes nothing"
    page = person.follow(agree(person, asked))
    assert "2 are retried" in words_of(page)
    assert states(web) == ["waiting", "waiting", "dead"]


def test_one_is_tried_again(web, person):
    asked = person.press("/dead/confirm", do="retry", letter="dead00002/fetch/")
    assert "Retry 1?" in words_of(asked)
    agree(person, asked)
    assert states(web) == ["dead", "waiting", "dead"]


def test_some_are_dropped_fetches_and_deliveries(web, person):
    keys = ["dead00001/fetch/", "call00001/stdout/1/completed"]
    asked = person.press("/dead/confirm", do="drop", letter=keys)
    assert "1 fetch of calls" in words_of(asked)
    assert "1 delivery to stdout" in words_of(asked)
    agree(person, asked)
    assert states(web) == ["dropped", "dead", "dead"]
    assert "2 failures" in words_of(person.read("/dead"))


def test_all_are_dropped_but_what_died_after_the_count(web, person):
    asked = person.press("/dead/confirm", do="drop", all="1")
    assert "Discard 4?" in words_of(asked)
    settle_calls(web, "later0001", outcome="dead", reason="404")
    page = person.follow(agree(person, asked))
    assert "4 were discarded" in words_of(page)
    assert "1 failure:" in words_of(page)


def test_what_changed_meanwhile_is_not_done_twice(person):
    asked = person.press("/dead/confirm", do="retry", all="1")
    agree(person, asked)
    assert "No change." in words_of(person.follow(agree(person, asked)))


@pytest.mark.parametrize(("verb", "done"), [("retry", "4 are retried."), ("drop", "4 were discarded.")])
def test_nothing_is_said_to_be_done_until_it_is(person, verb, done):
    """The page that asked "Discard 4?" had a green message "Drop": the button's label was taken for what had been done."""
    asked = person.press("/dead/confirm", do=verb, all="1")
    assert messages(asked, "status") == messages(asked, "alert") == []
    page = person.follow(agree(person, asked))
    assert messages(page, "status") == successes(page) == [done]


@pytest.mark.parametrize("path", ["/calls?state=bogus", "/sinks/nobody?", "/no/such/page?"])
def test_an_error_page_says_nothing_of_a_success(person, path):
    assert messages(person.read(f"{path}&said=dropped&n=4"), "status") == []


def test_a_message_that_nothing_was_changed_is_not_green(person):
    asked = person.press("/dead/confirm", do="retry", all="1")
    agree(person, asked)
    page = person.follow(agree(person, asked))
    assert (messages(page, "status"), successes(page)) == (["No change."], [])


@pytest.mark.parametrize("fields", [{"do": "retry"}, {"do": "burn", "all": "1"}, {}])
def test_choosing_nothing_does_nothing(web, person, fields):
    assert person.press("/dead/confirm", **fields).status_code == 422
    assert person.press("/dead/mend", **fields).status_code == 422
    assert states(web) == ["dead"] * 3
