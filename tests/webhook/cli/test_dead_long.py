"""What takes long shows how far it is on a terminal, and may be broken off and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from cli_kit import ENVIRON, json_of, open_ledger
from end_to_end.stage import wait_until
from factories import ACCOUNT
from terminal import seen_on_a_terminal

from worker.ledger.queries.pages import PAGE

# More than a stalled machine gets through while this process waits for its turn.
MANY = 300 * PAGE


@pytest.fixture
def book(redis_url, client):
    """So many deliveries that were given up on that to retry them takes seconds."""
    book = open_ledger(redis_url).deliveries[ACCOUNT, "stdout"]
    died = client.time()[0] * 1000 - 1000
    pipeline = client.pipeline()
    for number in range(MANY):  # as they stand after a bury, in a second instead of many
        sid = f"call{number:06}"
        pipeline.zadd(book.dead_key, {f"{sid}/1/completed": died})
        pipeline.hset(book.key("deliveries", sid), "stdout/1/completed", '{"state": "dead", "attempts": []}')
    pipeline.execute()
    return book


def program(redis_url, *arguments, **streams):
    """`legwork dead …` as a process of its own, with nobody to answer."""
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url}
    command = [sys.executable, "-m", "webhook.cli", "dead", *arguments]
    return subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, **streams)


@pytest.mark.parametrize(
    ("given", "doing"), [(["retry", "--all", "--yes"], "retrying"), (["drop", "--all", "--yes"], "dropping")]
)
def test_on_a_terminal_there_is_a_bar(redis_url, book, given, doing):
    shown, code = seen_on_a_terminal(
        lambda terminal: program(redis_url, *given, stdout=subprocess.DEVNULL, stderr=terminal)
    )
    assert code == 0
    assert doing in shown
    assert "━" in shown


def test_programs_get_no_bar(redis_url, book):
    seen = seen_on_a_terminal(
        lambda terminal: program(
            redis_url, "retry", "--all", "--yes", "--json", stdout=subprocess.DEVNULL, stderr=terminal
        )
    )
    assert seen == ("", 0)


@pytest.mark.parametrize("given", [["retry", "--all", "--yes"], ["drop", "--all", "--yes"]])
def test_ctrl_c_keeps_what_is_done_and_running_it_again_does_the_rest(redis_url, book, client, given):
    with program(redis_url, *given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: client.zcard(book.dead_key) < MANY, "the first page")
        process.send_signal(signal.SIGINT)
        answered, said = process.communicate()
    assert (process.returncode, answered) == (130, "")
    assert said == "interrupted: what was done so far stays done; run it again for the rest\n"
    left = client.zcard(book.dead_key)
    assert 0 < left < MANY
    assert json_of("dead", *given, redis_url=redis_url)["deliveries"] == left
    assert client.zcard(book.dead_key) == 0
