"""Refusals are problem details for programs, and a page for a browser; which one, `Accept` says."""

from __future__ import annotations

import re

import pytest
from console_kit import PASSWORD, Person, words_of
from factories import TOKEN
from web_app import PASSTHRU, PROBLEM

# As Chromium and Firefox send it.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/no/such/page", "/favicon.ico", "/static/no-such.js", "/callbacks/wrong/passthru"])
def test_a_browser_is_shown_a_page(web, path):
    answer = web.get(path, headers={"Accept": BROWSER})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "404 Not Found" in words_of(answer)
    assert "There is nothing at this address." in words_of(answer)


@pytest.mark.parametrize(
    "accept",
    [None, "*/*", "application/json", "application/problem+json", "text/html;q=0.5, application/json", "image/png"],
)
def test_a_program_gets_a_problem(web, accept):
    answer = web.get("/no/such/page", headers={} if accept is None else {"Accept": accept})
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)
    assert answer.json["title"] == "Not Found"


def test_both_say_that_it_depends_on_what_is_accepted(web):
    for accept in (BROWSER, "*/*"):
        assert "Accept" in web.get("/no/such/page", headers={"Accept": accept}).headers["Vary"]


def links_of(page):
    return re.findall(r'<a [^>]*href="([^"]+)"', page.text)


def test_whoever_may_see_the_console_finds_the_way_back_to_it(web):
    page = Person(web).read("/no/such/page")
    assert page.status_code == 404
    assert {"/", "/calls", "/sinks", "/dead", "/accounts"} <= set(links_of(page))
    assert "To the overview" in words_of(page)


def test_whoever_is_signed_in_finds_the_way_back_and_others_the_sign_in_page(make_web):
    web = make_web(console_password=PASSWORD)
    known, stranger = Person(web, address="203.0.113.7"), Person(web, address="203.0.113.7")
    known.sign_in()
    page, other = known.read("/no/such/page"), stranger.read("/no/such/page")
    assert "/calls" in links_of(page)
    assert links_of(other) == ["/"]
    assert (page.headers["Cache-Control"], other.headers["Cache-Control"]) == ("no-store", "no-store")
    assert "Set-Cookie" not in other.headers


def test_where_nobody_can_sign_in_the_page_leads_nowhere_and_tells_nothing_of_a_console(make_web):
    stranger = make_web()
    page, asked = (
        stranger.get(path, headers={"Accept": BROWSER}, environ_overrides={"REMOTE_ADDR": "203.0.113.7"})
        for path in ("/no/such/page", "/")
    )
    assert (asked.status_code, asked.data) == (404, page.data)
    assert "Set-Cookie" not in page.headers
    assert not re.search(r"<(a|nav|form)\b", page.text)


def test_a_wrong_token_and_an_unknown_url_are_not_told_apart_by_a_browser(web):
    wrong, unknown = (
        web.get(path, headers={"Accept": BROWSER})
        for path in (f"/callbacks/{'x' * 20}/passthru?CallSid=call0001", "/no/such/page")
    )
    assert (wrong.status_code, wrong.data) == (unknown.status_code, unknown.data)


def test_the_api_is_for_programs_whatever_asks(make_web):
    web = make_web(console_password=PASSWORD)
    for path, status in (("/api/nothing", 404), ("/api/status", 401)):
        answer = web.get(path, headers={"Accept": BROWSER})
        assert (answer.status_code, answer.content_type) == (status, PROBLEM)


def test_a_callback_that_cannot_be_used_is_a_problem_whatever_asks(web):
    answer = web.get(f"{PASSTHRU}?CallSid=short", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.content_type) == (400, PROBLEM)


def test_another_method_is_refused_on_a_page_with_those_that_there_are(web):
    answer = web.client.delete(f"/callbacks/{TOKEN}/status", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.mimetype) == (405, "text/html")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
