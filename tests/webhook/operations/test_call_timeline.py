"""The timeline of a call: in order, with runs of like entries folded."""

from __future__ import annotations

import pytest
from console_kit import SID, admit, bury_delivery, settle_calls

from webhook.operations.call_timeline import timeline_of
from webhook.operations.masking import Shown


@pytest.fixture
def timeline(web):
    def read():
        shown = Shown(web.ledger.settings, list(web.ledger.sinks.values()), numbers=False)
        return timeline_of(web.story(SID), shown)

    return read


def test_like_callbacks_in_a_row_are_folded_and_two_are_not(web, timeline):
    for _ in range(2):
        admit(web, SID, EventType="dial")
    assert [len(run.entries) for run in timeline()] == [1, 1]
    for _ in range(7):
        admit(web, SID, EventType="dial")
    admit(web, SID, EventType="terminal")
    folded, last = timeline()
    assert (folded.is_folded, len(folded.entries), last.is_folded) == (True, 9, False)
    assert [entry.anchor for entry in folded.entries] == [f"callback-{number}" for number in range(9)]
    assert folded.entries[0].at_ms <= folded.entries[-1].at_ms


def test_attempts_that_failed_alike_are_folded_however_long_each_took(web, timeline):
    settle_calls(web, SID)
    web.ledger.client.delete(web.ledger.calls["acme1m"].key("story", SID))
    bury_delivery(web, SID, answer="503: no room")
    name, delivery = next(iter(web.story(SID).deliveries.items()))
    attempt = delivery["attempts"][0]
    history = web.story(SID)
    history.deliveries[name]["attempts"] = [{**attempt, "seconds": seconds} for seconds in (0.012, 1.4, 0.3)]
    shown = Shown(web.ledger.settings, list(web.ledger.sinks.values()), numbers=False)
    (run,) = [run for run in timeline_of(history, shown) if run.entries[0].what == "delivery to stdout"]
    assert [entry.detail for entry in run.entries] == ["12 ms", "1.4 s", "300 ms"]
    assert {entry.text for entry in run.entries} == {"503: no room"}
