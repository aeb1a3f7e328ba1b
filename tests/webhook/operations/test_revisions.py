"""What changed between two revisions of a record."""

from __future__ import annotations

import pytest
from factories import make_settings
from payloads.records import AGENT, CALLER, data, legs_of

from webhook.operations.masking import Shown
from webhook.operations.revisions import changes_between

EARLY = data(legs_of(CALLER))
LATE = data(legs_of(CALLER, ("outbound-dial", AGENT, "completed", 27)))


@pytest.fixture
def shown():
    return Shown(make_settings("redis://127.0.0.1/0"), [], numbers=False)


def told(before, after, shown):
    return {change.name: (change.before, change.after) for change in changes_between(before, after, shown)}


def test_a_correction_is_told_as_what_changed(shown):
    changes = told(EARLY, LATE, shown)
    assert changes["agent"] == ("none", "…0001")
    assert changes["talk"] == ("0 s", "27 s")
    assert changes["outcome"] == ("missed", "answered")
    assert changes["scenario"] == ("unknown", "direct")
    assert changes["legs"] == ("1", "2")
    assert "customer" not in changes


def test_equal_records_have_no_changes(shown):
    assert told(EARLY, EARLY, shown) == {}


def test_a_change_inside_the_legs_alone_is_not_kept_silent(shown):
    legs = [{**leg, "updated_at": "2026-09-16T06:00:00+05:30"} for leg in LATE["legs"]]
    assert told(LATE, {**LATE, "legs": legs}, shown) == {"legs": ("as before", "details changed")}


def test_numbers_and_texts_of_others_are_masked(shown):
    changes = told({**LATE, "custom_field": None}, {**LATE, "custom_field": "ask +919000000077"}, shown)
    assert changes == {"custom field": ("none", "ask …0077")}
    whole = Shown(make_settings("redis://127.0.0.1/0"), [], numbers=True)
    assert told(EARLY, LATE, whole)["agent"] == ("none", "+919000000001")


def test_a_record_of_an_earlier_version_lacks_keys(shown):
    before = {key: value for key, value in EARLY.items() if key not in {"outcome", "wait_seconds", "agents"}}
    assert told(before, EARLY, shown) == {"outcome": ("none", "missed")}
