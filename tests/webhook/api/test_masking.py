"""What a stranger wrote shows no number and no secret, whichever operation tells of it."""

from __future__ import annotations

import pytest
from console_kit import bury_delivery, settle_calls
from factories import ACCOUNT
from stubs import answer
from subscribing import KEY

NUMBER, SECRET = "919000000099", "the-api-key"
SAID = f"402: no credit, call +{NUMBER} with {SECRET}"
SETTLED, DEAD, BURIED = "settled00001", "dead00000001", "buried000001"


@pytest.fixture
def web(make_web):
    """One whose every reason was written by a stranger, who knows too much."""
    web = make_web(legwork_secret_key=KEY)
    settle_calls(web, SETTLED, BURIED)
    settle_calls(web, DEAD, outcome="dead", reason=SAID)
    bury_delivery(web, BURIED, answer=SAID)
    web.ledger.calls[ACCOUNT].bucket.suspend(SAID)
    web.ledger.disable_sink("stdout", SAID)
    return web


@pytest.mark.parametrize(
    "path",
    [
        "/api/status",
        "/api/accounts",
        "/api/calls",
        f"/api/calls/{DEAD}",
        f"/api/calls/{BURIED}",
        "/api/dead",
        "/api/sinks",
        "/api/sinks/stdout",
    ],
)
def test_a_reason_is_shown_without_numbers_and_secrets(web, path):
    """Accounts and sinks told it as it was written; `status` and the console, which tell the same, did not."""
    told = web.get(path)
    assert told.status_code == 200
    assert NUMBER not in told.text
    assert SECRET not in told.text


@pytest.mark.parametrize(("path", "key"), [("/api/accounts", "reason"), ("/api/sinks", "reason")])
def test_the_rest_of_a_reason_is_there(web, path, key):
    assert web.get(path).json[0][key] == f"402: no credit, call …{NUMBER[-4:]} with ***"


def test_why_a_sink_was_disabled_comes_back_without_a_number(web):
    web.post("/api/sinks/stdout/enable")
    disabled = web.post("/api/sinks/stdout/disable", json={"reason": f"ask +{NUMBER}"})
    assert disabled.json["reason"] == f"ask …{NUMBER[-4:]}"


def test_what_a_subscriber_says_to_a_ping_is_shown_without_numbers(web, receiver):
    web.post("/api/sinks", json={"name": "crm", "url": receiver.url, "options": {"allow_private": True}})
    receiver.always(answer(f"call +{NUMBER}".encode(), status=500))
    assert web.post("/api/sinks/crm/test").json["answer_body"] == f"call …{NUMBER[-4:]}"
