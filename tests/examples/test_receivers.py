"""The receivers in examples/, as real processes, sent what our own webhook sink signs, and what somebody else forges."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import requests
from payloads.records import build, callback, legs_of
from processes import until
from sink_contract import SECRET, sink_spec
from standardwebhooks import Webhook

from worker.errors import TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import sink_for

ROOT = Path(__file__).parents[2]
SECOND_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
STRANGERS_SECRET = "whsec_c3RyYW5nZXIgc3RyYW5nZXIgc3RyYW5nZXI="
LEGS = legs_of(("outbound", "09000000001", "completed", 25), ("outbound-dial", "09000000002", "completed", 9))
NUMBERS = itertools.count()
# What a crash leaves of a line.
CUT_OFF = '{"webhook_id": "evt_cut_o'


def record(revision=1, *, call_sid=None, available=True):
    """A record of a call; of one that no other test has heard of, unless it is named."""
    call_sid = call_sid or f"receivercall{next(NUMBERS):04}"
    reason = None if available else "404"
    return build(
        LEGS if available else None,
        [callback()],
        call_sid=call_sid,
        revision=revision,
        settled=available,
        reason=reason,
    )


class Receiver:
    """An example as a process, in a folder of its own."""

    def __init__(self, kind, folder):
        self.kind, self.folder, self.port = kind, folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.output = folder / "output"
        self.start()

    def start(self):
        commands = {
            "python": [sys.executable, "-m", "flask", "--app", "receiver", "run", "--port", str(self.port)],
            "node": ["node", "receiver.js"],
        }
        # Both secrets, as while they are being exchanged.
        environ = {**os.environ, "LEGWORK_SECRET": f"{SECRET} {SECOND_SECRET}", "PORT": str(self.port)}
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                commands[self.kind],
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until(self._listens)

    def _listens(self):
        assert self._process.poll() is None, self.output.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def end(self, number=signal.SIGTERM):
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def held(self, call_sid):
        """What it keeps of a call, None if that is nothing."""
        found = self._held_in_sqlite(call_sid) if self.kind == "python" else self._held_in_lines(call_sid)
        return found[-1] if found else None

    def _held_in_sqlite(self, call_sid):
        with closing(sqlite3.connect(self.folder / "calls.db")) as database:
            rows = database.execute("SELECT record FROM calls WHERE call_sid = ?", [call_sid]).fetchall()
        assert len(rows) < 2
        return [json.loads(text) for (text,) in rows]

    def _held_in_lines(self, call_sid):
        text = (self.folder / "calls.jsonl").read_text()
        lines = [json.loads(line) for line in text.splitlines() if line and not line.endswith(CUT_OFF)]
        found = [line["record"] for line in lines if line["record"]]
        return [one for one in found if one["subject"] == call_sid]

    def times_noted(self, call_sid):
        """How many records about a call it counted, newer or older ones."""
        return self.output.read_text().count(f": {call_sid} revision ")


@pytest.fixture(scope="module")
def make_receiver(request, tmp_path_factory):
    made = []

    def make(kind):
        folder = tmp_path_factory.mktemp(kind)
        if kind == "node":
            shutil.copytree(request.getfixturevalue("node_folder"), folder, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / "examples/receiver-python/receiver.py", folder)
        made.append(Receiver(kind, folder))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture(scope="module", params=["python", "node"])
def receiver(request, make_receiver):
    return make_receiver(request.param)


@pytest.fixture
def send(receiver):
    """Send records by our own sink, signed with these secrets; returns what was answered to the last one."""

    def send(*records, secrets=(SECRET,)):
        sink = sink_for(sink_spec(receiver.url, secrets=secrets, allow_private=True))
        with closing(sink):
            return [sink.send([each]) for each in records][-1]

    return send


def forge(receiver, sent, *, secret=SECRET, age=timedelta(), body=None, **headers):
    """POST a record that is signed by hand, with another body or other headers than were signed (None: none at all)."""
    signed = orjson.dumps(sent)
    then = datetime.now(UTC) - age
    usual = {
        "Content-Type": "application/cloudevents+json",
        "webhook-id": sent["id"],
        "webhook-timestamp": str(int(then.timestamp())),
        "webhook-signature": Webhook(secret).sign(sent["id"], then, signed.decode()),
    }
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(
        receiver.url, data=signed if body is None else body, headers={**usual, **changed}, timeout=15
    ).status_code


def test_a_record_is_taken_whole_and_answered_with_204(receiver, send):
    sent = record()
    assert send(sent) == "204"
    assert receiver.held(sent["subject"]) == sent


def test_a_record_that_is_signed_by_hand_is_taken_too(receiver):
    """Else the refusals below would prove nothing."""
    sent = record()
    assert forge(receiver, sent) == 204
    assert receiver.held(sent["subject"]) == sent


FORGED = {
    "tampered body": {"body": b'{"type": "legwork.call.completed"}'},
    "a byte more": {"body": orjson.dumps(record(call_sid="receivercallmore")) + b" "},
    "no body": {"body": b""},
    "not text": {"body": b"\xff\xfe"},
    "too old": {"age": timedelta(minutes=5, seconds=2)},
    "from the future": {"age": -timedelta(minutes=5, seconds=10)},
    "another id": {"webhook_id": "evt_another"},
    "another time": {"webhook_timestamp": str(int(datetime.now(UTC).timestamp()) - 60)},
    "no time": {"webhook_timestamp": "soon"},
    "wrong secret": {"secret": STRANGERS_SECRET},
    "without webhook-id": {"webhook_id": None},
    "without webhook-timestamp": {"webhook_timestamp": None},
    "without webhook-signature": {"webhook_signature": None},
    "no comma in it": {"webhook_signature": "v1"},
    "nothing behind the comma": {"webhook_signature": "v1,"},
    "an unknown version": {"webhook_signature": "v9,AAAA"},
    "letters that are none of base64": {"webhook_signature": "v1,ü?"},
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_genuine_is_refused_and_changes_nothing(receiver, name):
    sent = record(call_sid="receivercallmore" if name == "a byte more" else None)
    changes = {
        key: value.encode() if isinstance(value, str) and key != "secret" else value
        for key, value in FORGED[name].items()
    }
    assert forge(receiver, sent, **changes) in {400, 401}
    assert receiver.held(sent["subject"]) is None
    assert receiver.times_noted(sent["subject"]) == 0


def test_the_same_record_twice_counts_once(receiver, send):
    sent = record()
    assert send(sent, sent) == "204"
    assert receiver.times_noted(sent["subject"]) == 1


def test_the_same_record_from_many_sides_at_once_counts_once(receiver):
    sent, answers = record(), []
    threads = [threading.Thread(target=lambda: answers.append(forge(receiver, sent))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [204] * 8
    assert receiver.times_noted(sent["subject"]) == 1


def test_a_correction_takes_the_place_of_the_record_before(receiver, send):
    first = record()
    second = record(2, call_sid=first["subject"])
    assert (first["type"], second["type"]) == ("legwork.call.completed", "legwork.call.corrected")
    assert send(first, second) == "204"
    assert receiver.held(first["subject"]) == second


def test_an_older_revision_after_a_newer_one_changes_nothing(receiver, send):
    first = record()
    newer = [record(revision, call_sid=first["subject"]) for revision in (3, 2)]
    assert send(*newer, first) == "204"
    assert receiver.held(first["subject"]) == newer[0]
    assert receiver.times_noted(first["subject"]) == 3


def test_revisions_are_numbers_and_not_text(receiver, send):
    ninth = record(9)
    tenth = record(10, call_sid=ninth["subject"])
    send(ninth, tenth)
    assert receiver.held(ninth["subject"]) == tenth


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "out of order"])
def test_a_call_that_was_unavailable_and_then_was_found_is_found(receiver, send, order):
    unavailable = record(available=False)
    found = record(call_sid=unavailable["subject"])
    assert unavailable["type"] == "legwork.call.unavailable"
    assert unavailable["data"]["revision"] == found["data"]["revision"]
    send(*[unavailable, found][::order])
    assert receiver.held(found["subject"]) == found


def test_an_unavailable_call_is_taken_as_long_as_nothing_better_is_known(receiver, send):
    sent = record(available=False)
    assert send(sent) == "204"
    assert receiver.held(sent["subject"]) == sent


@pytest.mark.parametrize("kind", ["legwork.ping", "legwork.operator.sink_failing", "somebody.elses"])
def test_what_is_no_record_of_a_call_is_answered_with_204_and_not_kept(receiver, send, kind):
    sent = {**record(), "type": kind, "id": f"evt_{kind.replace('.', '_')}", "data": {}}
    assert send(sent) == "204"
    assert receiver.held(sent["subject"]) is None


@pytest.mark.parametrize("secrets", [[SECRET], [SECOND_SECRET], [SECOND_SECRET, STRANGERS_SECRET]])
def test_while_secrets_are_exchanged_either_will_do(receiver, send, secrets):
    sent = record()
    assert send(sent, secrets=secrets) == "204"
    assert receiver.held(sent["subject"]) == sent


def test_our_sink_is_told_when_its_secret_is_wrong(receiver, send):
    sent = record()
    with pytest.raises(TemporaryFailure, match="401"):
        send(sent, secrets=[STRANGERS_SECRET])
    assert receiver.held(sent["subject"]) is None


def test_a_large_record_is_taken_and_a_monstrous_one_refused(receiver, send):
    large = record()
    large["data"]["custom_field"] = "x" * 2**20
    assert send(large) == "204"
    assert receiver.held(large["subject"]) == large
    monstrous = record()
    assert forge(receiver, monstrous, body=b"x" * (8 * 2**20 + 1)) == 413


def test_legwork_check_finds_it_there(receiver):
    with closing(sink_for(sink_spec(receiver.url, allow_private=True))) as sink:
        assert "answers" in sink.check()


@pytest.mark.parametrize("kind", ["python", "node"])
def test_what_was_answered_with_204_outlives_a_kill(make_receiver, kind):
    receiver = make_receiver(kind)
    sent = record(2)
    assert forge(receiver, sent) == 204
    receiver.end(signal.SIGKILL)
    if kind == "node":
        with (receiver.folder / "calls.jsonl").open("a") as file:
            file.write("\n" + CUT_OFF)
    receiver.start()
    assert forge(receiver, sent) == 204
    assert receiver.times_noted(sent["subject"]) == 1
    assert forge(receiver, record(1, call_sid=sent["subject"])) == 204
    assert receiver.held(sent["subject"]) == sent
    after = record()
    assert forge(receiver, after) == 204
    receiver.end()
    receiver.start()
    assert forge(receiver, after) == 204
    assert receiver.times_noted(after["subject"]) == 1


def test_the_lock_of_the_receiver_in_node_names_no_registry_and_hashes_everything():
    text = (ROOT / "examples/receiver-node/package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    ours = packages.pop("")
    assert (
        ours["dependencies"] == json.loads((ROOT / "examples/receiver-node/package.json").read_text())["dependencies"]
    )
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
