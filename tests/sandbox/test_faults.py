"""Trouble on order: each kind does what it says, for whom it says, for as long as it says."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime

import pytest
import requests

from sandbox.faults import KINDS
from sandbox.settings import Account


def test_down_resets_the_connection_and_the_arrival_is_noted_all_the_same(driver):
    driver.fault("down")
    with pytest.raises(requests.ConnectionError):
        driver.calls()
    summary = driver.summary()
    assert summary["arrivals"] == summary["accounts"]["acme1m"]["fullest_window"] == 1
    assert summary["statuses"] == {"none": 1}


def test_slow_takes_longer_and_answers_rightly(driver):
    driver.fault("slow", seconds=0.2)
    answer = driver.calls()
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2


def test_throttled_says_when_to_come_back_in_seconds_as_a_date_or_not_at_all(driver):
    driver.fault("throttled", retry_after=7)
    answer = driver.calls()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    driver.fault("throttled", retry_after=7, form="date")
    answer = driver.calls()
    said, now = (parsedate_to_datetime(answer.headers[name]) for name in ("Retry-After", "Date"))
    assert 7 <= (said - now).total_seconds() <= 9
    driver.fault("throttled", form="none")
    assert "Retry-After" not in driver.calls().headers


@pytest.mark.parametrize(
    ("kind", "status"), [("error", 500), ("error", 503), ("revoked", 401), ("revoked", 402), ("revoked", 403)]
)
def test_error_and_revoked_answer_with_their_status(driver, kind, status):
    driver.fault(kind, status=status)
    answer = driver.legs(driver.place("answered"))
    assert answer.status_code == answer.json()["RestException"]["Status"] == status


def test_a_read_that_meets_trouble_is_no_read_of_the_call(driver):
    sid = driver.place("400-first")
    driver.fault("error", status=500)
    assert driver.legs(sid).status_code == 500
    requests.delete(driver.url + "/faults", timeout=30)
    assert [driver.legs(sid).status_code for _ in range(2)] == [400, 200]


def test_truncated_is_a_whole_answer_with_half_a_body(driver):
    driver.fault("truncated")
    answer = driver.legs(driver.place("answered"))
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["Content-Length"])
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


def test_cut_breaks_the_connection_in_the_middle_of_the_body(driver):
    sid = driver.place("answered")
    driver.fault("cut")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        driver.legs(sid)


def test_another_client_eats_from_the_quota(start, until):
    driver = start(quota=50, quota_seconds=60)
    assert driver.calls().status_code == 200
    driver.fault("eat", per_second=1000)
    until(lambda: driver.calls().status_code == 429)
    # What the other one sent is counted apart: only ours is held against us.
    account = driver.summary()["accounts"]["acme1m"]
    assert account["eaten"] >= 40
    assert account["fullest_window"] == account["arrivals"]


def test_the_other_client_can_be_sent_away(start):
    driver = start(quota=1000)
    driver.fault("eat", per_second=100)
    requests.delete(driver.url + "/faults/eat", timeout=30)
    eaten = driver.summary()["accounts"]["acme1m"]["eaten"]
    driver.calls()
    assert driver.summary()["accounts"]["acme1m"]["eaten"] == eaten


def test_a_fault_ends_by_itself(driver, until):
    driver.fault("error", status=500, for_seconds=2)
    assert driver.calls().status_code == 500
    until(lambda: driver.calls().status_code == 200)
    assert driver.get("/faults") == {"faults": []}


def test_a_fault_can_be_for_one_account_alone(start):
    driver = start(accounts=(Account("acme1m", "key-1", "token-1"), Account("other2m", "key-2", "token-2")))
    driver.fault("error", status=500, account="other2m")
    assert driver.api("Calls.json", auth=("key-1", "token-1")).status_code == 200
    assert driver.api("Calls.json", auth=("key-2", "token-2"), account="other2m").status_code == 500


def test_a_fault_can_be_for_a_share_of_the_requests(driver):
    driver.fault("error", status=500, share=0.5)
    statuses = {driver.calls().status_code for _ in range(60)}
    assert statuses == {200, 500}


def test_the_same_fault_again_takes_the_place_of_the_first(driver):
    driver.fault("error", status=500)
    told = driver.fault("error", status=503)
    assert [fault["status"] for fault in told] == [503]


def test_delete_ends_one_kind_or_all(driver):
    driver.fault("slow", seconds=0)
    driver.fault("error", status=500)
    requests.delete(driver.url + "/faults/error", timeout=30)
    assert [fault["fault"] for fault in driver.get("/faults")["faults"]] == ["slow"]
    requests.delete(driver.url + "/faults", timeout=30)
    assert driver.get("/faults")["faults"] == []


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({}, "fault"),
        ({"fault": "flood"}, "fault"),
        ({"fault": "error", "status": 200}, "status"),
        ({"fault": "revoked"}, "status"),
        ({"fault": "eat"}, "per_second"),
        ({"fault": "slow", "seconds": -1}, "seconds"),
        ({"fault": "down", "account": "nobody"}, "account"),
        ({"fault": "down", "colour": "red"}, "colour"),
        ({"fault": "down", "share": 0}, "share"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_field(driver, order, field):
    answer = driver.post("/faults", **order)
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]


def test_the_sandboxs_own_pages_meet_no_trouble(driver):
    driver.fault("down")
    assert set(driver.get("/")["faults"]) == set(KINDS)
