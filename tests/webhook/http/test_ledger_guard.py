"""In a ledger that has become another Legwork's nothing is changed; it can be read, and people get in and out."""

from __future__ import annotations

import pytest
from console_kit import PASSWORD, Person, settle_calls, words_of
from web_app import PROBLEM, SID

BASIC = ("anybody", PASSWORD)


@pytest.fixture
def web(make_web, client):
    """A web under which a newer Legwork has changed the ledger."""
    web = make_web(console_password=PASSWORD)
    settle_calls(web, SID)
    client.hset("lw:ledger", "schema", 99)
    return web


@pytest.fixture
def person(web):
    """Somebody who has signed in."""
    person = Person(web)
    assert person.sign_in().status_code == 303
    return person


def test_a_change_by_the_api_is_a_problem(web):
    refused = web.post("/api/sinks/stdout/disable", auth=BASIC, headers={"Accept": "text/html"})
    assert (refused.status_code, refused.content_type, refused.headers["Retry-After"]) == (503, PROBLEM, "5")
    assert "schema 99" in refused.json["detail"]
    assert web.ledger.sink_states() == {}


def test_a_change_at_the_console_is_a_page_for_people(web, person):
    refused = person.press("/sinks/stdout/disable")
    assert (refused.status_code, refused.mimetype, refused.headers["Retry-After"]) == (503, "text/html", "5")
    assert "schema 99" in words_of(refused)
    assert web.ledger.sink_states() == {}


@pytest.mark.parametrize("path", ["/api/sinks/stdout/disable", "/api/calls/search"])
def test_a_stranger_at_the_api_is_asked_who_he_is(web, path):
    refused = web.post(path, json={})
    assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)
    assert "schema" not in refused.text


@pytest.mark.parametrize("path", ["/sinks/stdout/disable", "/calls"])
def test_a_stranger_at_the_console_is_asked_to_sign_in(web, path):
    refused = Person(web).open("POST", path)
    assert refused.status_code == 401
    assert 'name="password"' in refused.text
    assert "schema" not in refused.text


def test_a_form_of_another_site_is_refused_as_that(web, person):
    refused = person.open("POST", "/sinks/stdout/disable", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403


def test_a_number_can_be_searched_for_by_the_api(web):
    found = web.post("/api/calls/search", json={"text": "+919000000001"}, auth=BASIC)
    assert [call["call_sid"] for call in found.json["calls"]] == [SID]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/calls/numbers", {}),
        (f"/calls/{SID}/numbers", {}),
        ("/dead/confirm", {"do": "retry", "all": "1"}),
    ],
)
def test_what_is_posted_to_read_is_answered_at_the_console(person, path, fields):
    assert person.press(path, **fields).status_code == 200


def test_whoever_is_in_gets_out(person):
    assert person.press("/sign-out").location == "/sign-in"
