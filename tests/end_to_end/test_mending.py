"""What was given up on is tried again, and what was delivered is delivered again, by the command line."""

from __future__ import annotations

import json
import re

import pytest
from end_to_end.stage import Stage, wait_until
from stubs import StubServer, answer

FILE = "file"


@pytest.fixture(scope="module")
def subscriber():
    """A webhook subscriber; it takes everything until it is told otherwise."""
    with StubServer(answer(status=204)) as server:
        yield server


@pytest.fixture(scope="module")
def stage(tmp_path_factory, subscriber):
    """A call gets two fetches, a delivery two attempts."""
    sinks = f"file:records.jsonl {subscriber.url}/hook?allow_private=true"
    impatient = {"RETRY_SCHEDULE": "0.2", "DELIVERY_SCHEDULE": "0.2"}
    with Stage(tmp_path_factory.mktemp("stage"), SINKS=sinks, **impatient) as stage:
        stage.start_line("web")
        stage.worker = stage.start_line("worker")
        yield stage


def json_of(stage, *arguments):
    """What a command says to programs when all is well."""
    done = stage.legwork(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def posts_about(subscriber, sid):
    """What the subscriber was sent about a call: the ids and the bodies."""
    seen = [(request.headers["webhook-id"], json.loads(request.body)) for request in list(subscriber.seen)]
    return [(name, record) for name, record in seen if record["subject"] == sid]


def dead_about(stage, sid):
    return [letter for letter in json_of(stage, "dead", "list")["dead"] if letter["call_sid"] == sid]


def refuse(stage, subscriber):
    """Have the subscriber refuse all from now on; what it was to get before is first waited for, or it would die too."""
    webhook = next(name for name in stage.status()["sinks"] if name != FILE)
    wait_until(lambda: not stage.status()["sinks"][webhook]["waiting"], "the deliveries of the tests before")
    subscriber.choose(lambda _: answer(status=500))


def test_a_call_that_was_unavailable_is_completed_by_a_retry(stage):
    (sid,) = stage.place("404-at-first")
    stage.post(sid)
    (unavailable,) = stage.wait_for(sid)
    assert unavailable["type"] == "legwork.call.unavailable"
    (letter,) = wait_until(lambda: dead_about(stage, sid), "the call among the dead")
    assert (letter["what"], letter["reason"][:3]) == ("fetch", "404")
    assert json_of(stage, "dead", "retry", sid)["calls"] == 1
    _, completed = stage.wait_for(sid, count=2)
    assert completed["type"] == "legwork.call.completed"
    assert (completed["data"]["revision"], completed["data"]["settled"]) == (1, True)
    assert dead_about(stage, sid) == []


def test_a_call_that_went_out_unsettled_is_corrected_by_a_retry(stage):
    (sid,) = stage.place("legs-late")
    stage.post(sid)
    (unsettled,) = stage.wait_for(sid)
    assert (unsettled["type"], unsettled["data"]["settled"]) == ("legwork.call.completed", False)
    wait_until(lambda: dead_about(stage, sid), "the call among the dead")
    assert (
        json_of(stage, "dead", "retry", "--all", "--yes", "--reason", dead_about(stage, sid)[0]["reason"])["calls"] >= 1
    )
    _, corrected = stage.wait_for(sid, count=2)
    assert corrected["type"] == "legwork.call.corrected"
    assert (corrected["data"]["revision"], corrected["data"]["settled"]) == (2, True)


def test_a_delivery_that_was_given_up_on_arrives_under_the_same_id_by_a_retry(stage, subscriber):
    refuse(stage, subscriber)
    (sid,) = stage.place("answered")
    stage.post(sid)
    (letter,) = wait_until(lambda: dead_about(stage, sid), "the delivery among the dead")
    assert (letter["what"], letter["record"], len(letter["attempts"])) == ("delivery", "1/completed", 2)
    shown = stage.legwork("calls", "show", sid).stdout
    assert shown.count("  500  after") == 2, "every attempt is told, beside the timeline"
    subscriber.choose(lambda _: answer(status=204))
    assert json_of(stage, "dead", "retry", sid) == {"calls": 0, "deliveries": 1, "wrong": {}}
    wait_until(lambda: len(posts_about(subscriber, sid)) == 3, "the third attempt")
    assert len({name for name, _ in posts_about(subscriber, sid)}) == 1
    wait_until(lambda: not stage.status()["sinks"][letter["sink"]]["waiting"], "nothing that waits")
    assert stage.status()["sinks"][letter["sink"]]["dead"] == 0
    assert len(stage.records(sid)) == 1, "the other sink had it all along, and heard nothing of this"


def test_what_is_dropped_is_not_tried_again(stage, subscriber):
    refuse(stage, subscriber)
    (sid,) = stage.place("answered")
    stage.post(sid)
    wait_until(lambda: dead_about(stage, sid), "the delivery among the dead")
    subscriber.choose(lambda _: answer(status=204))
    assert stage.legwork("dead", "drop", "--all").returncode == 2, "nobody can be asked here"
    assert json_of(stage, "dead", "drop", sid) == {"calls": 0, "deliveries": 1, "wrong": {}}
    assert stage.legwork("dead", "retry", sid).returncode == 1
    assert len(posts_about(subscriber, sid)) == 2


def test_records_of_calls_or_of_a_span_of_time_are_delivered_again_under_the_same_id(stage):
    sids = stage.place("answered", count=12)
    for sid in sids:
        stage.post(sid)
    stage.wait_for(*sids)
    counted = json_of(stage, "replay", "--since", "1h", "--sink", FILE, "--dry-run")["sinks"][FILE]
    assert (counted["to_queue"] >= 12, counted["queued"]) == (True, 0)
    assert json_of(stage, "replay", *sids, "--sink", FILE)["sinks"][FILE]["queued"] == 12
    stage.wait_for(*sids, count=24)
    assert json_of(stage, "replay", "--since", "1h", "--sink", FILE)["sinks"][FILE]["queued"] >= 12
    records = stage.wait_for(*sids, count=36)
    assert len(records) == 36
    assert len({record["id"] for record in records}) == 12
    for sid in sids:
        first, *others = stage.records(sid)
        assert all(other == first for other in others)


def test_a_sink_that_is_added_later_gets_what_it_has_missed_and_nobody_else_does(stage):
    (sid,) = stage.place("transferred")
    stage.post(sid)
    stage.wait_for(sid)
    before = len(stage.records())
    stage.worker.signal()
    assert stage.worker.ended() == 0
    stage.environ["SINKS"] += " file:later.jsonl"
    stage.start_line("worker")
    missing = ["replay", "--since", "1h", "--only-missing", "--sink", "file-2"]
    count = json_of(stage, *missing)["sinks"]["file-2"]["queued"]
    wait_until(lambda: len(stage.records(file="later.jsonl")) == count, "what it has missed")
    wait_until(lambda: not stage.status()["sinks"]["file-2"]["waiting"], "every delivery to be noted")
    assert {record["id"] for record in stage.records(file="later.jsonl")} == {
        record["id"] for record in stage.records()
    }
    assert json_of(stage, *missing)["sinks"]["file-2"]["queued"] == 0
    assert len(stage.records()) == before


def test_full_numbers_are_not_shown_of_what_is_dead(stage):
    text = stage.legwork("dead", "list").stdout + stage.legwork("dead", "list", "--json").stdout
    assert not re.search(r"\+?91?90000\d{5}", text)
