"""`legwork dead show`: what a sink said last, fit for a terminal whatever a stranger wrote."""

from __future__ import annotations

import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run, settle
from factories import ACCOUNT

from worker.errors import LastAnswer

SINKS = "file:records.jsonl"
FILE = "file"
SAID, SILENT = "dead00000001", "dead00000002"
NUMBER, SECRET = "+919000000001", ENVIRON["EXOTEL_API_TOKEN"]
BODY = f"<h1>no\x1b[2J</h1>\r\n\x9b31m {NUMBER}\u202e [bold]{SECRET}\x07\n\n\tbye"
AT_MS = 1_790_000_000_000.0


@pytest.fixture
def ledger(redis_url):
    """Two calls whose deliveries were given up on; of one, the sink's last answer is known."""
    ledger = open_ledger(redis_url, sinks=SINKS)
    for sid, said in ((SAID, LastAnswer(422, BODY, AT_MS)), (SILENT, None)):
        settle(ledger, sid)
        book = ledger.deliveries[ACCOUNT, FILE]
        (lease,) = book.backlog.lease(1)
        assert book.bury(book.claim(lease), "422", last_answer=said)
    return ledger


def test_people_see_it_on_one_line_without_what_moves_a_cursor(redis_url, ledger):
    text = run("dead", "show", SAID, redis_url=redis_url, sinks=SINKS).stdout
    (line,) = (line.strip() for line in text.splitlines() if "last answer" in line)
    assert line.startswith("last answer: 422 at ")
    assert line.endswith(": <h1>no [2J</h1> 31m …0001 [bold]*** bye")
    assert not set("\x1b\x9b\u202e\x07") & set(text)
    assert "last answer" not in run("dead", "show", SILENT, redis_url=redis_url, sinks=SINKS).stdout


def test_an_answer_without_a_text_is_one_too(redis_url, ledger):
    settle(ledger, "dead00000003")
    book = ledger.deliveries[ACCOUNT, FILE]
    (lease,) = book.backlog.lease(1)
    book.bury(book.claim(lease), "500", last_answer=LastAnswer(500, " \n", AT_MS))
    assert ": no text\n" in run("dead", "show", "dead00000003", redis_url=redis_url, sinks=SINKS).stdout


def test_programs_get_it_whole_but_for_secrets_and_numbers(redis_url, ledger):
    (letter,) = json_of("dead", "show", SAID, redis_url=redis_url, sinks=SINKS)
    body = BODY.replace(NUMBER, "…0001").replace(SECRET, "***")
    assert letter["last_answer"] == {"status": 422, "body": body, "at": "2026-09-21T14:13:20.000Z"}
    (letter,) = json_of("dead", "show", SILENT, redis_url=redis_url, sinks=SINKS)
    assert letter["last_answer"] is None
    result = run("dead", "show", SAID, "--json", redis_url=redis_url, sinks=SINKS)
    assert not set("\x1b\x9b\u202e\x07") & set(result.stdout)


def test_a_fetch_that_was_given_up_on_has_no_such_thing(redis_url, ledger):
    settle(ledger, "dead00000004", "dead", "404")
    (letter, *_) = json_of("dead", "show", "dead00000004", redis_url=redis_url, sinks=SINKS)
    assert letter["what"] == "fetch"
    assert "last_answer" not in letter


def test_the_story_of_the_call_does_without_what_may_hold_our_secrets(redis_url, ledger):
    stored = ledger.client.hget(ledger.deliveries[ACCOUNT, FILE].key("deliveries", SAID), f"{FILE}/1/completed")
    assert SECRET.encode() in stored
    story = json_of("calls", "show", SAID, redis_url=redis_url, sinks=SINKS)  # which looks for secrets
    assert set(story["deliveries"][f"{FILE}/1/completed"]) == {"state", "attempts"}
    assert "bye" not in run("calls", "show", SAID, redis_url=redis_url, sinks=SINKS).stdout
