from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run, settle
from factories import ACCOUNT, make_callback

ACCOUNTS = """
[[accounts]]
sid = "one"
api_key = "k"
api_token = "env:EXOTEL_API_TOKEN"
callback_token = "callback-token-of-one"
quota = 7
quota_seconds = 3

[[accounts]]
sid = "two"
api_key = "k"
api_token = "t"
callback_token = "callback-token-of-two"

[[sinks]]
name = "crm"
url = "stdout:"
accounts = ["one"]
"""


@pytest.fixture(autouse=True)
def _a_worker_runs(redis_url):
    open_ledger(redis_url).register_worker("host:1", 8)


def test_of_an_empty_ledger_the_status_is_all_zeros(redis_url):
    status = json_of("status", redis_url=redis_url)
    assert status["calls"] == {"received": 0, "waiting": 0, "fetching": 0, "settled": 0, "dead": 0}
    account = status["accounts"][ACCOUNT]
    assert (account["state"], account["waiting"]) == ("active", 0)
    assert (account["oldest_waiting_seconds"], account["eta_seconds"]) == (0.0, 0.0)
    assert account["quota"].items() >= {"limit": 200, "seconds": 60, "used": 0, "paused_until": None}.items()
    assert status["sinks"]["stdout"].items() >= {"state": "active", "waiting": 0, "delivered": 0, "dead": 0}.items()


def test_calls_are_counted_where_they_stand(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, "settled0001")
    settle(ledger, "dead00000001", "dead", "404")
    ledger.calls[ACCOUNT].admit(make_callback("waiting00001"), wait_seconds=50)
    status = json_of("status", redis_url=redis_url)
    assert status["calls"] == {"received": 3, "waiting": 1, "fetching": 0, "settled": 1, "dead": 1}
    assert 40 < status["accounts"][ACCOUNT]["eta_seconds"] <= 50
    assert status["sinks"]["stdout"]["waiting"] == 2


def test_a_token_is_used_from_its_taking_to_one_window_after_its_return(redis_url):
    bucket = open_ledger(redis_url).calls[ACCOUNT].bucket
    bucket.take("flying")
    bucket.take("cooling")
    bucket.give_back("cooling")
    assert json_of("status", redis_url=redis_url)["accounts"][ACCOUNT]["quota"]["used"] == 2


def test_a_pause_has_an_end_in_utc(redis_url):
    open_ledger(redis_url).calls[ACCOUNT].bucket.pause(1000)
    account = json_of("status", redis_url=redis_url)["accounts"][ACCOUNT]
    assert account["state"] == "paused"
    assert account["quota"]["paused_until"].endswith("Z")


def test_totals_are_over_all_accounts_and_each_has_its_own_line(redis_url, tmp_path):
    (tmp_path / "legwork.toml").write_text(ACCOUNTS)
    environ = {"redis_url": redis_url, "exotel_account_sid": "", "sinks": "", "directory": tmp_path}
    status = json_of("status", **environ)
    assert set(status["accounts"]) == {"one", "two"}
    assert status["accounts"]["one"]["quota"].items() >= {"limit": 7, "seconds": 3}.items()
    assert set(status["sinks"]) == {"crm"}
    assert {"one", "two", "crm"} <= set(run("status", **environ).stdout.split())


@pytest.mark.parametrize(("hello", "said"), [(True, "1 worker(s) with 8 threads"), (False, "legwork worker")])
def test_people_are_told_of_the_workers_and_how_to_get_one(redis_url, hello, said):
    if not hello:
        open_ledger(redis_url).deregister_worker("host:1", 8)
    assert said in run("status", redis_url=redis_url).stdout


def test_people_see_why_an_account_is_suspended_as_it_was_said(redis_url):
    open_ledger(redis_url).calls[ACCOUNT].bucket.suspend("402: [red]no credit[/red]")
    found = run("status", redis_url=redis_url)
    assert found.exit_code == 1
    assert "402: [red]no credit[/red]" in found.stdout


def test_people_are_told_what_to_do_about_an_account_that_exotel_refuses(redis_url):
    ledger = open_ledger(redis_url)
    assert "is suspended" not in run("status", redis_url=redis_url).stdout
    ledger.calls[ACCOUNT].bucket.suspend("401: no such key")
    text = run("status", redis_url=redis_url).stdout
    assert f"account {ACCOUNT}: is suspended: 401: no such key; no call waits; correct " in text


def no_worker(ledger):
    ledger.deregister_worker("host:1", 8)


def suspended(ledger):
    ledger.calls[ACCOUNT].bucket.suspend("402: no credit")


def failing(ledger):
    while ledger.health.failed("stdout", "500") != "failing":
        pass


def disabled(ledger):
    ledger.disable_sink("stdout", "410")


def full(ledger):
    ledger.client.config_set("maxmemory", round(ledger.client.info("memory")["used_memory"] * 1.06))


def only_paused_and_dead(ledger):
    settle(ledger, "dead00000001", "dead", "404")
    ledger.calls[ACCOUNT].bucket.pause(1000)


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["people", "programs"])
@pytest.mark.parametrize(
    ("trouble", "code"),
    [(no_worker, 1), (suspended, 1), (failing, 1), (disabled, 1), (full, 1), (only_paused_and_dead, 0)],
)
def test_an_error_among_the_problems_makes_it_exit_with_1_and_a_warning_does_not(redis_url, trouble, code, as_json):
    ledger = open_ledger(redis_url)
    trouble(ledger)
    try:
        result = run("status", *as_json, redis_url=redis_url)
    finally:
        ledger.client.config_set("maxmemory", 0)
    assert result.exit_code == code
    assert (result.stdout != "", result.stderr) == (True, "")
    if as_json:
        problems = json.loads(result.stdout)["problems"]
        assert any(problem["severity"] == "error" for problem in problems) is bool(code)
        assert problems


@pytest.mark.slow
def test_watching_shows_it_again_until_ctrl_c(redis_url):
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url}
    command = [sys.executable, "-u", "-m", "webhook.cli", "status", "--watch"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        totals = []
        for line in watching.stdout:
            if re.fullmatch(r" *\d[ \d]*\n", line):  # the row below received, waiting, fetching, settled, dead
                totals.append(line.split()[0])
                if len(totals) == 1:
                    settle(open_ledger(redis_url), "settled0001")
            if totals[-1:] == ["1"]:
                break
        watching.send_signal(signal.SIGINT)
        _, complaints = watching.communicate(timeout=30)
    assert (watching.returncode, complaints) == (0, "")
    assert totals[0] == "0"


def test_watching_and_json_do_not_go_together(redis_url):
    done = run("status", "--watch", "--json", redis_url=redis_url)
    assert done.exit_code == 2
    assert "--watch is for people, --json for programs" in done.stderr
