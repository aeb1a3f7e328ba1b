"""What a request to the API carries: JSON or nothing, and whatever it is, never a bug of ours."""

from __future__ import annotations

import pytest
from subscribing import KEY
from web_app import PROBLEM

HIDDEN = "hunter2"


@pytest.fixture
def web(make_web):
    return make_web(legwork_secret_key=KEY)


@pytest.mark.parametrize("path", ["/api/sinks", "/api/sinks/stdout/disable", "/api/sinks/stdout/recover"])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"reason": "hunter2"',
        b"\xff\xfe",
        b'"\xed\xa0\x80"',
        b"{'reason': 'hunter2'}",
        b'{"concurrency": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_a_bad_request(web, path, body):
    """It was a bug of ours: webargs says of a body as a whole what is wrong, and not of its fields."""
    refused = web.post(path, data=body, content_type="application/json")
    assert (refused.status_code, refused.content_type) == (400, PROBLEM)
    assert HIDDEN not in refused.text
    assert web.get("/api/sinks/stdout").json["state"] == "active"


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/api/sinks/stdout/disable", {"reason": "\ud800"}),
        ("/api/sinks", {"name": "crm", "url": "https://crm.example.com/\ud800"}),
        ("/api/sinks", {"name": "crm", "url": "https://crm.example.com/", "filter": '`"\udfff"`'}),
        ("/api/sinks", {"name": "crm", "url": "https://crm.example.com/", "options": {"ca_file": "\ud800"}}),
        ("/api/sinks", {"name": "crm", "url": "https://crm.example.com/", "options": {"\ud800": 1}}),
        ("/api/replay", {"call_sids": ["settled00001"], "sink": "\ud800"}),
    ],
)
def test_half_of_a_surrogate_pair_is_no_text(web, path, given):
    """It was kept, and the console's page of the sinks was a bug of ours until the sink was removed."""
    refused = web.post(path, json=given)
    assert (refused.status_code, refused.content_type) == (400, PROBLEM)
    assert "surrogate" in refused.json["detail"]
    assert [sink["state"] for sink in web.get("/api/sinks").json] == ["active"]
    assert web.get("/sinks").status_code == 200


def test_both_halves_are_text(web):
    body = rb'{"reason": "\ud83e\udd80"}'
    answered = web.post("/api/sinks/stdout/disable", data=body, content_type="application/json")
    assert answered.json["reason"] == "\U0001f980"


@pytest.mark.parametrize(("content_type", "body"), [("text/plain", b"x"), ("application/json", b"{")])
def test_a_body_that_nobody_reads_is_nobodys_business(web, content_type, body):
    """It was refused with 400 and 415, of which the description says nothing where nothing is posted."""
    options = {"data": body, "content_type": content_type}
    assert web.get("/api/status", **options).status_code == 200
    assert web.client.delete("/api/sinks/crm", **options).status_code == 404


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "application/xml", ""]
)
@pytest.mark.parametrize("path", ["/api/sinks", "/api/sinks/stdout/disable", "/api/sinks/stdout/rotate-secret"])
def test_a_body_of_another_type_is_refused_and_not_passed_over(web, path, content_type):
    """A sink was disabled for `by the operator`, whatever reason was sent as a form."""
    refused = web.post(path, data=b'{"reason": "moves house"}', content_type=content_type)
    assert (refused.status_code, refused.content_type) == (415, PROBLEM)
    assert "application/json" in refused.json["detail"]
    assert web.get("/api/sinks/stdout").json["state"] == "active"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/merge-patch+json"])
def test_what_is_json_under_another_name_is_read(web, content_type):
    body = '{"reason": "zieht um: täglich"}'.encode()
    answered = web.post("/api/sinks/stdout/disable", data=body, content_type=content_type)
    assert answered.json["reason"] == "zieht um: täglich"


def test_no_body_is_no_body_of_a_wrong_type(web):
    """curl says that it sends a form where it sends nothing."""
    answered = web.post("/api/sinks/stdout/enable", data=b"", content_type="application/x-www-form-urlencoded")
    assert answered.status_code == 200


@pytest.mark.parametrize("body", ["[]", "[1]", '"crm"', "5", "null", "true", "{}"])
def test_json_of_another_shape_is_told_apart(web, body):
    refused = web.post("/api/sinks", data=body, content_type="application/json")
    assert (refused.status_code, refused.content_type) == (422, PROBLEM)
    assert refused.json["errors"]


@pytest.mark.parametrize("key", ["types", "accounts", "name", "options"])
@pytest.mark.parametrize("depth", [200, 500, 800])
def test_json_that_nests_deep_is_refused_one_way_or_the_other(web, key, depth):
    nested = "[" * depth + "]" * depth
    refused = web.post("/api/sinks", data=f'{{"{key}": {nested}}}', content_type="application/json")
    assert refused.status_code in {400, 422}


@pytest.mark.parametrize("option", ["headers", "allow_networks", "allow_private", "ca_file"])
@pytest.mark.parametrize("depth", [200, 500, 800])
def test_options_that_nest_deep_are_refused_too(web, option, depth):
    """The text of a list was made before it was looked at, which took more calls than Python allows."""
    nested = "[" * depth + "]" * depth
    body = f'{{"name": "crm", "url": "https://x.example", "options": {{"{option}": {nested}}}}}'
    refused = web.post("/api/sinks", data=body, content_type="application/json")
    assert refused.status_code in {400, 422}


def test_a_body_that_is_too_long_is_not_read(web):
    refused = web.post("/api/sinks", json={"name": "x" * 300_000})
    assert (refused.status_code, refused.content_type) == (413, PROBLEM)
