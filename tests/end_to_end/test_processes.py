"""The processes themselves: several of them, their end, and their settings."""

from __future__ import annotations

import signal

import pytest
import requests
from end_to_end.stage import ACCOUNT, PROCFILE, TOKEN, Stage, free_port, wait_until

ACCOUNTS = """
[[accounts]]
sid = "acme1m"
api_key = "key-one"
api_token = "env:TOKEN_ONE"
callback_token = "callback-token-of-one"

[[accounts]]
sid = "other2m"
api_key = "key-two"
api_token = "token-two"
callback_token = "callback-token-of-two"

[[sinks]]
name = "all"
url = "file:all.jsonl"

[[sinks]]
name = "only-two"
url = "file:two.jsonl"
accounts = ["other2m"]
"""


@pytest.fixture
def stage_of(tmp_path):
    """Make a stage; it is cleared away in the end."""
    stages = []

    def make(**environ):
        stages.append(Stage(tmp_path, **environ))
        return stages[-1]

    yield make
    for stage in stages:
        stage.__exit__()


def test_each_account_has_its_token_its_credentials_and_its_sinks(stage_of, tmp_path):
    (tmp_path / "legwork.toml").write_text(ACCOUNTS)
    nobody = dict.fromkeys(("EXOTEL_ACCOUNT_SID", "EXOTEL_API_KEY", "EXOTEL_API_TOKEN", "CALLBACK_TOKEN", "SINKS"), "")
    accounts = "acme1m:key-one:token-one other2m:key-two:token-two"
    stage = stage_of(**nobody, TOKEN_ONE="token-one", SANDBOX_ACCOUNTS=accounts)
    stage.start_line("web")
    stage.start_line("worker")
    (one,), (two,) = stage.place("answered", account="acme1m"), stage.place("busy", account="other2m")
    stage.post(one, token="callback-token-of-one")
    stage.post(two, token="callback-token-of-two")
    records = stage.wait_for(one, two, file="all.jsonl")
    assert {record["subject"]: record["data"]["account_sid"] for record in records} == {one: "acme1m", two: "other2m"}
    assert [record["subject"] for record in stage.wait_for(two, file="two.jsonl")] == [two]
    assert set(stage.status()["accounts"]) == {"acme1m", "other2m"}


def test_a_worker_that_is_killed_holds_nobody_else_up(stage_of):
    stage = stage_of(EXOTEL_TIMEOUT_SECONDS="60")
    stage.start_line("web")
    first = stage.start_line("worker")
    stage.start("worker-2", f"exec {PROCFILE['worker']}")
    sids = stage.place("answered", count=30)
    for sid in sids:
        stage.post(sid)
    wait_until(stage.records, "the first record")
    first.signal(signal.SIGKILL)
    late = stage.place("answered", count=5)
    for sid in late:
        stage.post(sid)
    # Leases of what the dead one held last for 150 s, longer than anybody waits here; what is new need not wait for them.
    stage.wait_for(*late)


def test_web_and_worker_end_well_when_asked_to_and_leave_nobody(stage_of):
    stage = stage_of()
    webs = [stage.start_line("web"), stage.start("web-2", f"exec {PROCFILE['web']}", PORT=str(free_port()))]
    workers = [stage.start(name, f"exec {PROCFILE['worker']}") for name in ("worker-1", "worker-2")]
    wait_until(lambda: all("web.starting" in web.text for web in webs), "both webs")
    wait_until(lambda: all("worker.ready" in worker.text for worker in workers), "both workers")
    wait_until(lambda: stage.status()["workers"] == {"running": 2, "threads": 16}, "two workers that have said hello")
    for program, number in zip([*webs, *workers], [signal.SIGTERM, signal.SIGINT] * 2, strict=True):
        program.signal(number)
    assert [program.ended() for program in (*webs, *workers)] == [0, 0, 0, 0]
    assert stage.status()["workers"]["running"] == 0


def test_callbacks_are_noted_without_a_worker_and_fetched_when_there_is_one(stage_of):
    stage = stage_of()
    stage.start_line("web")
    (sid,) = stage.place("answered")
    assert stage.post(sid).json()["accepted"] is True
    assert stage.status()["calls"]["waiting"] == 1
    stage.start_line("worker")
    assert len(stage.wait_for(sid)) == 1


def test_wrong_settings_stop_a_process_at_its_start_with_a_line_each(stage_of):
    stage = stage_of(SETTLE_SECONDS="soon", CALLBACK_TOKEN="Sesame")
    for program in [stage.start(name, f"exec {PROCFILE[name]}") for name in ("web", "worker")]:
        assert program.ended() == 2
        assert {line.split(":")[0] for line in program.text.splitlines()} == {"SETTLE_SECONDS", "CALLBACK_TOKEN"}
        assert "Sesame" not in program.text


def test_a_throttled_and_a_suspended_account_drop_nothing(stage_of):
    stage = stage_of(SUSPENSION_PROBE_SECONDS="0.5")
    stage.start_line("web")
    stage.start_line("worker")
    requests.post(f"{stage.sandbox}/faults", json={"fault": "revoked", "status": 401}, timeout=5)
    sids = stage.place("answered", count=3)
    for sid in sids:
        stage.post(sid)
    wait_until(lambda: stage.status()["accounts"][ACCOUNT]["state"] == "suspended", "the suspension")
    requests.delete(f"{stage.sandbox}/faults", timeout=5)
    assert len(stage.wait_for(*sids)) == 3
    (sid,) = stage.place("429")
    stage.post(sid)
    (record,) = stage.wait_for(sid)
    assert record["data"]["settled"] is True
    assert TOKEN not in stage.logs()
