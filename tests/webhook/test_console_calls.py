"""Leafing through calls, and finding one."""

from __future__ import annotations

import re

import pytest
from console_kit import SID, Person, admit, settle_calls, words_of

from worker.ledger.finding import LOOKED_THROUGH


def listed(answer):
    return re.findall(r'href="/calls/([0-9A-Za-z]+)"', answer.text)


def next_of(answer):
    found = re.search(r'rel="next" href="([^"]+)"', answer.text)
    return found and found[1].replace("&amp;", "&")


def test_leafing_shows_every_call_once(house):
    sids = [f"call{number:05}" for number in range(130)]
    admit(house, *sids[:120])
    settle_calls(house, *sids[120:])
    person, path, seen, pages = Person(house), "/calls", [], 0
    while path:
        answer = person.read(path)
        seen += listed(answer)
        pages, path = pages + 1, next_of(answer)
    assert sorted(seen) == sids
    assert pages == 3


def test_leafing_keeps_to_the_state_and_the_account_that_were_chosen(house):
    admit(house, *(f"call{number:05}" for number in range(60)))
    settle_calls(house, "settled01")
    settle_calls(house, "dead00001", outcome="dead", reason="404")
    person = Person(house)
    assert listed(person.read("/calls?state=settled")) == ["settled01"]
    assert listed(person.read("/calls?state=dead&account=acme1m")) == ["dead00001"]
    waiting = person.read("/calls?state=waiting&account=acme1m")
    assert "state=waiting" in next_of(waiting)
    assert len(listed(person.read(next_of(waiting)))) == 10


@pytest.mark.parametrize("query", ["state=lost", "account=nobody", "after=yesterday"])
def test_what_there_is_not_is_not_found(house, query):
    answer = Person(house).read(f"/calls?{query}")
    assert (answer.status_code, "<h1>" in answer.text) == (404, True)


def test_a_callsid_leads_to_its_call(house):
    admit(house, SID)
    assert Person(house).press("/calls", wanted=f"  {SID} ").location == f"/calls/{SID}"


def test_a_callsid_that_is_not_there_is_told(house):
    assert "No call in the ledger has this CallSid" in words_of(Person(house).press("/calls", wanted=SID))


@pytest.mark.parametrize("number", ["+919000000002", "09000000002", "+91 90000 00002", "9000000002"])
def test_a_number_finds_its_calls_however_it_is_written(house, number):
    settle_calls(house, SID)
    admit(house, "call00002", From="09000000077", To="09000000088")
    answer = Person(house).press("/calls", wanted=number)
    assert listed(answer) == [SID]
    assert answer.status_code == 200, "and there is no URL with the number in it"


def test_a_number_is_found_in_callbacks_before_anything_was_fetched(house):
    admit(house, "call00002", From="09000000077", To="09000000088")
    assert listed(Person(house).press("/calls", wanted="+919000000088")) == ["call00002"]


def test_a_sip_address_is_found_as_it_is(house):
    admit(house, "call00003", To="sip:agentone")
    assert listed(Person(house).press("/calls", wanted="sip:agentone")) == ["call00003"]


def test_a_part_of_a_number_finds_nothing(house):
    settle_calls(house, SID)
    answer = Person(house).press("/calls", wanted="000002")
    assert listed(answer) == []
    assert "None of them has this number" in words_of(answer)


def test_what_is_neither_is_told(house):
    assert "neither a CallSid" in words_of(Person(house).press("/calls", wanted="Ms Mehta!"))


def test_the_page_says_how_far_a_number_was_looked_for_and_lets_one_look_on(house):
    # The oldest call has the number; as many as are looked through at once are younger.
    admit(house, "oldest000", From="09000000077")
    admit(house, *(f"call{number:05}" for number in range(LOOKED_THROUGH)))
    person = Person(house)
    assert f"the latest {LOOKED_THROUGH:,} calls are looked through" in words_of(person.read("/calls"))
    first = person.press("/calls", wanted="09000000077")
    assert listed(first) == []
    after, before = (re.search(rf'name="{name}" value="([^"]+)"', first.text)[1] for name in ("after", "before"))
    second = person.press("/calls", wanted="09000000077", after=after, before=before)
    assert listed(second) == ["oldest000"]
    assert f"{LOOKED_THROUGH + 1:,} of the latest calls were looked through, which is all there are" in words_of(second)


def test_a_call_that_is_only_confirmed_is_listed_as_settled_alone(make_house):
    house = make_house()
    book = house.ledger.calls["acme1m"]
    settle_calls(house, SID)
    book.fetches._scripts._client.zadd(book.fetches.due_key(4), {SID: 1})
    book.fetches.lease(1)
    person = Person(house)
    assert listed(person.read("/calls")) == [SID]
    assert listed(person.read("/calls?state=fetching")) == []
