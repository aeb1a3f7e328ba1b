"""Who may ask for what, how often, and what is held against a client for ever."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import requests

from sandbox.settings import Account

PAYLOADS = Path(__file__).parents[1] / "payloads"


@pytest.fixture
def two_accounts(start):
    return start(accounts=(Account("acme1m", "key-1", "token-1"), Account("other2m", "key-2", "token-2")))


@pytest.mark.parametrize("auth", [None, ("sandbox-key", "wrong"), ("wrong", "sandbox-token"), ("", "")])
def test_without_the_right_credentials_the_answer_is_401(driver, auth):
    answer = driver.legs(driver.place("answered"), auth=auth)
    assert answer.status_code == 401
    assert answer.json() == json.loads((PAYLOADS / "S5.json").read_text())


def test_a_bearer_token_is_no_basic_authentication(driver):
    headers = {"Authorization": "Bearer sandbox-token"}
    assert driver.legs(driver.place("answered"), auth=None, headers=headers).status_code == 401


def test_one_accounts_key_does_not_go_with_anothers_token(two_accounts):
    assert two_accounts.api("Calls.json", auth=("key-1", "token-2")).status_code == 401


def test_another_customers_account_is_forbidden_and_an_unknown_one_not_found(two_accounts):
    auth = ("key-1", "token-1")
    assert two_accounts.api("Calls.json", auth=auth).status_code == 200
    assert two_accounts.api("Calls.json", auth=auth, account="other2m").status_code == 403
    assert two_accounts.api("Calls.json", auth=auth, account="nobody").status_code == 404


def test_a_call_of_another_account_is_unknown(two_accounts):
    sid = two_accounts.place("answered", account="other2m")
    assert two_accounts.legs(sid, account="other2m", auth=("key-2", "token-2")).status_code == 200
    assert two_accounts.legs(sid, auth=("key-1", "token-1")).status_code == 400


def test_errors_are_xml_unless_json_is_asked_for(driver):
    answer = driver.legs("0" * 32, path="Legs", auth=None)
    assert answer.status_code == 401
    assert b"<RestException><Status>401</Status>" in answer.content


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "Legs"), ("POST", "Legs.json"), ("PUT", "Legs/abc"), ("DELETE", "Legs")]
)
def test_a_write_is_refused_and_remembered(driver, method, path):
    sid = driver.place("answered")
    answer = driver.api(f"Calls/{sid}/{path}", method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    summary = driver.summary()
    assert summary["writes"] == summary["accounts"]["acme1m"]["writes"] == 1


def test_reads_are_no_writes(driver):
    driver.legs(driver.place("answered"))
    driver.calls()
    assert driver.summary()["writes"] == 0


def test_what_exceeds_the_quota_is_429_and_says_when_to_come_back(start):
    driver = start(quota=3, quota_seconds=60)
    sid = driver.place("answered")
    answers = [driver.legs(sid) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert answers[3].headers["X-RateLimit-Limit"] == "3"
    assert answers[3].json() == {
        "RestException": {"Status": 429, "Message": "Rate limit exceeded", "Code": "RATE_LIMIT_EXCEEDED"}
    }


def test_when_to_come_back_can_be_a_date_or_nothing(start):
    dated, silent = start(quota=1, retry_after="date"), start(quota=1, retry_after="none")
    for driver in (dated, silent):
        assert driver.calls().status_code == 200
    refused = dated.calls()
    assert refused.status_code == 429
    said = parsedate_to_datetime(refused.headers["Retry-After"])
    assert 40 <= (said - parsedate_to_datetime(refused.headers["Date"])).total_seconds() <= 62
    refused = silent.calls()
    assert refused.status_code == 429
    assert not {"Retry-After", "X-RateLimit-Limit"} & set(refused.headers)


def test_legs_and_list_share_one_quota_and_accounts_do_not(two_accounts):
    driver = two_accounts
    sid = driver.place("answered")
    for _ in range(100):
        driver.legs(sid, auth=("key-1", "token-1"))
        driver.api("Calls.json", auth=("key-1", "token-1"))
    assert driver.legs(sid, auth=("key-1", "token-1")).status_code == 429
    assert driver.api("Calls.json", account="other2m", auth=("key-2", "token-2")).status_code == 200
    summary = driver.summary()["accounts"]
    assert summary["acme1m"]["fullest_window"] == 201
    assert summary["acme1m"]["refused"] == 1
    assert summary["other2m"]["fullest_window"] == 1


def test_the_quota_is_free_again_after_the_window(start, until):
    # Refused requests would fill the window too: then only who stays away for all of it gets in again.
    driver = start(quota=1, quota_seconds=0.3, count_refused=False)
    until(lambda: driver.calls().status_code == 429)
    assert until(lambda: driver.calls().status_code == 200)


def test_a_path_outside_the_accounts_is_no_arrival_of_any_account(driver):
    assert requests.get(driver.url + "/v1/nowhere", timeout=30).status_code == 404
    summary = driver.summary()
    assert (summary["arrivals"], summary["unknown_accounts"]["arrivals"]) == (1, 1)


def test_a_path_in_disguise_does_not_get_past_the_record(driver):
    path = "/%761/Accounts/acme%31m/Calls.json"
    assert requests.get(driver.url + path, auth=driver.auth, timeout=30).status_code == 200
    assert driver.summary()["accounts"]["acme1m"]["arrivals"] == 1
