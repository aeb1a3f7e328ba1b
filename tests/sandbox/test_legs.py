"""How the legs of a call are answered, scenario by scenario, over real HTTP."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from pathlib import Path

import pytest
import requests
from defusedxml import ElementTree

from sandbox.scenarios import BY_NAME, SCENARIOS
from sandbox.times import utc_time

PAYLOADS = Path(__file__).parents[1] / "payloads"

SETTLED_AT_ONCE = [entry.name for entry in SCENARIOS.values() if entry.then == "legs" and not entry.reads]


def same_as(truth, answer):
    """Does an answer of the API say what really happened?"""
    said = [
        (leg["Sid"], leg["PhoneNumber"], leg["Origin"], leg["Status"], leg["OnCallDuration"]) for leg in answer["legs"]
    ]
    known = [(leg["sid"], leg["number"], leg["origin"], leg["status"], leg["on_call_seconds"]) for leg in truth["legs"]]
    return said == known and answer["MetaData"] == {"Total": len(known), "Count": len(known)}


@pytest.mark.parametrize("scenario", SETTLED_AT_ONCE)
def test_what_is_not_about_the_answer_is_answered_rightly_at_the_first_read(driver, scenario):
    sid = driver.place(scenario)
    assert same_as(driver.truth(sid), driver.legs(sid).json())


def shape(leg):
    return {key: type(value) for key, value in leg.items()}


def test_a_leg_has_the_keys_and_types_of_exotels_example(driver):
    example = json.loads((PAYLOADS / "S1.json").read_text())
    answer = driver.legs(driver.place("answered")).json()
    assert list(answer) == list(example)
    assert [*map(shape, answer["legs"])] == [shape(example["legs"][0]), shape(example["legs"][-1])]


def test_times_are_indian_wall_clock_and_fit_together(driver):
    sid = driver.place("three-agents")
    truth, legs = driver.truth(sid), driver.legs(sid).json()["legs"]
    for told, known in zip(legs, truth["legs"], strict=True):
        created = datetime.fromisoformat(told["DateCreated"] + "+05:30").timestamp()
        assert utc_time(created) == known["created_at"]
        assert told["DateCreated"] <= told["DateUpdated"]
    assert legs[-1]["StartTime"] < legs[-1]["EndTime"]


def test_a_call_that_is_still_running_has_no_legs_yet(start):
    driver = start(speed=1)
    answer = driver.legs(driver.place("answered", ended_ago=None))
    assert answer.status_code == 400
    assert answer.json()["RestException"]["Description"] == "The call is not completed"


def test_a_placed_call_is_over_after_its_scaled_time_and_has_just_ended(driver, until):
    before = time.time()
    sid = driver.place("answered", ended_ago=None)
    until(lambda: driver.truth(sid)["over"])
    truth = driver.truth(sid)
    began, ended = (datetime.fromisoformat(truth[key]).timestamp() for key in ("started_at", "ended_at"))
    assert ended - began == pytest.approx(BY_NAME["answered"].seconds, abs=0.002)
    assert before <= ended <= time.time()
    assert same_as(truth, driver.legs(sid).json())


def test_an_unknown_call_is_a_400_that_asks_to_check_the_id(driver):
    answer = driver.legs("0" * 32)
    assert answer.status_code == 400
    assert answer.json() == json.loads((PAYLOADS / "S4.json").read_text())


def test_legs_late_begin_with_the_callers_unfinished_leg_alone(driver):
    sid = driver.place("legs-late")
    for _ in range(2):
        answer = driver.legs(sid).json()
        assert answer["MetaData"] == {"Total": 1, "Count": 1}
        assert answer["legs"][0]["Status"] == "in-progress"
    assert same_as(driver.truth(sid), driver.legs(sid).json())


@pytest.mark.parametrize(("scenario", "again"), [("count-below-total", 2), ("count-below-total-for-ever", 5)])
def test_a_leg_too_few_shows_in_count_and_total(driver, scenario, again):
    sid = driver.place(scenario)
    for _ in range(again):
        answer = driver.legs(sid).json()
        assert answer["MetaData"] == {"Total": 2, "Count": 1}
        assert len(answer["legs"]) == 1
    assert same_as(driver.truth(sid), driver.legs(sid).json()) == (scenario == "count-below-total")


def test_leg_in_progress_is_finished_at_the_second_read(driver):
    sid = driver.place("leg-in-progress")
    assert [leg["Status"] for leg in driver.legs(sid).json()["legs"]] == ["completed", "in-progress"]
    assert same_as(driver.truth(sid), driver.legs(sid).json())


def test_changed_later_looks_final_once_and_has_another_leg_afterwards(driver):
    sid = driver.place("changed-later")
    first = driver.legs(sid).json()
    assert first["MetaData"] == {"Total": 1, "Count": 1}
    assert first["legs"][0]["Status"] == "completed"
    for _ in range(2):
        assert same_as(driver.truth(sid), driver.legs(sid).json())


def test_no_legs_at_first_is_an_empty_list_once(driver):
    sid = driver.place("no-legs-at-first")
    assert driver.legs(sid).json() == {"MetaData": {"Total": 0, "Count": 0}, "legs": []}
    assert same_as(driver.truth(sid), driver.legs(sid).json())


def test_odd_values_say_the_same_facts_in_other_words(driver):
    sid = driver.place("odd-values")
    legs, known = driver.legs(sid).json()["legs"], driver.truth(sid)["legs"]
    assert [int(leg["OnCallDuration"]) for leg in legs] == [leg["on_call_seconds"] for leg in known]
    assert [leg["PhoneNumber"][-10:] for leg in legs] == [leg["number"][-10:] for leg in known]
    assert legs[0]["LastAction"] == "null"
    assert legs[0]["EndTime"] == "1970-01-01 05:30:00"


def test_a_status_nobody_knows_and_a_softphone_pass_as_they_are(driver):
    assert driver.legs(driver.place("unknown-status")).json()["legs"][1]["Status"] == "parked"
    assert driver.legs(driver.place("sip-agent")).json()["legs"][1]["PhoneNumber"].startswith("sip:")


def test_a_supervisor_is_a_monitor_leg_with_an_action(driver):
    monitor = driver.legs(driver.place("listened-in")).json()["legs"][-1]
    assert (monitor["Origin"], monitor["LastAction"]) == ("monitor", "listen")


def tags(element):
    return element.tag, [tags(child) for child in element]


def test_xml_has_the_elements_of_the_v1_style(driver):
    example = ElementTree.fromstring((PAYLOADS / "S3.xml").read_bytes())
    answer = driver.legs(driver.place("agent-gives-up"), path="Legs")
    assert answer.headers["Content-Type"] == "application/xml"
    told = ElementTree.fromstring(answer.content)
    assert tags(told)[0] == "TwilioResponse"
    assert tags(told.find("Legs/Leg")) == tags(example.find("Legs/Leg"))
    assert told.find("MetaData/Total").text == "2"


def test_without_the_suffix_accept_decides_and_the_scenario_xml_ignores_both(driver):
    wanting = {"Accept": "application/json"}
    assert driver.legs(driver.place("answered"), path="Legs", headers=wanting).json()
    always = driver.legs(driver.place("xml"), headers=wanting)
    assert ElementTree.fromstring(always.content).tag == "TwilioResponse"


@pytest.mark.parametrize(
    ("scenario", "statuses"),
    [
        ("400-first", [400, 200]),
        ("404-at-first", [404, 404, 200]),
        ("404-for-ever", [404, 404, 404, 404]),
        ("429", [429, 200]),
        ("500", [500, 200]),
        ("html-502", [502, 200]),
        ("html-200", [200, 200]),
    ],
)
def test_refusals_come_as_often_as_the_scenario_says(driver, scenario, statuses):
    sid = driver.place(scenario)
    answers = [driver.legs(sid) for _ in statuses]
    assert [answer.status_code for answer in answers] == statuses
    if scenario.startswith("html"):
        assert answers[0].headers["Content-Type"].startswith("text/html")
        assert answers[0].text.startswith("<!DOCTYPE html>")
    if scenario == "429":
        assert answers[0].headers["Retry-After"] == "2"
    if scenario != "404-for-ever":
        assert same_as(driver.truth(sid), answers[-1].json())


def test_cut_off_breaks_in_the_middle_of_the_body_once(driver):
    sid = driver.place("cut-off")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        driver.legs(sid)
    assert driver.legs(sid).status_code == 200
    assert [seen["status"] for seen in driver.get("/requests")["requests"]] == [None, 200]


def test_slow_takes_its_time_and_then_answers(driver):
    sid = driver.place("slow")
    answer = driver.legs(sid)
    assert answer.elapsed.total_seconds() >= driver.sandbox.settings.slow_seconds
    assert same_as(driver.truth(sid), answer.json())


def test_call_sids_have_exotels_shape_and_the_day_in_the_last_four(driver):
    sid = driver.place("answered")
    assert re.fullmatch(r"[0-9a-f]{31}[0-9a-v]", sid)
    day = datetime.fromisoformat(driver.truth(sid)["started_at"]).astimezone()
    assert int(sid[28:30], 16) in (day.year - 2000, day.year - 1999)
    assert all(leg["sid"][28:] == sid[28:] for leg in driver.truth(sid)["legs"])
