"""Asking Exotel about an account at somebody's word: the same on the command line, in the API and in the console."""

from __future__ import annotations

import pytest
from cli_kit import json_of, open_ledger, run
from console_kit import Person, words_of
from factories import ACCOUNT, make_callback
from stubs import StubServer, answer


@pytest.fixture
def exotel():
    with StubServer() as server:
        yield server


@pytest.fixture
def open_web(make_web, exotel):
    return make_web(exotel_base_url=exotel.url)


def suspend(ledger):
    ledger.calls[ACCOUNT].bucket.suspend("401: no such key +919000000077")


def test_the_command_ends_a_suspension_and_says_so(redis_url, exotel):
    exotel.always(answer(status=404))
    suspend(open_ledger(redis_url))
    (listed,) = json_of("accounts", "list", redis_url=redis_url)
    assert (listed["state"], listed["reason"]) == ("suspended", "401: no such key …0077")
    found = json_of("accounts", "retry", ACCOUNT, redis_url=redis_url, exotel_base_url=exotel.url)
    assert found == {"account_sid": ACCOUNT, "answer": "accepted", "text": "404", "state": "active"}
    assert json_of("accounts", "list", redis_url=redis_url)[0]["state"] == "active"


def test_the_command_exits_with_1_where_exotel_refuses(redis_url, exotel):
    exotel.always(answer(status=401))
    done = run("accounts", "retry", ACCOUNT, redis_url=redis_url, exotel_base_url=exotel.url)
    assert done.exit_code == 1
    assert f"{ACCOUNT}: refused (401); the account is suspended." in done.stdout


def test_an_account_that_there_is_not_is_told_with_those_that_are(redis_url):
    done = run("accounts", "retry", "nobody1m", redis_url=redis_url)
    assert done.exit_code == 1
    assert f"nobody1m: no such account; known accounts: {ACCOUNT}" in done.stderr


def test_the_list_is_a_table_with_the_reason(redis_url):
    suspend(open_ledger(redis_url))
    text = run("accounts", "list", redis_url=redis_url, columns="100").stdout
    assert "suspended" in text
    assert "…0077" in text


def test_while_suspended_nobody_says_when_the_backlog_is_done(open_web):
    book = open_web.ledger.calls[ACCOUNT]
    suspend(open_web.ledger)
    assert open_web.get("/api/accounts").get_json()[0]["eta_seconds"] == 0.0
    book.admit(make_callback("call0001"), wait_seconds=0)
    assert open_web.get("/api/accounts").get_json()[0]["eta_seconds"] is None
    assert "ETA unknown" in words_of(Person(open_web).read())
    assert "unknown while suspended" in words_of(Person(open_web).read("/accounts"))


def test_the_api_asks_and_knows_its_accounts(open_web, exotel):
    exotel.always(answer(status=404))
    suspend(open_web.ledger)
    found = open_web.post(f"/api/accounts/{ACCOUNT}/retry").get_json()
    assert (found["answer"], found["state"]) == ("accepted", "active")
    assert open_web.post("/api/accounts/nobody1m/retry").status_code == 404


@pytest.mark.parametrize(
    ("status", "said", "state"),
    [(404, "Exotel accepts the account's credentials.", "active"), (403, "Exotel still refuses", "suspended")],
)
def test_a_button_of_the_console_asks(open_web, exotel, status, said, state):
    exotel.always(answer(status=status))
    suspend(open_web.ledger)
    person = Person(open_web)
    assert "Try now" in person.read("/accounts").text
    page = person.follow(person.press(f"/accounts/{ACCOUNT}/retry"))
    assert said in words_of(page)
    assert open_web.get("/api/accounts").get_json()[0]["state"] == state
    assert person.press("/accounts/nobody1m/retry").status_code == 404
