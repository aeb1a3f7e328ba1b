"""Is it alive, is it ready?"""

from __future__ import annotations

import os
import signal

import pytest

from worker.ledger.keys import LEDGER
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port


@pytest.fixture
def houseless(make_web):
    return make_web(f"redis://user:very-secret@127.0.0.1:{free_port()}/0")


def test_it_is_alive_whatever_redis_does(web, houseless):
    assert [one.get("/livez").status_code for one in (web, houseless)] == [200, 200]


def test_it_is_ready_when_a_callback_can_be_noted(web):
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["parts"]["ledger"]["state"] == "ok"


def test_that_no_worker_runs_is_told_and_is_no_failure(web):
    answer = web.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["parts"]["workers"]["state"] == "none running"
    web.ledger.register_worker("host:1", 8)
    web.ledger.register_worker("host:2", 4)
    assert web.get("/readyz").json["parts"]["workers"] == {"state": "ok", "running": 2, "threads": 12}


def test_without_redis_it_is_not_ready_and_says_what_is_missing(houseless):
    answer = houseless.get("/readyz")
    assert answer.status_code == 503
    assert {part: state["state"] for part, state in answer.json["parts"].items()} == {
        "ledger": "out of reach",
        "workers": "unknown",
    }
    assert "very-secret" not in answer.text


def test_a_redis_that_hangs_is_out_of_reach(make_web, tmp_path):
    server = embedded_redis.start(tmp_path)
    web = make_web(server.url)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        answer = web.get("/readyz")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
        server.stop()
    assert (answer.status_code, answer.json["parts"]["ledger"]["state"]) == (503, "out of reach")


def test_a_redis_that_cannot_write_is_not_ready(web):
    web.redis.execute_command("REPLICAOF", "127.0.0.1", free_port())
    try:
        answer = web.get("/readyz")
    finally:
        web.redis.execute_command("REPLICAOF", "NO", "ONE")
    assert (answer.status_code, answer.json["parts"]["ledger"]["state"]) == (503, "unusable")


def test_a_redis_without_room_is_not_ready(web):
    web.redis.config_set("maxmemory", "100000")
    try:
        answer = web.get("/readyz")
    finally:
        web.redis.config_set("maxmemory", "0")
    assert answer.status_code == 503
    assert answer.json["parts"]["ledger"]["state"] in {"unusable", "nearly full"}


def test_the_ledger_of_a_newer_legwork_is_unusable(web):
    web.redis.hset(LEDGER, "schema", 99)
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json["parts"]["ledger"]["state"]) == (503, "unusable")
    assert "schema 99" in answer.json["parts"]["ledger"]["error"]


def test_a_ledger_that_was_lost_is_begun_anew_and_it_is_said(web):
    web.redis.flushall()
    answer = web.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["parts"]["ledger"]["new_since"].endswith("Z")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_may_look_with_head(web, path):
    answer = web.client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")
