"""The callback URLs, held to section 3 of the contract."""

from __future__ import annotations

import base64
import json
import os
import signal
import threading
import time

import pytest
from factories import ACCOUNT, TOKEN
from web_app import OTHER, PASSTHRU, PROBLEM, SID, STATUS

from worker.celery import QUEUE
from worker.ledger.admission import CALLBACKS_KEPT
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port

LIMIT = 256 * 1024
MULTIPART = {"content_type": "multipart/form-data"}


# Noted, then answered


@pytest.mark.parametrize("path", [STATUS, PASSTHRU])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_callback_is_noted_and_answered(web, path, method):
    answer = web.client.open(path, method=method, query_string={"CallSid": SID, "Status": "completed"})
    assert (answer.status_code, answer.json) == (200, {"call_sid": SID, "accepted": True})
    assert web.story().summary.state == "waiting"
    assert web.params() == [{"CallSid": SID, "Status": "completed"}]
    assert web.story().callbacks[0].kind == path.rpartition("/")[2]


def test_a_callback_of_a_known_call_is_kept_and_not_accepted_again(web):
    web.post(STATUS, data={"CallSid": SID, "EventType": "answered"})
    for number in range(3):
        answer = web.post(STATUS, data={"CallSid": SID, "EventType": "terminal", "n": str(number)})
        assert (answer.status_code, answer.json) == (200, {"call_sid": SID, "accepted": False})
    assert [params.get("n") for params in web.params()] == [None, "0", "1", "2"]


def test_the_first_of_many_at_once_is_accepted_and_no_other(web):
    answers = []
    clients = [web.app.test_client() for _ in range(12)]
    threads = [
        threading.Thread(
            target=lambda client=client, n=n: answers.append(
                client.get(STATUS, query_string={"CallSid": SID, "n": n}).json
            )
        )
        for n, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["accepted"] for answer in answers].count(True) == 1
    assert len(web.params()) == 12


def test_200_comes_after_the_write(web):
    """What was answered is in Redis before anybody has had time to do more."""
    for number in range(20):
        sid = f"call{number:04}"
        assert web.post(STATUS, data={"CallSid": sid}).status_code == 200
        assert web.redis.exists(web.ledger.calls[ACCOUNT].key("call", sid))


@pytest.mark.parametrize(
    ("params", "wait"),
    [
        ({"Status": "completed"}, 120),
        ({"EventType": "terminal", "Status": "busy"}, 120),
        ({"EventType": "answered", "Status": "in-progress"}, 300),
        ({}, 300),
    ],
)
def test_a_call_that_has_ended_is_fetched_after_settling_any_other_later(web, params, wait):
    web.post(STATUS, data={"CallSid": SID, **params})
    assert web.due_in() == pytest.approx(wait, abs=3)


def test_what_is_due_at_once_is_sent_to_the_workers_at_once(make_web):
    web = make_web(settle_seconds=0)
    web.post(STATUS, data={"CallSid": SID, "Status": "completed"})
    _, message = web.redis.blpop([QUEUE], timeout=20)
    body = base64.b64decode(json.loads(message)["body"])
    assert json.loads(body)[0][:2] == [ACCOUNT, SID]
    assert web.story().summary.state == "fetching"


def test_a_flood_of_callbacks_of_one_call_is_answered_and_kept_within_bounds(web):
    for number in range(CALLBACKS_KEPT + 20):
        assert web.get(STATUS, query_string={"CallSid": SID, "n": number}).status_code == 200
    assert len(web.params()) == CALLBACKS_KEPT


# Size


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"],
)
def test_a_body_of_more_than_256_kib_is_too_large(web, content_type):
    answer = web.post(f"{STATUS}?CallSid={SID}", data=b"a=" + b"x" * LIMIT, content_type=content_type)
    assert (answer.status_code, answer.content_type) == (413, PROBLEM)
    assert web.is_empty()


def test_a_body_of_just_256_kib_is_not(web):
    start = b"CallSid=" + SID.encode() + b"&note="
    body = start + b"x" * (LIMIT - len(start))
    assert web.post(STATUS, data=body, content_type="application/x-www-form-urlencoded").status_code == 200
    body = json.dumps({"CallSid": OTHER, "note": ""}).encode()
    body = body[:-2] + b"x" * (LIMIT - len(body)) + b'"}'
    assert web.post(STATUS, data=body, content_type="application/json").status_code == 200


def test_a_byte_that_is_no_utf8_costs_a_character_and_not_the_call(web):
    body = f'{{"CallSid": "{SID}", "CustomField": "caf'.encode() + b'\xe9"}'
    assert web.post(STATUS, data=body, content_type="application/json").json == {"call_sid": SID, "accepted": True}


