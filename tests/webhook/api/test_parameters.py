"""A parameter of a URL that there is not is refused, as a field of a body is."""

from __future__ import annotations

import pytest
from console_kit import SID, settle_calls


def test_what_would_have_been_done_otherwise_is_not_done(web):
    """`?dry_run=true` beside a body without it was passed over, and what the body named was dropped."""
    settle_calls(web, SID, outcome="dead", reason="404")
    answer = web.post("/api/dead/drop?dry_run=true", json={"all": True})
    assert answer.status_code == 422
    assert answer.json["errors"] == {"dry_run": ["No such parameter; there are none."]}
    assert web.story(SID).summary.state == "dead"


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/api/calls?sate=dead", {"sate": ["No such parameter (did you mean state?); known:"]}),
        ("/api/calls?state=dead&page=2", {"page": ["No such parameter; known: account, after, direction, limit"]}),
        (
            f"/api/calls/{SID}?number=true",
            {"number": ["No such parameter (did you mean numbers?); known: numbers."]},
        ),
        ("/api/status?x=1&x=2&y=", {"x": ["No such parameter; there are none."], "y": ["No such parameter"]}),
    ],
)
def test_what_there_is_instead_is_told(web, path, wrong):
    for method in ("get", "head"):
        answer = getattr(web.client, method)(path)
        assert answer.status_code == 422
    found = web.get(path).json["errors"]
    assert found.keys() == wrong.keys()
    for name, (text,) in wrong.items():
        assert found[name][0].startswith(text)


@pytest.mark.parametrize("path", ["/api/calls?state=dead&limit=1", "/api/dead?sink=stdout", "/api/minutes?minutes=3"])
def test_those_that_there_are_are_taken(web, path):
    assert web.get(path).status_code == 200


def test_who_may_not_ask_is_not_told_what_there_is(web):
    answer = web.get("/api/status?x=1", environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    assert answer.status_code == 404
