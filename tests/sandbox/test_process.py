"""`python -m sandbox` as a process: start, settings by the environment, and a quick stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests
from click.testing import CliRunner

from sandbox.__main__ import main

SECRETS = {
    "EXOTEL_ACCOUNT_SID": "acme1m",
    "EXOTEL_API_KEY": "key-of-mine",
    "EXOTEL_API_TOKEN": "token-of-mine",
}


@contextmanager
def running(*options, **environment):
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", *options],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        first = process.stdout.readline()
        assert "listening on http://127.0.0.1:" in first, first
        yield process, first.split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_even_with_a_request_under_way(number):
    with running() as (process, url):
        order = {"fault": "slow", "seconds": 60}
        assert requests.post(f"{url}/faults", json=order, timeout=30).status_code == 201
        with pytest.raises(requests.Timeout):
            requests.get(f"{url}/v1/Accounts/acme1m/Calls.json", timeout=0.1)
        process.send_signal(number)
        assert process.wait(timeout=30) == 0


def test_it_takes_its_settings_from_the_environment_and_keeps_its_secrets():
    secrets = {**SECRETS, "SANDBOX_STATUS_URL": "http://127.0.0.1:1/callbacks/token-of-the-receiver"}
    with running(**secrets, EXOTEL_QUOTA="7", SANDBOX_SPEED="500", SANDBOX_CALLS_AT_START="1") as (
        process,
        url,
    ):
        front = requests.get(url, timeout=30).json()
        assert (front["accounts"], front["quota"], front["speed"]) == (["acme1m"], 7, 500)
        listed = f"{url}/v1/Accounts/acme1m/Calls.json"
        assert requests.get(listed, auth=("key-of-mine", "token-of-mine"), timeout=30).status_code == 200
        assert requests.get(listed, auth=("sandbox-key", "sandbox-token"), timeout=30).status_code == 401
        process.terminate()
        assert "-of-" not in process.communicate()[0]


def test_the_sandboxs_own_variables_come_first():
    with running(**SECRETS, SANDBOX_ACCOUNTS="one1m:k:t two2m:k2:t2", EXOTEL_QUOTA="7", SANDBOX_QUOTA="8") as (_, url):
        front = requests.get(url, timeout=30).json()
        assert (front["accounts"], front["quota"]) == (["one1m", "two2m"], 8)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"SANDBOX_ACCOUNTS": "one1m:hush"}, "account 1 does not have the form sid:key:token"),
        ({"SANDBOX_ACCOUNTS": "one1m:hush:hush one1m:hush:hush"}, "the same sid twice"),
        ({"EXOTEL_ACCOUNT_SID": "acme1m", "EXOTEL_API_KEY": "hush"}, "EXOTEL_API_TOKEN missing"),
        ({"SANDBOX_STATUS_URL": "ftp://hush"}, "must begin with http"),
        ({"SANDBOX_SCENARIOS": "answered unheard-of"}, "no such scenario: unheard-of"),
        ({"SANDBOX_CALLBACK_RETRIES": "soon"}, "seconds separated by spaces"),
        ({"SANDBOX_SPEED": "0"}, "0"),
    ],
)
def test_wrong_settings_are_told_by_name_and_never_by_their_secret(environment, told):
    outcome = CliRunner().invoke(main, [], env=environment)
    assert outcome.exit_code == 2
    # click draws a box around the message and breaks its lines.
    assert told in " ".join(outcome.output.split())
    assert "hush" not in outcome.output


def test_help_names_every_variable():
    text = CliRunner().invoke(main, ["--help"]).output
    for option in main.params:
        for variable in option.envvar or ():
            assert variable in text
