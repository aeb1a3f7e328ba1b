"""`legwork sinks recover`: a subscriber gets what it never got, and nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cli_kit import open_ledger, settle
from factories import ACCOUNT
from subscribing import KEY, deliver

from worker.ledger.queries.dead_letters import dead_letters

URL = "https://crm.example.com/hooks"
BEFORE, GOT, DEAD, WAITS = "before000001", "got000000001", "dead00000001", "waits0000001"


@pytest.fixture
def ledger(redis_url, operator):
    """A call of before the subscriber was added, one that it has got, one given up on, and one that waits."""
    ledger = open_ledger(redis_url, legwork_secret_key=KEY)
    settle(ledger, BEFORE)
    operator.add(URL)
    settle(ledger, GOT)
    deliver(ledger)
    settle(ledger, DEAD)
    deliver(ledger, dead=True)
    settle(ledger, WAITS)
    return ledger


def settled_at(ledger, sid):
    """When a call was settled, in the words of a command line."""
    at = ledger.client.zscore(ledger.calls[ACCOUNT].key("settled"), sid) / 1000
    return datetime.fromtimestamp(at, UTC)


def test_the_dead_and_what_was_never_queued_go_out_and_what_it_has_does_not(operator, ledger):
    done = operator.json("recover", "crm", "--since", "1h")
    assert done == {"name": "crm", "dry_run": False, "to_queue": 2, "queued": 2, "waiting": 1, "delivered": 1}
    assert sorted(deliver(ledger)) == [f"{sid}/1/completed" for sid in (BEFORE, DEAD, WAITS)]
    assert list(dead_letters(ledger, account_sid=None, sink="crm")) == []


def test_run_again_it_queues_nothing_twice(operator, ledger):
    operator.json("recover", "crm", "--since", "1h")
    again = operator.json("recover", "crm", "--since", "1h")
    assert (again["queued"], again["waiting"]) == (0, 3)
    deliver(ledger)
    last = operator.json("recover", "crm", "--since", "1h")
    assert (last["queued"], last["waiting"], last["delivered"]) == (0, 0, 4)


def test_a_dry_run_counts_and_changes_nothing(operator, ledger):
    operator.json("disable", "crm")
    done = operator.json("recover", "crm", "--since", "1h", "--dry-run")
    assert (done["dry_run"], done["to_queue"], done["queued"]) == (True, 2, 0)
    assert operator.sink()["state"] == "disabled"
    assert deliver(ledger) == [f"{WAITS}/1/completed"]


def test_the_sink_is_enabled(operator, ledger):
    operator.json("disable", "crm")
    operator.json("recover", "crm", "--since", "1h")
    assert operator.sink()["state"] == "active"


def test_no_other_sink_gets_anything(operator, ledger):
    deliver(ledger, "stdout")
    operator.json("recover", "crm", "--since", "1h")
    assert deliver(ledger, "stdout") == []


def test_a_span_has_a_beginning_and_an_end(operator, ledger):
    first, last = settled_at(ledger, BEFORE), settled_at(ledger, DEAD)
    asked = operator.json("recover", "crm", "--since", first.isoformat(), "--until", last.isoformat(), "--dry-run")
    assert asked["delivered"] == 1
    assert operator.json("recover", "crm", "--since", "2d", "--until", "1d") == {
        "name": "crm",
        "dry_run": False,
        "to_queue": 0,
        "queued": 0,
        "waiting": 0,
        "delivered": 0,
    }


def test_only_what_the_sink_wants_is_recovered(operator, ledger):
    operator.add(URL, "--type", "legwork.call.unavailable", name="bad-news")
    operator.add(URL, "--filter", "data.call_sid == 'got000000001'", name="picky")
    assert operator.json("recover", "bad-news", "--since", "1h")["to_queue"] == 0
    assert operator.json("recover", "picky", "--since", "1h")["queued"] == 1
    assert deliver(ledger, "picky") == [f"{GOT}/1/completed"]


def test_a_sink_of_the_settings_can_be_recovered_too(operator, ledger):
    deliver(ledger, "stdout", dead=True)
    assert operator.json("recover", "stdout", "--since", "1h")["queued"] == 4


def test_people_hear_what_was_done(operator, ledger):
    dry = operator.run("recover", "crm", "--since", "1h", "--dry-run").stdout
    assert dry == "crm never received 2 of these records, 1 already wait; nothing was queued: it was a dry run.\n"
    done = operator.run("recover", "crm", "--since", "1h").stdout
    assert done == "crm never received 2 of these records, 1 already wait; queued: 2.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["crm"],
        ["--since", "1h"],
        ["crm", "--since", "tomorrow"],
        ["crm", "--since", "1h", "--until", "2h"],
        ["crm", "--since", "2099-01-01"],
    ],
)
def test_bad_usage_changes_nothing(operator, ledger, arguments):
    assert operator.run("recover", *arguments).exit_code == 2
    assert deliver(ledger) == [f"{WAITS}/1/completed"]
