"""The calls list: its window, its order, its pages, and what it does not know."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import pytest
from defusedxml import ElementTree

from sandbox.times import exotel_time

PAYLOADS = Path(__file__).parents[1] / "payloads"
HOUR = 3600.0


@pytest.fixture
def hours(driver):
    """One call that ended in each of the last five hours; the oldest first."""
    return [driver.place("answered", ended_ago=hour * HOUR) for hour in (5, 4, 3, 2, 1)]


def sids(answer):
    assert answer.status_code == 200, answer.text
    return [call["Sid"] for call in answer.json()["Calls"]]


def window(earliest_hours_ago, latest_hours_ago):
    now = time.time()
    earliest, latest = now - earliest_hours_ago * HOUR, now - latest_hours_ago * HOUR
    return f"gte:{exotel_time(earliest)};lte:{exotel_time(latest)}"


def test_the_newest_call_comes_first_unless_asked_otherwise(driver, hours):
    assert sids(driver.calls()) == hours[::-1]
    assert sids(driver.calls(SortBy="DateCreated:asc")) == hours


def test_a_call_has_the_keys_of_exotels_examples(driver):
    outbound, inbound = json.loads((PAYLOADS / "S13.json").read_text())["Calls"]
    driver.place("answered")
    driver.place("inbound")
    told = {call["Direction"]: call for call in driver.calls().json()["Calls"]}
    assert set(told["outbound-api"]) == set(outbound)
    assert set(told["inbound"]) == {*inbound, "DateUpdated"}
    assert isinstance(told["outbound-api"]["Duration"], str)
    assert isinstance(told["inbound"]["Duration"], int)


def test_the_window_is_indian_time_and_holds_its_ends(driver, hours):
    assert sids(driver.calls(DateCreated=window(4.5, 1.5), SortBy="DateCreated:asc")) == hours[1:4]
    began = driver.calls(Sid=hours[2]).json()["Calls"][0]["DateCreated"]
    assert sids(driver.calls(DateCreated=f"gte:{began};lte:{began}")) == [hours[2]]


def test_one_end_of_the_window_may_be_missing(driver, hours):
    assert sids(driver.calls(DateCreated=window(2.5, 0).split(";")[0])) == [hours[4], hours[3]]
    assert sids(driver.calls(DateCreated=window(0, 3.5).split(";")[1])) == [hours[1], hours[0]]


@pytest.mark.parametrize("sort", ["DateCreated:asc", "DateCreated:desc"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_following_the_pages_shows_every_call_once_and_back_again(driver, hours, sort, size):
    expected = hours if sort.endswith("asc") else hours[::-1]
    pages, answer = [], driver.calls(SortBy=sort, PageSize=size)
    while True:
        pages.append(sids(answer))
        following = answer.json()["Metadata"]["NextPageUri"]
        if not following:
            break
        assert following.startswith("/v1/Accounts/acme1m/Calls.json?")
        answer = driver.api(following.removeprefix("/v1/Accounts/acme1m/"))
    assert list(itertools.chain(*pages)) == expected
    assert all(len(page) == size for page in pages[:-1])
    while previous := answer.json()["Metadata"]["PrevPageUri"]:
        answer = driver.api(previous.removeprefix("/v1/Accounts/acme1m/"))
        pages.pop()
        assert sids(answer) == pages[-1]
    assert len(pages) == 1


def test_page_links_carry_no_window_as_in_exotels_example(driver, hours):
    metadata = driver.calls(DateCreated=window(4.5, 1.5), PageSize=2).json()["Metadata"]
    assert metadata["Total"] == 3
    assert "DateCreated=gte%3A" in metadata["FirstPageUri"]
    assert "DateCreated=" not in metadata["NextPageUri"]


def test_calls_of_the_same_second_are_told_apart_by_the_cursor(driver):
    placed = driver.place("answered", ended_ago=60, count=30)
    seen, answer = [], driver.calls(PageSize=7)
    while True:
        seen += sids(answer)
        following = answer.json()["Metadata"]["NextPageUri"]
        if not following:
            break
        answer = driver.api(following.removeprefix("/v1/Accounts/acme1m/"))
    assert len(seen) == 30
    assert sorted(seen) == sorted(placed)


def test_the_list_can_be_asked_for_single_calls(driver, hours):
    assert sids(driver.calls(Sid=f"{hours[0]},{hours[3]},{'0' * 32}")) == [hours[3], hours[0]]


def test_a_call_still_running_is_not_listed(start, until):
    driver = start(speed=15, quota=100_000)
    sid = driver.place("answered", ended_ago=None)
    assert sids(driver.calls()) == []
    assert until(lambda: sids(driver.calls())) == [sid]


def test_calls_older_than_a_month_need_a_window_of_their_own(driver):
    old = driver.place("answered", ended_ago=40 * 24 * HOUR)
    assert sids(driver.calls(Sid=old)) == []
    assert sids(driver.calls(Sid=old, DateCreated=window(41 * 24, 39 * 24))) == [old]


@pytest.mark.parametrize(
    "query",
    [
        {"PageSize": "101"},
        {"PageSize": "0"},
        {"PageSize": "many"},
        {"SortBy": "Price:asc"},
        {"After": "nonsense"},
        {"After": "bm9uc2Vuc2U="},
        {"Before": "MTcsYQ==", "After": "MTcsYQ=="},
        {"DateCreated": "gte:yesterday"},
        {"DateCreated": "2026-09-16 00:00:00"},
        {"DateCreated": "gte:2026-09-16 00:00:00;gte:2026-09-17 00:00:00"},
        {"DateCreated": "gte:2026-08-01 00:00:00;lte:2026-09-16 00:00:00"},
        {"Sid": ",".join(f"{number:032d}" for number in range(101))},
        {"Status": "completed"},
    ],
)
def test_what_cannot_be_answered_rightly_is_refused(driver, query):
    answer = driver.calls(**query)
    assert answer.status_code == 400
    assert answer.json()["RestException"]["Status"] == 400


def test_without_the_suffix_the_list_is_xml(driver, hours):
    told = ElementTree.fromstring(driver.api("Calls").content)
    assert [sid.text for sid in told.findall("Calls/Call/Sid")] == hours[::-1]
    assert told.find("Metadata/Total").text == "5"
