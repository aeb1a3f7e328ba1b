"""Every error is problem details (RFC 9457), and tells no more than it should."""

from __future__ import annotations

import json

import pytest
from web_app import PROBLEM, SID, STATUS
from werkzeug.exceptions import TooManyRequests


def crash():
    raise ZeroDivisionError("the-api-token of 09000000001")


def slow_down():
    raise TooManyRequests(retry_after=7)


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/no/such/page", 404, "Not Found"),
        ("POST", "/livez", 405, "Method Not Allowed"),
        ("GET", STATUS, 400, "Bad Request"),
        ("DELETE", STATUS, 405, "Method Not Allowed"),
    ],
)
def test_every_error_has_the_one_shape(web, method, path, status, title):
    answer = web.client.open(path, method=method)
    assert (answer.status_code, answer.content_type) == (status, PROBLEM)
    document = json.loads(answer.data)
    assert (document["type"], document["title"], document["status"]) == ("about:blank", title, status)


def test_an_unusable_callback_names_each_field_that_is_wrong(web):
    answer = web.get(STATUS, query_string={"CallSid": "no!"})
    assert answer.json["errors"] == {"CallSid": ["Not a CallSid: 8 to 64 letters and digits."]}
    assert answer.json["detail"]


def test_405_says_what_is_allowed(web):
    assert {"GET", "HEAD"} <= set(web.post("/livez").headers["Allow"].split(", "))


def test_what_an_error_says_of_later_is_kept(web):
    web.app.add_url_rule("/slow-down", view_func=slow_down)
    answer = web.get("/slow-down")
    assert (answer.status_code, answer.headers["Retry-After"], answer.content_type) == (429, "7", PROBLEM)


def test_a_bug_is_told_as_one_and_nothing_of_it_shows(web):
    web.app.add_url_rule("/crash", view_func=crash)
    answer = web.get("/crash")
    assert (answer.status_code, answer.content_type) == (500, PROBLEM)
    assert not [word for word in ("ZeroDivisionError", "the-api-token", "Traceback") if word in answer.text]


def test_a_bug_costs_no_later_request(web):
    web.app.add_url_rule("/crash", view_func=crash)
    web.get("/crash")
    assert web.get(STATUS, query_string={"CallSid": SID}).status_code == 200


def test_an_answer_never_shows_what_was_asked(web):
    answer = web.get("/<script>alert(1)</script>?token=very-secret")
    assert answer.status_code == 404
    assert not [word for word in ("script", "very-secret") if word in answer.text]
