"""Calls go in at one end and records come out at the other."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
import requests
from end_to_end.stage import ACCOUNT, SECRETS, TOKEN, Stage, wait_until


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        stage.start_line("web")
        stage.start_line("worker")
        yield stage


def truth_of(stage, sid):
    return requests.get(f"{stage.sandbox}/calls/{sid}", timeout=5).json()


def test_a_completed_call_becomes_one_record_by_the_contract(stage):
    (sid,) = stage.place("answered", custom_field="order_7")
    answer = stage.post(sid, CustomField="order_7", From="09000009001", To="09000000101")
    assert (answer.status_code, answer.json()) == (200, {"call_sid": sid, "accepted": True})
    (record,) = stage.wait_for(sid)
    assert record["specversion"] == "1.0"
    assert record["type"] == "legwork.call.completed"
    assert (record["subject"], record["source"]) == (sid, f"/exotel/accounts/{ACCOUNT}")
    assert "." not in record["id"]
    data = record["data"]
    assert (data["account_sid"], data["call_sid"], data["revision"], data["settled"]) == (ACCOUNT, sid, 1, True)
    assert (data["direction"], data["status"], data["scenario"]) == ("outbound", "completed", "direct")
    assert [leg["role"] for leg in data["legs"]] == ["caller", "callee"]
    assert data["talk_seconds"] == data["legs"][1]["on_call_seconds"]
    assert data["custom_field"] == "order_7"
    assert [callback["event"] for callback in data["callbacks"]] == ["terminal"]
    assert data["callbacks"][0]["params"]["CustomField"] == "order_7"
    assert data["provenance"]["fetches"] == 1
    assert re.fullmatch(r"[0-9a-f]{64}", data["provenance"]["response_sha256"])
    for name in ("started_at", "ended_at"):
        assert data[name].endswith("Z")
        datetime.fromisoformat(data[name])


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("inbound", {"direction": "inbound", "status": "completed", "scenario": "direct"}),
        ("transferred", {"direction": "inbound", "scenario": "multi_party"}),
        ("missed", {"direction": "inbound", "status": "no-answer", "scenario": "unanswered", "agent": None}),
        ("listened-in", {"monitored": True, "scenario": "direct"}),
        ("xml", {"status": "completed", "scenario": "direct"}),
        ("unknown-status", {"settled": True}),
    ],
)
def test_what_kind_of_call_it_was_stands_in_the_record(stage, scenario, expected):
    (sid,) = stage.place(scenario)
    stage.post(sid)
    (record,) = stage.wait_for(sid)
    assert {name: record["data"][name] for name in expected} == expected


def test_the_same_callback_again_is_answered_and_makes_no_second_record(stage):
    (sid,) = stage.place("answered")
    assert [stage.post(sid).json()["accepted"] for _ in range(3)] == [True, False, False]
    stage.wait_for(sid)
    assert stage.post(sid).json() == {"call_sid": sid, "accepted": False}
    (other,) = stage.place("answered")
    stage.post(other)
    stage.wait_for(other)
    assert len(stage.records(sid)) == 1
    assert len(stage.arrivals(call_sid=sid)) == 1


def test_a_passthru_of_a_call_that_goes_on_is_fetched_later(stage):
    (sid,) = stage.place("inbound")
    answer = requests.get(
        f"{stage.url}/callbacks/{TOKEN}/passthru/",
        params={"CallSid": sid, "Direction": "incoming", "Legs[0][Status]": "completed"},
        allow_redirects=False,
        timeout=15,
    )
    assert answer.status_code == 200
    (record,) = stage.wait_for(sid)
    (callback,) = record["data"]["callbacks"]
    assert (callback["kind"], callback["params"]["Legs"]) == ("passthru", [{"Status": "completed"}])


@pytest.mark.parametrize(
    ("scenario", "fetches"),
    [("404-at-first", 3), ("legs-late", 3), ("500", 2), ("html-200", 2), ("cut-off", 2), ("no-legs-at-first", 2)],
)
def test_what_is_not_ready_is_asked_for_again(stage, scenario, fetches):
    (sid,) = stage.place(scenario)
    stage.post(sid)
    (record,) = stage.wait_for(sid)
    assert (record["data"]["settled"], record["data"]["provenance"]["fetches"]) == (True, fetches)


def test_a_call_that_is_never_known_is_given_up_and_the_sinks_are_told(stage):
    (sid,) = stage.place("404-for-ever")
    stage.post(sid)
    (record,) = stage.wait_for(sid)
    assert record["type"] == "legwork.call.unavailable"
    assert (record["data"]["settled"], record["data"]["legs"], record["data"]["status"]) == (False, [], None)
    assert stage.status()["calls"]["dead"] >= 1
    shown = stage.legwork("calls", "show", sid)
    assert shown.returncode == 0
    assert "404" in shown.stdout


def test_legs_that_never_get_complete_are_sent_for_what_they_are_worth(stage):
    (sid,) = stage.place("count-below-total-for-ever")
    stage.post(sid)
    (record,) = stage.wait_for(sid)
    assert record["type"] == "legwork.call.completed"
    assert record["data"]["settled"] is False
    assert record["data"]["legs"]


def test_many_calls_at_once_are_one_record_each(stage):
    sids = stage.place("answered", count=40)
    for sid in sids:
        stage.post(sid)
    records = stage.wait_for(*sids)
    assert sorted(record["subject"] for record in records) == sorted(sids)
    assert len({record["id"] for record in records}) == 40


def test_the_status_counts_what_happened(stage):
    (sid,) = stage.place("answered")
    stage.post(sid)
    stage.wait_for(sid)
    status = wait_until(lambda: (found := stage.status())["calls"]["waiting"] == 0 and found, "an empty backlog")
    calls = status["calls"]
    assert calls["received"] == calls["settled"] + calls["dead"]
    account = status["accounts"][ACCOUNT]
    assert account["state"] == "active"
    assert account["quota"]["used"] > 0
    (sink,) = status["sinks"].values()
    assert sink["delivered"] == len(stage.records())


def test_the_story_of_a_call_is_told_to_people_and_programs(stage):
    (sid,) = stage.place("transferred")
    stage.post(sid)
    (record,) = stage.wait_for(sid)
    text, masked = (stage.legwork("calls", "show", sid, *options).stdout for options in (["--numbers"], []))
    for leg in record["data"]["legs"]:
        assert leg["number"] in text
        assert leg["number"] not in masked
        assert f"…{leg['number'][-4:]}" in masked
    story = json.loads(stage.legwork("calls", "show", sid, "--json").stdout)
    assert story["state"] == "settled"


def test_check_finds_nothing_wrong_but_a_redis_that_forgets(stage):
    done = stage.legwork("check", "--json")
    wrong = [finding for finding in json.loads(done.stdout) if finding["verdict"] == "wrong"]
    assert [finding["text"].split()[0] for finding in wrong] == ["appendonly"]
    assert done.returncode == 1


def test_calls_whose_callbacks_never_came_are_imported_and_each_has_one_record(stage):
    sids = stage.place("transferred", count=3)
    path = stage.directory / "lost.csv"
    path.write_text(
        "".join(f"{line}\n" for line in ["Status,Sid", *(f"completed,{sid}" for sid in sids)]), encoding="utf-8"
    )
    for queued in (3, 0):
        done = stage.legwork("import", str(path), "--yes", "--json")
        assert (done.returncode, json.loads(done.stdout)["queued"]) == (0, queued)
    records = stage.wait_for(*sids)
    assert sorted(record["subject"] for record in records) == sorted(sids)
    assert {(record["type"], record["data"]["settled"]) for record in records} == {("legwork.call.completed", True)}
    assert stage.legwork("calls", "find", sids[0]).returncode == 0


@pytest.mark.parametrize(("token", "status"), [("not-the-token-of-anybody", 404), (TOKEN, 400)])
def test_what_cannot_be_taken_is_refused(stage, token, status):
    answer = stage.post("no", token=token)
    assert answer.status_code == status
    assert not stage.arrivals(call_sid="no")


def test_only_reads_arrive_at_exotel(stage):
    assert {arrival["method"] for arrival in stage.arrivals(limit=10_000)} == {"GET"}


def test_no_secret_and_no_full_number_shows_in_any_log(stage):
    logs = stage.logs()
    assert "worker.ready" in logs
    for secret in SECRETS.values():
        assert secret not in logs
    assert not re.search(r"\+?91?90000\d{5}", logs)