def test_a_part_with_many_or_long_headers_is_read_like_any_other(web):
    """It was taken for too many parameters."""
    headers = "".join(f"X-Header-{number}: {'x' * 600}\r\n" for number in range(12))
    part = f'--x\r\nContent-Disposition: form-data; name="CallSid"\r\n{headers}\r\n{SID}\r\n--x--\r\n'
    answer = web.post(STATUS, data=part.encode(), content_type="multipart/form-data; boundary=x")
    assert answer.json == {"call_sid": SID, "accepted": True}


@pytest.mark.parametrize("options", [{}, MULTIPART])
def test_too_many_parameters_are_refused(web, options):
    answer = web.post(STATUS, data={"CallSid": SID, **{f"p{n}": "x" for n in range(1100)}}, **options)
    assert answer.status_code in {400, 413}
    assert web.is_empty()


def test_nesting_without_end_is_refused(web):
    deep = "[a]" * 50
    assert web.get(STATUS, query_string={"CallSid": SID, f"a{deep}": "1"}).status_code == 400
    assert web.is_empty()


# Methods and slashes


@pytest.mark.parametrize("path", [STATUS, PASSTHRU])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_trailing_slash_changes_nothing(web, path, method):
    answer = web.client.open(path + "/", method=method, query_string={"CallSid": SID})
    assert (answer.status_code, answer.json["accepted"]) == (200, True)


@pytest.mark.parametrize(
    "path",
    [
        f"//callbacks/{TOKEN}/status",
        f"/callbacks//{TOKEN}/status",
        f"{STATUS}//",
        "/callbacks",
        f"/callbacks/{TOKEN}",
        "//",
        "/docs/",
        "/metrics/",
    ],
)
def test_nothing_ever_redirects(web, path):
    assert web.get(path, query_string={"CallSid": SID}).status_code // 100 != 3


def test_looking_with_head_notes_nothing(web):
    answer = web.client.head(STATUS, query_string={"CallSid": SID})
    assert (answer.status_code, answer.data) == (200, b"")
    assert web.is_empty()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_for_callbacks(web, method):
    assert web.client.open(STATUS, method=method, query_string={"CallSid": SID}).status_code == 405
    assert web.is_empty()


# The ledger out of reach


def assert_put_off(answer):
    assert (answer.status_code, answer.content_type) == (503, PROBLEM)
    assert int(answer.headers["Retry-After"]) > 0
    assert "call_sid" not in answer.json


def test_without_a_ledger_nothing_is_pretended(make_web):
    assert_put_off(make_web(f"redis://127.0.0.1:{free_port()}/0").post(STATUS, data={"CallSid": SID}))


def test_a_ledger_that_comes_back_is_used_again(make_web, tmp_path):
    port = free_port()
    web = make_web(f"redis://:password@127.0.0.1:{port}/0")
    assert_put_off(web.post(STATUS, data={"CallSid": SID}))
    server = embedded_redis.start(tmp_path, port=port, password="password")
    try:
        assert web.post(STATUS, data={"CallSid": SID}).json == {"call_sid": SID, "accepted": True}
    finally:
        server.stop()


def test_a_ledger_that_hangs_is_given_up_long_before_exotel_gives_us_up(make_web, tmp_path):
    server = embedded_redis.start(tmp_path)
    web = make_web(server.url)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert_put_off(web.post(STATUS, data={"CallSid": SID}))
        assert time.monotonic() - began < 10
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
        server.stop()


def test_a_ledger_without_room_takes_nothing(web):
    web.redis.config_set("maxmemory", "100000")
    try:
        assert_put_off(web.post(STATUS, data={"CallSid": SID}))
    finally:
        web.redis.config_set("maxmemory", "0")
    assert web.is_empty()


def test_a_ledger_that_only_reads_takes_nothing(web):
    web.redis.execute_command("REPLICAOF", "127.0.0.1", free_port())
    try:
        assert_put_off(web.post(STATUS, data={"CallSid": SID}))
    finally:
        web.redis.execute_command("REPLICAOF", "NO", "ONE")
    assert web.is_empty()


@pytest.mark.parametrize("path", [STATUS, PASSTHRU])
def test_whoever_looks_before_it_leaps_is_let_look_and_nothing_is_noted(web, path):
    """Some applets send a HEAD first (contract, section 3)."""
    answer = web.client.head(path, query_string={"CallSid": SID})
    assert (answer.status_code, answer.data) == (200, b"")
    assert web.is_empty()
    assert web.client.head("/callbacks/not-the-token-of-anybody/status").status_code == 404
