"""Which callbacks say that the call has ended: they decide when Exotel is first asked."""

import pytest
from payloads.reading import SID, load_one, load_sample
from payloads.samples import CALLBACKS


@pytest.mark.parametrize("event", ["terminal", "Terminal", "TERMINAL"])
@pytest.mark.parametrize("kind", ["status", "passthru"])
def test_a_terminal_event_is_the_end_at_whatever_url(event, kind):
    callback = load_one([("CallSid", SID), ("EventType", event), ("Status", "no-answer")], kind=kind)
    assert (callback.ended, callback.event) == (True, "terminal")


def test_the_line_being_busy_is_an_end_and_not_the_popups_busy():
    assert load_one([("CallSid", SID), ("EventType", "terminal"), ("Status", "busy")]).ended


@pytest.mark.parametrize("status", ["in-progress", "completed"])
def test_answered_is_no_end_whatever_its_status(status):
    callback = load_one([("CallSid", SID), ("EventType", "answered"), ("Status", status)])
    assert (callback.ended, callback.event) == (False, "answered")


@pytest.mark.parametrize("status", ["completed", "failed", "busy", "no-answer", "canceled", "Cancelled"])
def test_without_an_event_a_final_status_is_the_end(status):
    callback = load_one([("CallSid", SID), ("Status", status)])
    assert (callback.ended, callback.event) == (True, None)


@pytest.mark.parametrize("status", ["in-progress", "ringing", "queued", "", "null", "free", "weird"])
def test_without_an_event_any_other_status_is_not(status):
    assert not load_one([("CallSid", SID), ("Status", status)]).ended


@pytest.mark.parametrize("name", ["S24a", "S24b", "S24c"])
@pytest.mark.parametrize("kind", ["status", "passthru"])
def test_an_agents_popup_never_ends_the_call(name, kind):
    assert not load_sample(CALLBACKS[name], kind=kind).ended


def test_not_even_without_the_marks_of_a_popup():
    assert not load_one([("CallSid", SID), ("EventType", "Terminal"), ("Status", "free")]).ended


@pytest.mark.parametrize("name", ["S15", "S16", "S17", "S17b", "S17c", "S19", "S22", "S23"])
@pytest.mark.parametrize("kind", ["status", "passthru"])
def test_a_passthru_is_in_the_middle_of_the_call_whatever_it_says_of_the_dial_before_it(name, kind):
    assert not load_sample(CALLBACKS[name], kind=kind).ended


def test_a_status_in_a_passthru_url_is_the_customers_own():
    assert not load_one([("status", "completed"), ("CallSid", SID)], kind="passthru").ended


@pytest.mark.parametrize(
    ("state", "detail", "ended"),
    [
        ("terminal", "terminal", True),
        ("Terminal", "", True),
        ("", "terminal", True),
        ("active", "", False),
        ("active", "answered", False),
        ("", "", False),
    ],
)
@pytest.mark.parametrize("kind", ["status", "passthru"])
def test_integration_core_has_its_own_words(state, detail, ended, kind):
    document = {"CallSid": SID, "CallState": state, "CallDetail": detail, "CallStatus": "completed"}
    assert load_one([], document, kind=kind).ended is ended
