"""What a receiver gets: the right parameters, in the right clothes, in the right order."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

PAYLOADS = Path(__file__).parents[1] / "payloads"


@pytest.fixture
def calling(start, receiver):
    """A sandbox that posts to the receiver."""
    return start(passthru_url=receiver.passthru_url, status_url=receiver.status_url, callback_retries=(20.0, 40.0))


@pytest.fixture
def slowly(start, receiver):
    """The same with calls of half a second, where the order of arrival is what matters."""
    return start(passthru_url=receiver.passthru_url, status_url=receiver.status_url, speed=100)


def in_call_time(received):
    return sorted(received, key=lambda request: request.args["CurrentTime"])


def place(driver, scenario, **order):
    return driver.place(scenario, ended_ago=None, callbacks=True, **order)


def example(name):
    text = (PAYLOADS / f"{name}.query").read_text().strip()
    return dict(parse_qsl(text.partition("?")[2] or text, keep_blank_values=True))


def test_an_inbound_call_gets_a_passthru_before_connect_and_one_behind_it(calling, receiver):
    sid = place(calling, "inbound")
    before, behind = in_call_time(receiver.wait_for(2))
    assert [request.method for request in (before, behind)] == ["GET", "GET"]
    # The secret that stood in the configured URL comes back first, untouched.
    assert before.query_string.startswith(b"key=secret&CallSid=")
    assert set(before.args) == {*example("S15"), "key"}
    assert set(behind.args) == {*example("S16"), "key", "digits"}
    assert before.args["CallSid"] == behind.args["CallSid"] == sid
    assert (before.args["CallType"], behind.args["CallType"]) == ("call-attempt", "completed")
    assert before.args["EndTime"] == "1970-01-01 05:30:00"
    assert b"Legs%5B0%5D%5BNumber%5D=" in behind.query_string


def test_passthru_comes_while_the_call_is_still_running(start, receiver):
    driver = start(passthru_url=receiver.passthru_url, speed=5)
    sid = place(driver, "inbound")
    receiver.wait_for(1)
    assert not driver.truth(sid)["over"]


@pytest.mark.parametrize(
    ("scenario", "status", "kind", "cause"),
    [
        ("missed", "no-answer", "incomplete", "1003"),
        ("caller-hangs-up", "canceled", "client-hangup", "1003"),
    ],
)
def test_passthru_tells_how_an_unanswered_call_ended(calling, receiver, scenario, status, kind, cause):
    place(calling, scenario)
    behind = in_call_time(receiver.wait_for(2))[1].args
    assert (behind["DialCallStatus"], behind["CallType"], behind["Legs[0][Cause]"]) == (status, kind, cause)
    assert "RecordingUrl" not in behind


def test_each_agent_that_is_tried_has_popups(calling, receiver):
    place(calling, "three-agents")
    popups = [request.args for request in in_call_time(receiver.wait_for(9)) if "EventType" in request.args]
    assert [(popup["EventType"], popup["Status"], popup["DialWhomNumber"]) for popup in popups] == [
        ("Dial", "busy", "09000009001"),
        ("Terminal", "free", "09000009001"),
        ("Dial", "busy", "09000009002"),
        ("Terminal", "free", "09000009002"),
        ("Dial", "busy", "09000009003"),
        ("Answered", "busy", "09000009003"),
        ("Terminal", "free", "09000009003"),
    ]
    assert set(popups[0]) == {*example("S24a"), "key"}


def test_the_plain_status_callback_is_multipart_with_four_fields(calling, receiver):
    sid = place(calling, "busy")
    (request,) = receiver.wait_for(1)
    assert (request.method, request.path) == ("POST", "/status")
    assert request.mimetype == "multipart/form-data"
    assert set(request.form) == {"CallSid", "DateUpdated", "Status", "RecordingUrl"}
    assert (request.form["CallSid"], request.form["Status"]) == (sid, "busy")


def test_terminal_tells_the_legs_in_brackets(calling, receiver):
    place(calling, "nobody", number="09000000003", agent=None, custom_field="order_12345")
    form = receiver.wait_for(1)[0].form
    assert form["EventType"] == "terminal"
    assert (form["To"], form["CustomField"], form["Direction"]) == (
        "09000000003",
        "order_12345",
        "outbound-api",
    )
    assert (form["Legs[0][Status]"], form["Legs[1][Status]"]) == ("completed", "no-answer")
    assert "RecordingUrl" not in form


def test_as_json_the_types_are_those_of_exotels_example(calling, receiver):
    place(calling, "callback-json")
    (request,) = receiver.wait_for(1)
    assert request.mimetype == "application/json"
    told, known = request.get_json(), json.loads((PAYLOADS / "S28.json").read_text())
    assert set(told) == set(known)
    assert isinstance(told["ConversationDuration"], int)
    assert set(told["Legs"][1]) == set(known["Legs"][1])


def test_as_an_ordinary_form_it_is_urlencoded(calling, receiver):
    place(calling, "callback-urlencoded")
    (request,) = receiver.wait_for(1)
    assert request.mimetype == "application/x-www-form-urlencoded"
    assert request.form["Legs[1][AnsweredBy]"] == "HUMAN"


def test_answered_comes_once_for_each_leg_and_terminal_last(calling, receiver):
    place(calling, "events")
    forms = sorted((request.form for request in receiver.wait_for(3)), key=lambda form: form["DateUpdated"])
    assert [form["EventType"] for form in forms] == ["answered", "answered", "terminal"]
    assert [form["Status"] for form in forms] == ["in-progress", "in-progress", "completed"]
    assert [form["Legs[1][Status]"] for form in forms] == ["", "in-progress", "completed"]


def test_a_stale_answered_can_come_after_terminal(slowly, receiver):
    place(slowly, "events-out-of-order")
    assert [request.form["EventType"] for request in receiver.wait_for(2)] == ["terminal", "answered"]


def test_a_flow_called_by_the_api_has_both_kinds(slowly, receiver):
    place(slowly, "flow-and-status")
    passthru, status = receiver.wait_for(2)
    assert passthru.args["Direction"] == "outbound-dial"
    assert set(status.form) == {"CallSid", "DateUpdated", "Status", "RecordingUrl"}


def test_a_ping_is_a_post_without_a_body(slowly, receiver):
    place(slowly, "ping-first")
    ping, status = receiver.wait_for(2)
    assert (ping.method, ping.content_length, ping.get_data()) == ("POST", 0, b"")
    assert status.form["EventType"] == "terminal"


def test_twice_is_the_same_callback_twice(calling, receiver):
    place(calling, "callback-twice")
    first, second = receiver.wait_for(2)
    assert first.form == second.form


def test_late_is_ten_minutes_of_call_time_after_the_end(calling, receiver):
    sid = place(calling, "callback-late")
    receiver.wait_for(1)
    truth = calling.truth(sid)
    posted, ended = (datetime.fromisoformat(text) for text in (truth["callbacks"][0]["posted_at"], truth["ended_at"]))
    assert (posted - ended).total_seconds() * calling.sandbox.settings.speed >= 600


def test_never_is_never_but_the_list_knows_the_call(calling, receiver, until):
    sid = place(calling, "callback-never")
    # A later call's callback arrives, so an earlier call's would have.
    place(calling, "busy")
    assert receiver.wait_for(1)[0].form["CallSid"] != sid
    until(lambda: sid in [call["Sid"] for call in calling.calls().json()["Calls"]])
    assert calling.truth(sid)["callbacks"] == []


def test_a_refused_status_callback_comes_twice_more_and_no_oftener(calling, receiver, until):
    receiver.status = 302
    sid = place(calling, "busy")
    receiver.wait_for(3)
    # Another call's third try would come after a fourth one of this call.
    place(calling, "busy")
    received = receiver.wait_for(6)
    assert [request.form["CallSid"] for request in received].count(sid) == 3
    told = until(
        lambda: len(posts := [post for post in calling.truth(sid)["callbacks"] if post["status"]]) == 3 and posts
    )
    assert [(post["attempt"], post["status"]) for post in told] == [(1, 302), (2, 302), (3, 302)]


def test_a_refused_passthru_does_not_come_again(calling, receiver, until):
    receiver.status = 500
    sid = place(calling, "inbound")
    receiver.wait_for(2)
    told = until(lambda: [post for post in calling.truth(sid)["callbacks"] if post["status"]])
    assert {post["attempt"] for post in told} == {1}


def test_an_unreachable_receiver_is_told_without_the_url(start, until):
    driver = start(status_url="http://127.0.0.1:1/callbacks/secret", callback_retries=())
    sid = place(driver, "busy")
    (told,) = until(lambda: [post for post in driver.truth(sid)["callbacks"] if post["error"]])
    assert told["error"] == "ConnectionError"
    assert "secret" not in json.dumps(driver.truth(sid))


def test_the_url_may_name_the_account_or_come_with_the_call(start, receiver):
    driver = start(status_url=receiver.url + "/of/{account_sid}")
    place(driver, "busy")
    place(driver, "failed", status_url=receiver.url + "/own")
    assert {request.path for request in receiver.wait_for(2)} == {"/of/acme1m", "/own"}


def test_hundreds_of_calls_at_once_all_get_their_callback(calling, receiver):
    sids = place(calling, "busy", count=300)
    received = receiver.wait_for(300, seconds=30)
    assert sorted(request.form["CallSid"] for request in received) == sorted(sids)


def test_calls_are_placed_by_the_timetable_in_the_order_of_the_scenarios(start, receiver, until):
    driver = start(
        status_url=receiver.status_url,
        calls_at_start=2,
        calls_per_minute=1200.0,
        scenarios=("busy", "callback-twice"),
    )
    until(lambda: driver.get("/calls")["total"] >= 5)
    placed = [call["scenario"] for call in driver.get("/calls")["calls"]][::-1]
    assert placed[:5] == ["busy", "callback-twice", "busy", "callback-twice", "busy"]
    receiver.wait_for(3)


def test_the_first_call_waits_until_the_receiver_listens(start, receiver, until):
    waiting = start(status_url="http://127.0.0.1:1/status", calls_at_start=1)
    ready = start(status_url=receiver.status_url, calls_at_start=1)
    until(lambda: ready.get("/calls")["total"])
    assert waiting.get("/calls")["total"] == 0
