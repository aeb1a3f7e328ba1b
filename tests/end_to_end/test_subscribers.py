"""A subscriber comes, rotates its secret, and goes, while webs and workers run and calls come in."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet
from end_to_end.stage import Stage, wait_until
from standardwebhooks import Webhook
from stubs import StubServer, answer


@pytest.fixture(scope="module")
def receiver():
    with StubServer(answer(status=204)) as server:
        yield server


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stage"), LEGWORK_SECRET_KEY=Fernet.generate_key().decode()) as stage:
        stage.start_line("web")
        for number in range(2):
            stage.start("worker" + str(number), "exec legwork worker")
        yield stage


@pytest.fixture(scope="module")
def other_receiver():
    with StubServer(answer(status=204)) as server:
        yield server


def json_of(stage, *arguments):
    done = stage.legwork("sinks", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def arrived(receiver, sid, secret):
    """The records of a call that came, with signatures that hold."""
    found = [seen for seen in receiver.seen if sid in seen.body.decode()]
    return [
        Webhook(secret).verify(seen.body, {name.lower(): value for name, value in seen.headers.items()})
        for seen in found
    ]


def test_a_life_of_a_subscriber(stage, receiver):
    (before,) = stage.place("answered")
    stage.post(before)
    stage.wait_for(before)
    secret = json_of(
        stage, "add", "crm", f"{receiver.url}/hook", "--allow-private", "--type", "legwork.call.completed"
    )["secret"]
    assert json_of(stage, "test", "crm")["delivered"]

    def is_known():
        (sid,) = stage.place("answered")
        stage.post(sid)
        stage.wait_for(sid)
        return arrived(receiver, sid, secret)

    wait_until(is_known, "the workers to hear of it")
    assert arrived(receiver, before, secret) == [], (
        "what was decided before it came is not for it, unless it is asked for"
    )
    assert json_of(stage, "recover", "crm", "--since", "1h")["queued"] >= 1
    (record,) = wait_until(lambda: arrived(receiver, before, secret), "the record it had missed")
    assert record["data"]["call_sid"] == before

    new = json_of(stage, "rotate-secret", "crm")["secret"]

    def is_signed_with_both():
        (sid,) = stage.place("answered")
        stage.post(sid)
        wait_until(lambda: any(sid in seen.body.decode() for seen in receiver.seen), "the record")
        seen = next(seen for seen in receiver.seen if sid in seen.body.decode())
        signatures = seen.headers["webhook-signature"].split()
        return len(signatures) == 2 and arrived(receiver, sid, new) and arrived(receiver, sid, secret)

    wait_until(is_signed_with_both, "both signatures")

    json_of(stage, "disable", "crm")
    (waiting,) = stage.place("answered")
    stage.post(waiting)
    stage.wait_for(waiting)
    found = stage.status()["sinks"]["crm"]
    assert (found["state"], found["waiting"]) == ("disabled", 1)
    assert json_of(stage, "remove", "crm", "--yes")["dropped"] == 1
    assert "crm" not in stage.status()["sinks"]
    assert arrived(receiver, waiting, new) == []
    for secret_text in (secret, new):
        assert secret_text not in stage.logs()


def test_what_waits_goes_where_the_subscriber_was_moved_to(stage, receiver, other_receiver):
    secret = json_of(stage, "add", "erp", f"{receiver.url}/old", "--allow-private")["secret"]
    json_of(stage, "disable", "erp")
    (waiting,) = stage.place("answered")
    stage.post(waiting)
    wait_until(lambda: stage.status()["sinks"]["erp"]["waiting"], "the record to wait")
    moved = json_of(stage, "update", "erp", "--url", f"{other_receiver.url}/new", "--header", "X-Key: moved")
    assert (moved["waiting"], moved["state"]) == (1, "disabled")
    json_of(stage, "enable", "erp")
    (record,) = wait_until(lambda: arrived(other_receiver, waiting, secret), "the record at the new URL")
    assert record["data"]["call_sid"] == waiting
    assert {seen.headers["X-Key"] for seen in other_receiver.seen if seen.method == "POST"} == {"moved"}
    assert not [seen for seen in receiver.seen if seen.target == "/old" and seen.method == "POST"]
    assert stage.status()["sinks"]["erp"]["delivered"] == 1
    json_of(stage, "remove", "erp", "--yes")
