"""The sandbox's own pages: orders, and the truth about what was asked of it."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
import requests

from sandbox.arrivals import Arrivals
from sandbox.quota import SlidingWindow
from sandbox.scenarios import SCENARIOS, scenario_of


def test_the_front_page_lists_every_scenario_as_json_and_for_a_browser(driver):
    told = driver.get("/")["scenarios"]
    assert [(entry["code"], entry["name"]) for entry in told] == [
        (f"{entry.code:02d}", entry.name) for entry in SCENARIOS.values()
    ]
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = requests.get(driver.url, headers=browser, timeout=30)
    assert page.headers["Content-Type"].startswith("text/html")
    assert all(f"<td>{entry.name}</td>" in page.text for entry in SCENARIOS.values())
    assert driver.get("/?format=json", headers=browser)["scenarios"] == told


def test_no_page_tells_a_secret(start):
    driver = start(status_url="http://127.0.0.1:1/callbacks/very-secret")
    driver.place("answered")
    for path in ("/", "/calls", "/requests", "/requests/summary", "/faults"):
        text = requests.get(driver.url + path, timeout=30).text
        assert "very-secret" not in text
        assert "sandbox-token" not in text
    assert "sandbox-token" not in repr(driver.sandbox.settings)
    assert "very-secret" not in repr(driver.sandbox.settings)


@pytest.mark.parametrize("scenario", ["answered", "01", 1])
def test_a_scenario_has_a_name_and_a_code(driver, scenario):
    assert driver.truth(driver.place(scenario))["scenario"] == "answered"


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("0900000002", "busy"),
        ("09000001232", "404-for-ever"),
        ("+919000000015", "sip-agent"),
        ("09000000099", "answered"),
        ("sip:customer", "answered"),
    ],
)
def test_the_last_two_digits_of_a_number_choose(driver, number, name):
    truth = driver.truth(driver.place(number=number))
    assert (truth["scenario"], truth["customer"]) == (name, number)
    assert scenario_of(number).name == name


def test_from_and_to_are_agent_and_customer_unless_the_exophone_is_called(driver):
    outbound = driver.truth(driver.place(**{"from": "09000009901", "to": "09000000003"}))
    assert (outbound["scenario"], outbound["from"], outbound["to"]) == (
        "nobody",
        "09000009901",
        "09000000003",
    )
    inbound = driver.truth(driver.place(**{"from": "09000000011", "to": "04000000001"}))
    assert (inbound["scenario"], inbound["from"], inbound["to"]) == ("missed", "09000000011", "04000000001")


def test_without_a_wish_every_scenario_has_its_turn(driver):
    sids = driver.place(count=len(SCENARIOS))
    told = [driver.truth(sid)["scenario"] for sid in sids]
    assert told == [entry.name for entry in SCENARIOS.values()]


def test_invented_numbers_are_numbers_that_nobody_has_and_fit_their_scenario(driver):
    sids = driver.place("busy", count=95)
    for sid in sids:
        customer = driver.truth(sid)["customer"]
        assert customer.startswith("0900000")
        assert len(customer) == 11
        assert scenario_of(customer).name == "busy"


def test_calls_can_be_spread_over_time(start):
    driver = start(speed=1)
    before = time.time()
    sids = driver.place("answered", ended_ago=None, count=4, over_seconds=100)
    ends = [driver.sandbox.calls.get(sid).ended for sid in sids]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(ends)] == [25, 25, 25]
    assert ends[0] >= before + SCENARIOS[1].seconds


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"scenario": "unheard-of"}, "scenario"),
        ({"scenario": 7}, "scenario"),
        ({"number": "somebody"}, "number"),
        ({"count": 0}, "count"),
        ({"count": "3"}, "count"),
        ({"account": "nobody"}, "account"),
        ({"custom_field": "x" * 129}, "custom_field"),
        ({"status_url": "file:///etc/passwd"}, "status_url"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_by_field(driver, order, field):
    answer = driver.post("/calls", **order)
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]
    assert driver.get("/calls")["total"] == 0


def test_orders_have_to_be_json_so_that_no_foreign_web_page_can_send_them(driver):
    answer = requests.post(driver.url + "/calls", data='{"count": 1}', timeout=30)
    assert answer.status_code == 415
    assert "error" in answer.json()


def test_an_unknown_call_and_an_unknown_page_are_404(driver):
    for path in ("/calls/unheard-of", "/unheard-of"):
        assert requests.get(driver.url + path, timeout=30).status_code == 404


def test_calls_are_listed_newest_first_in_pages(driver):
    sids = driver.place("answered", count=5)[::-1]
    page = driver.get("/calls?limit=2&offset=1")
    assert page["total"] == 5
    assert [call["sid"] for call in page["calls"]] == sids[1:3]


def test_every_arrival_is_told_with_its_times_its_path_and_its_status(driver):
    sid = driver.place("500")
    before = time.time()
    driver.legs(sid)
    driver.legs(sid)
    driver.calls(PageSize=3)
    first, second, listed = driver.get("/requests")["requests"]
    assert [seen["status"] for seen in (first, second, listed)] == [500, 200, 200]
    assert (first["method"], first["path"], first["call_sid"]) == (
        "GET",
        f"/v1/Accounts/acme1m/Calls/{sid}/Legs.json",
        sid,
    )
    assert listed["path"].endswith("Calls.json?PageSize=3")
    assert listed["call_sid"] is None
    assert first["monotonic"] < second["monotonic"] < listed["monotonic"]
    assert first["at"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before - 1))


def test_arrivals_can_be_read_on_from_where_one_stopped(driver):
    sids = [driver.place("answered") for _ in range(3)]
    for sid in sids:
        driver.legs(sid)
    page = driver.get("/requests?limit=2")
    assert [seen["call_sid"] for seen in page["requests"]] == sids[:2]
    rest = driver.get(f"/requests?since={page['next']}")
    assert [seen["call_sid"] for seen in rest["requests"]] == sids[2:]
    assert [seen["number"] for seen in driver.get(f"/requests?call_sid={sids[1]}")["requests"]] == [1]


def test_under_a_rush_the_quota_is_exact_and_nothing_is_lost(start):
    driver = start(quota=40, quota_seconds=60)
    statuses: list[int] = []

    def rush():
        statuses.extend(driver.calls().status_code for _ in range(15))

    threads = [threading.Thread(target=rush) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(200), statuses.count(429)) == (40, 80)
    account = driver.summary()["accounts"]["acme1m"]
    assert (account["arrivals"], account["refused"], account["fullest_window"]) == (120, 80, 120)
    assert account["statuses"] == {"200": 40, "429": 80}


def test_the_record_keeps_the_last_arrivals_and_counts_all_of_them():
    instants = iter(range(0, 1000, 10))
    arrivals = Arrivals(("acme1m",), lambda: SlidingWindow(100, 25), clock=lambda: next(instants), most=4)
    for number in range(6):
        arrival = arrivals.arrive("GET", f"/v1/Accounts/acme1m/Calls/{number}/Legs.json")
        arrivals.answered(arrival, 200)
    assert [row["call_sid"] for row in arrivals.shown()["requests"]] == ["2", "3", "4", "5"]
    summary = arrivals.summary()
    assert (summary["arrivals"], summary["kept"]) == (6, 4)
    assert summary["accounts"]["acme1m"]["fullest_window"] == 3
