"""A callback that only tests the way to here: it is counted, and leaves nothing behind."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, TOKEN

from worker.ledger.registry.account_notes import AccountNotes

PASSTHRU, STATUS = f"/callbacks/{TOKEN}/passthru", f"/callbacks/{TOKEN}/status"


def noted(web):
    return AccountNotes(web.ledger.client, ACCOUNT).read()


@pytest.mark.parametrize("sid", ["legworktest", "legworktest1", "LegworkTest42"])
@pytest.mark.parametrize("path", [PASSTHRU, STATUS])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_test_is_answered_counted_and_no_call(web, sid, path, method):
    before = set(web.ledger.client.keys())
    how = {"query_string": {"CallSid": sid}} if method == "get" else {"data": {"CallSid": sid}}
    answer = getattr(web, method)(path, **how)
    assert (answer.status_code, answer.get_json()) == (200, {"call_sid": sid, "accepted": False, "test": True})
    assert (noted(web).tests, noted(web).received) == (1, 0)
    assert noted(web).tested_ms is not None
    left = {key for key in web.ledger.client.keys("*") if b"lw:series" not in key and key != b"lw:meters"}
    assert left - before == {f"lw:{{{ACCOUNT}}}:totals".encode()}


def test_among_calls_the_test_is_the_only_one_that_is_none(web):
    answer = web.post(STATUS, json={"call_sids": ["legworktest1", "call00001"]})
    assert answer.get_json()["calls"] == [
        {"call_sid": "legworktest1", "accepted": False, "test": True},
        {"call_sid": "call00001", "accepted": True},
    ]
    assert (noted(web).tests, noted(web).received) == (1, 1)
    counted = web.get("/metrics").text
    for outcome in ("test", "new"):
        line = f'legwork_callbacks_total{{account="{ACCOUNT}",kind="status",outcome="{outcome}"}} 1.0'
        assert line in counted


def test_a_wrong_token_is_found_out_by_a_test_too(web):
    answer = web.post(f"/callbacks/{'x' * 20}/status", data={"CallSid": "legworktest"})
    assert answer.status_code == 404
    assert noted(web).tests == 0
