"""Is it alive, is it ready?"""

from __future__ import annotations

import os
import signal

import pytest

from worker.ledger.keys import LEDGER
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port


@pytest.fixture
def houseless(make_house):
    return make_house(f"redis://user:very-secret@127.0.0.1:{free_port()}/0")


def test_it_is_alive_whatever_redis_does(house, houseless):
    assert [one.get("/livez").status_code for one in (house, houseless)] == [200, 200]


def test_it_is_ready_when_a_callback_can_be_noted(house):
    answer = house.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["parts"]["ledger"]["state"] == "ok"


def test_that_no_worker_runs_is_told_and_is_no_failure(house):
    answer = house.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["parts"]["workers"]["state"] == "none running"
    house.ledger.say_hello("host:1", 8)
    house.ledger.say_hello("host:2", 4)
    assert house.get("/readyz").json["parts"]["workers"] == {"state": "ok", "running": 2, "threads": 12}


def test_without_redis_it_is_not_ready_and_says_what_is_missing(houseless):
    answer = houseless.get("/readyz")
    assert answer.status_code == 503
    assert {part: state["state"] for part, state in answer.json["parts"].items()} == {
        "ledger": "out of reach",
        "workers": "unknown",
    }
    assert "very-secret" not in answer.text


def test_a_redis_that_hangs_is_out_of_reach(make_house, tmp_path):
    server = embedded_redis.start(tmp_path)
    house = make_house(server.url)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        answer = house.get("/readyz")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
        server.stop()
    assert (answer.status_code, answer.json["parts"]["ledger"]["state"]) == (503, "out of reach")


def test_a_redis_that_cannot_write_is_not_ready(house):
    house.redis.execute_command("REPLICAOF", "127.0.0.1", free_port())
    try:
        answer = house.get("/readyz")
    finally:
        house.redis.execute_command("REPLICAOF", "NO", "ONE")
    assert (answer.status_code, answer.json["parts"]["ledger"]["state"]) == (503, "unusable")


def test_a_redis_without_room_is_not_ready(house):
    house.redis.config_set("maxmemory", "100000")
    try:
        answer = house.get("/readyz")
    finally:
        house.redis.config_set("maxmemory", "0")
    assert answer.status_code == 503
    assert answer.json["parts"]["ledger"]["state"] in {"unusable", "nearly full"}


def test_the_ledger_of_a_newer_legwork_is_unusable(house):
    house.redis.hset(LEDGER, "schema", 99)
    answer = house.get("/readyz")
    assert (answer.status_code, answer.json["parts"]["ledger"]["state"]) == (503, "unusable")
    assert "schema 99" in answer.json["parts"]["ledger"]["error"]


def test_a_ledger_that_was_lost_is_begun_anew_and_it_is_said(house):
    house.redis.flushall()
    answer = house.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["parts"]["ledger"]["new_since"].endswith("Z")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_may_look_with_head(house, path):
    answer = house.client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")
