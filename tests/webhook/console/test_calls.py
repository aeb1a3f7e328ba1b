"""Leafing through calls, and finding one."""

from __future__ import annotations

import re

import pytest
from console_kit import SID, Person, admit, settle_calls, words_of
from factories import ACCOUNT

from worker.ledger.queries.number_search import LOOKED_THROUGH


def listed(answer):
    return re.findall(r'href="/calls/([0-9A-Za-z]+)"', answer.text)


def next_of(answer):
    found = re.search(r'rel="next" href="([^"]+)"', answer.text)
    return found and found[1].replace("&amp;", "&")


def test_leafing_shows_every_call_once(web):
    sids = [f"call{number:05}" for number in range(130)]
    admit(web, *sids[:120])
    settle_calls(web, *sids[120:])
    person, path, seen, pages = Person(web), "/calls", [], 0
    while path:
        answer = person.read(path)
        seen += listed(answer)
        pages, path = pages + 1, next_of(answer)
    assert sorted(seen) == sids
    assert pages == 3


def test_leafing_keeps_to_the_state_and_the_account_that_were_chosen(web):
    admit(web, *(f"call{number:05}" for number in range(60)))
    settle_calls(web, "settled01")
    settle_calls(web, "dead00001", outcome="dead", reason="404")
    person = Person(web)
    assert listed(person.read("/calls?state=settled")) == ["settled01"]
    assert listed(person.read("/calls?state=dead&account=acme1m")) == ["dead00001"]
    waiting = person.read("/calls?state=waiting&account=acme1m")
    assert "state=waiting" in next_of(waiting)
    assert len(listed(person.read(next_of(waiting)))) == 10


def test_calls_of_a_span_of_time_are_those_whose_state_has_a_time_in_it(web):
    settled = web.ledger.calls[ACCOUNT].key("settled")
    # 2026-09-16, 11:00 in India and ten minutes later.
    web.ledger.client.zadd(settled, {"early0001": 1_789_536_600_000, "later0001": 1_789_537_200_000})
    person = Person(web)
    assert listed(person.read("/calls?since=2026-09-16T11:00&until=2026-09-16T11:10")) == ["early0001"]
    assert listed(person.read("/calls?since=2026-09-16T11:01")) == ["later0001"]
    assert listed(person.read("/calls?until=2026-09-16T05:31Z")) == ["early0001"]
    page = person.read("/calls?since=2026-09-16T11:00")
    assert 'value="2026-09-16T11:00"' in page.text
    assert "Asia/Kolkata" in page.text


def test_older_calls_of_a_span_of_time_are_of_that_span_too(web):
    settled = web.ledger.calls[ACCOUNT].key("settled")
    web.ledger.client.zadd(settled, {f"call{n:05}": 1_789_536_600_000 + n * 1000 for n in range(120)})
    person, path, seen = Person(web), "/calls?since=2026-09-16T11:00:10&until=2026-09-16T11:01:40", []
    while path:
        answer = person.read(path)
        seen += listed(answer)
        path = next_of(answer)
    assert seen == [f"call{n:05}" for n in range(99, 9, -1)]


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01T00:00", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_what_is_no_time_is_said_to_be_none(web, time):
    answer = Person(web).read(f"/calls?since={time}")
    assert answer.status_code in {200, 400}
    assert (answer.status_code == 400) == ("give 2026-09-16T11:00" in answer.text)


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ("state=bogus", "There is no state 'bogus'. States: waiting, fetching, settled, dead."),
        ("state=<b>", "There is no state '<b>'. States: waiting"),
        ("account=nobody", f"There is no account 'nobody'. Accounts: {ACCOUNT}."),
        ("after=yesterday", "There is no such page of calls."),
        ("until=yesterday", "That is no time: give 2026-09-16T11:00"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused_with_what_there_is_and_a_way_back(web, query, right):
    """`/calls?state=bogus` was a page that is not found, and led to the overview."""
    answer = Person(web).read(f"/calls?{query}")
    assert answer.status_code == 400
    assert right in words_of(answer)
    assert '<a href="/calls">To all calls</a>' in answer.text
    assert "<b>" not in answer.text


def test_a_callsid_leads_to_its_call(web):
    admit(web, SID)
    assert Person(web).press("/calls", wanted=f"  {SID} ").location == f"/calls/{SID}"


def test_a_callsid_that_is_not_there_is_told(web):
    assert "No call in the ledger has this CallSid" in words_of(Person(web).press("/calls", wanted=SID))


@pytest.mark.parametrize("number", ["+919000000002", "09000000002", "+91 90000 00002", "9000000002"])
def test_a_number_finds_its_calls_however_it_is_written(web, number):
    settle_calls(web, SID)
    admit(web, "call00002", From="09000000077", To="09000000088")
    answer = Person(web).press("/calls", wanted=number)
    assert listed(answer) == [SID]
    assert answer.status_code == 200, "and there is no URL with the number in it"


def test_a_number_is_found_in_callbacks_before_anything_was_fetched(web):
    admit(web, "call00002", From="09000000077", To="09000000088")
    assert listed(Person(web).press("/calls", wanted="+919000000088")) == ["call00002"]


def test_a_sip_address_is_found_as_it_is(web):
    admit(web, "call00003", To="sip:agentone")
    assert listed(Person(web).press("/calls", wanted="sip:agentone")) == ["call00003"]


def test_a_part_of_a_number_finds_nothing(web):
    settle_calls(web, SID)
    answer = Person(web).press("/calls", wanted="000002")
    assert listed(answer) == []
    assert "1 calls were looked through, all there are: none has this number." in words_of(answer)


def test_what_is_neither_is_told(web):
    assert "neither a CallSid" in words_of(Person(web).press("/calls", wanted="Ms Mehta!"))


def test_the_page_says_how_far_a_number_was_looked_for_and_lets_one_look_on(web):
    # The oldest call has the number; as many as are looked through at once are younger.
    admit(web, "oldest000", From="09000000077")
    admit(web, *(f"call{number:05}" for number in range(LOOKED_THROUGH)))
    person = Person(web)
    first = person.press("/calls", wanted="09000000077")
    assert listed(first) == []
    assert "2,000 calls were looked through, the latest: none has this number. Looking on" in words_of(first)
    names = ("after", "looked_through", "hits")
    on = {name: re.search(rf'name="{name}" value="([^"]+)"', first.text)[1] for name in names}
    second = person.press("/calls", wanted="09000000077", **on)
    assert listed(second) == ["oldest000"]
    assert f"{LOOKED_THROUGH + 1:,} calls were looked through, all there are: 1 has this number." in words_of(second)
