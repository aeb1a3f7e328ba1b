"""`legwork sinks update`: a subscriber changes, and what waits for it stays."""

from __future__ import annotations

import pytest
from cli_kit import open_ledger, settle
from subscribing import KEY, OTHER_KEY, is_signed_with, put_off

from worker.process.embedded_redis import free_port

URL = "https://crm.example.com/hooks"
HIDDEN = "hunter2-of-crm"
KEYS = ("types", "filter", "projection", "rate", "concurrency")


@pytest.fixture
def options(redis_url, operator):
    """Gives a function that returns the options that are stored of the subscriber."""

    def read():
        return dict(
            open_ledger(redis_url, legwork_secret_key=operator.variables["legwork_secret_key"]).sinks["crm"].options
        )

    return read


def test_every_option_changes_and_its_opposite_takes_it_away(operator):
    operator.add(URL)
    changed = operator.json(
        *("update", "crm", "--type", "legwork.call.completed", "--filter", "data.talk_seconds > `0`"),
        *("--projection", "{sid: call_sid}", "--rate", "10/s", "--concurrency", "4"),
    )
    given = [["legwork.call.completed"], "data.talk_seconds > `0`", "{sid: call_sid}", "10/s", 4]
    assert [changed[key] for key in KEYS] == given
    gone = operator.json(
        "update", "crm", "--no-type", "--no-filter", "--no-projection", "--no-rate", "--no-concurrency"
    )
    assert [gone[key] for key in KEYS] == [[], None, None, None, None]


def test_options_of_the_webhook_change_one_by_one(operator, options):
    operator.add(URL, "--header", "X-Key: a", "--header", "X-Tenant: acme", "--allow-network", "10.1.0.0/16")
    operator.json("update", "crm", "--header", "x-key: env:CRM_KEY", "--no-header", "X-Tenant", crm_key=HIDDEN)
    assert options()["headers"] == {"x-key": HIDDEN}
    operator.json(
        "update",
        "crm",
        "--no-allow-private",
        "--allow-network",
        "10.2.0.0/16",
        "--allow-network",
        "fd00::/8",
        "--unchecked",
    )
    assert (options()["allow_private"], options()["allow_networks"]) == (False, ["10.2.0.0/16", "fd00::/8"])
    operator.json("update", "crm", "--allow-private", "--no-allow-network", "--no-header", "X-Key", "--unchecked")
    assert options() == {"allow_private": True}


def test_the_secret_stays_and_what_waits(redis_url, operator, receiver):
    secret = operator.add(URL)
    ledger = open_ledger(redis_url, legwork_secret_key=KEY)
    settle(ledger, "settled00001")
    put_off(ledger)
    result = operator.run("update", "crm", "--url", f"{receiver.url}/v2", "--header", f"X-Key: {HIDDEN}")
    assert (result.exit_code, result.stdout) == (0, "crm is updated.\n")
    assert operator.sink()["waiting"] == 1
    operator.json("test", "crm")
    asked, pinged = receiver.seen
    assert (asked.method, asked.target, pinged.target) == ("OPTIONS", "/v2", "/v2")
    assert is_signed_with(secret, pinged)
    assert HIDDEN not in result.output


def test_a_new_url_is_asked_and_an_old_one_is_not(operator, receiver):
    operator.add(receiver.url)
    nobody = f"http://127.0.0.1:{free_port()}/"
    refused = operator.run("update", "crm", "--url", nobody)
    assert (refused.exit_code, "refused" in refused.stderr) == (2, True)
    refused = operator.run("update", "crm", "--no-allow-private")
    assert (refused.exit_code, "`--allow-private` or" in refused.stderr) == (2, True)
    receiver.close()
    assert operator.run("update", "crm", "--rate", "10/s", "--header", "X-Key: a").exit_code == 0
    assert operator.run("update", "crm", "--url", nobody, "--unchecked").exit_code == 0
    assert operator.sink()["where"] == nobody


def test_who_changes_a_disabled_one_hears_that_it_stays_disabled(operator):
    operator.add(URL)
    operator.run("disable", "crm")
    assert "`legwork sinks enable crm`" in operator.run("update", "crm", "--rate", "10/s").stdout
    assert operator.sink()["state"] == "disabled"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ([], "nothing to change; give --url"),
        (["--unchecked"], "nothing to change"),
        (["--url", "file:x"], "url: is not a webhook; give"),
        (["--type", "legwork.call.complete"], "(did you mean legwork.call.completed?)"),
        (["--filter", "data."], "filter: does not parse"),
        (["--rate", "fast"], "rate: is not a rate"),
        (["--concurrency", "0"], "concurrency: is out of range"),
        (["--header", HIDDEN], "--header: one has no colon"),
        (["--header", f"Host: {HIDDEN}"], "options.headers: Host is set by Legwork"),
        (["--rate", "10/s", "--no-rate"], "--rate and --no-rate: leave one out"),
        (["--type", "x", "--no-type"], "--type and --no-type: leave one out"),
        (["--header", "X-Key: a", "--no-header", "x-key"], "--header and --no-header name x-key: leave one out"),
    ],
)
def test_what_is_wrong_is_bad_usage_and_changes_nothing(operator, arguments, wrong):
    operator.add(URL)
    before = operator.sink()
    result = operator.run("update", "crm", *arguments)
    assert (result.exit_code, wrong in result.stderr) == (2, True), result.stderr
    assert HIDDEN not in result.output
    assert operator.sink() == before


def test_what_is_not_there_or_not_ours_to_change_is_told(operator):
    operator.add(URL)
    for name, said in (("cmr", "(did you mean crm?)"), ("stdout", "change it in SINKS or legwork.toml")):
        result = operator.run("update", name, "--rate", "10/s")
        assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    result = operator.run("update", "crm", "--rate", "10/s", legwork_secret_key=OTHER_KEY)
    assert (result.exit_code, "no key in LEGWORK_SECRET_KEY" in result.stderr) == (2, True)
