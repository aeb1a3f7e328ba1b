"""Leafing through calls, and finding one."""

from __future__ import annotations

import re

import pytest
from console_kit import NUMBERS, SID, Person, admit, settle_calls, words_of
from factories import ACCOUNT
from structlog.testing import capture_logs

from worker.ledger.index import began_key


def listed(answer):
    return re.findall(r'href="/calls/([0-9A-Za-z]{8,})"', answer.text)


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


def began(web, **times):
    """Admit calls that began at these times of Redis's clock."""
    admit(web, *times)
    web.ledger.client.zadd(began_key(ACCOUNT), times)


def test_calls_of_a_span_of_time_are_those_that_began_in_it(web):
    """They were those that had settled, failed or were due in it, and yesterday's calls could not be asked for."""
    # 2026-09-16, 11:00 in India and ten minutes later.
    began(web, early0001=1_789_536_600_000, later0001=1_789_537_200_000)
    person = Person(web)
    assert listed(person.read("/calls?since=2026-09-16T11:00&until=2026-09-16T11:10")) == ["early0001"]
    assert listed(person.read("/calls?since=2026-09-16T11:01")) == ["later0001"]
    assert listed(person.read("/calls?until=2026-09-16T05:31Z")) == ["early0001"]
    page = person.read("/calls?since=2026-09-16T11:00")
    assert 'value="2026-09-16T11:00"' in page.text
    assert "Asia/Kolkata" in page.text


def test_older_calls_of_a_span_of_time_are_of_that_span_too(web):
    began(web, **{f"call{n:05}": 1_789_536_600_000 + n * 1000 for n in range(120)})
    person, path, seen = Person(web), "/calls?since=2026-09-16T11:00:10&until=2026-09-16T11:01:40", []
    while path:
        answer = person.read(path)
        seen += listed(answer)
        path = next_of(answer)
    assert seen == [f"call{n:05}" for n in range(99, 9, -1)]


def test_the_usual_spans_are_links_that_keep_the_other_filters(web):
    admit(web, SID)
    page = Person(web).read("/calls?state=waiting")
    links = dict(reversed(each) for each in re.findall(r'<a href="(/calls[^"]+)">([^<]+)</a>', page.text))
    assert listed(Person(web).read(links["Today"].replace("&amp;", "&"))) == [SID]
    assert listed(Person(web).read(links["Yesterday"].replace("&amp;", "&"))) == []
    assert "state=waiting" in links["7 days"]


def test_a_call_is_a_line_of_what_happened_with_its_numbers_masked(web):
    settle_calls(web, SID)
    row = words_of(Person(web).read("/calls?state=settled"))
    for told in ("outbound", "…0001", "answered", "final", "0/1", SID[:8]):
        assert told in row, told
    assert not [number for number in NUMBERS if number in row]


def test_numbers_are_shown_when_they_are_asked_for_which_is_logged(web):
    settle_calls(web, SID)
    with capture_logs() as logs:
        page = Person(web).press("/calls/numbers?state=settled")
    assert "+919000000001" in page.text
    assert listed(page) == [SID]
    assert [line["page"] for line in logs if line["event"] == "console.numbers_shown"] == ["calls"]


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01T00:00", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_what_is_no_time_is_said_to_be_none(web, time):
    answer = Person(web).read(f"/calls?since={time}")
    assert answer.status_code in {200, 400}
    assert (answer.status_code == 400) == ("give 2026-09-16T11:00" in answer.text)


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ("state=bogus", "There is no state 'bogus'. States: waiting, fetching, settled, dead, dropped."),
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


def search(person, wanted):
    """Look for a text; the page that comes of it."""
    return person.follow(person.press("/calls", wanted=wanted))


@pytest.mark.parametrize(
    "number", ["+919000000002", "09000000002", "+91 90000 00002", "9000000002", "0002", "…0002", "002"]
)
def test_a_number_finds_its_calls_however_it_is_written(web, number):
    settle_calls(web, SID)
    admit(web, "call00002", From="09000000077", To="09000000088")
    assert listed(search(Person(web), number)) == [SID]


def test_the_end_of_a_number_that_the_page_itself_shows_finds_its_call(web):
    """It was said that no call has this number, though one had; with the dots it was no number at all."""
    settle_calls(web, SID)
    (shown,) = set(re.findall(r'class="customer">(….{4})<', Person(web).read("/calls").text))
    assert listed(search(Person(web), shown)) == [SID]
    assert listed(search(Person(web), shown[1:])) == [SID]


def test_the_url_of_a_search_shows_no_number_and_can_be_loaded_again(web):
    """A search had no URL: the browser's way back asked whether the form should be sent once more."""
    settle_calls(web, SID)
    person = Person(web)
    answer = person.press("/calls", wanted="+919000000002")
    assert answer.status_code == 303
    assert "9000000002" not in answer.location
    assert listed(person.read(answer.location)) == listed(person.read(answer.location)) == [SID]
    assert listed(person.read(f"{answer.location}&outcome=missed")) == []


@pytest.mark.parametrize("search", ["forged", "\u00ff", "gAAAAA"])
def test_a_url_of_a_search_that_is_not_ours_is_told(web, search):
    assert "no longer valid" in words_of(Person(web).read(f"/calls?search={search}"))


def test_a_number_is_found_in_callbacks_before_anything_was_fetched(web):
    admit(web, "call00002", From="09000000077", To="09000000088")
    assert listed(search(Person(web), "+919000000088")) == ["call00002"]


def test_a_sip_address_is_found_whole_and_by_the_end_that_is_shown(web):
    admit(web, "call00003", To="sip:agentone2b3c")
    assert listed(search(Person(web), "sip:agentone2b3c")) == ["call00003"]
    assert listed(search(Person(web), "…2b3c")) == ["call00003"]


def test_a_custom_field_finds_its_call_and_a_part_of_one_does_not(web):
    admit(web, "call00004", CustomField="order_79")
    admit(web, "call00005", CustomField="order_791")
    assert listed(search(Person(web), "order_79")) == ["call00004"]
    assert listed(search(Person(web), "order_7")) == []


def test_the_beginning_of_a_callsid_finds_its_calls(web):
    admit(web, SID, "3f9a1czz00000001")
    assert sorted(listed(search(Person(web), SID[:6]))) == sorted([SID, "3f9a1czz00000001"])
    assert listed(search(Person(web), SID[:8])) == [SID]


def test_a_search_that_finds_nothing_says_what_for_and_how_far_back(web):
    settle_calls(web, SID)
    said = words_of(search(Person(web), "4711"))
    assert "No call has a number that ends in 4711 or the custom field '4711'." in said
    assert "1 call is kept, each for 7 days" in said
    assert "Clear filters" in said


def test_a_text_that_is_too_short_is_told_what_would_be_right(web):
    assert "give the last 3 digits of a number or more" in words_of(search(Person(web), "…14"))
    assert "give up to 256 characters" in words_of(search(Person(web), "x" * 400))
