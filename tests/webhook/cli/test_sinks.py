"""`legwork sinks`: what there is, and subscribers added, removed, disabled and enabled while all is running."""

from __future__ import annotations

import json

import pytest
from cli_kit import open_ledger, run, settle
from factories import ACCOUNT
from subscribing import KEY, OTHER_KEY, PRIVATE, SECRET, deliver, is_signed_with, put_off
from tls import Authority

URL = "https://crm.example.com/hooks"
# What stands in a URL, in a header and in no output.
HIDDEN = "hunter2-of-crm"


@pytest.fixture
def ledger(redis_url, operator):
    """A subscriber that two records wait for, and one that it has got; standard output has all three."""
    operator.add(URL)
    ledger = open_ledger(redis_url, legwork_secret_key=KEY)
    settle(ledger, "settled00001")
    deliver(ledger)
    for sid in ("settled00002", "settled00003"):
        settle(ledger, sid)
    deliver(ledger, "stdout")
    return ledger


def pending(ledger, sid):
    return int(ledger.client.hget(ledger.calls[ACCOUNT].key("deliveries", sid), "pending"))


def may_be_forgotten(ledger, sid):
    return ledger.client.zscore(ledger.calls[ACCOUNT].key("forget"), sid) is not None


# What there is


def test_the_list_has_the_sinks_of_the_settings_and_those_that_were_added(operator, ledger):
    listed = {sink["name"]: sink for sink in operator.json("list")}
    assert {name: sink["source"] for name, sink in listed.items()} == {"stdout": "settings", "crm": "added"}
    crm = listed["crm"]
    assert (crm["where"], crm["state"], crm["secrets"]) == (URL, "active", 1)
    assert (crm["waiting"], crm["delivered"], crm["dead"]) == (2, 1, 0)


def test_people_see_a_line_for_each(operator, ledger):
    lines = [line.split() for line in operator.run("list").stdout.splitlines()]
    assert ["crm", "added", URL, "active", "2", "1", "0"] in lines
    assert ["stdout", "settings", "stdout:", "active"] in [line[:4] for line in lines]


@pytest.mark.parametrize(
    ("key", "reason"),
    [("", "LEGWORK_SECRET_KEY is not set: `legwork sinks key` makes one"), (OTHER_KEY, "no key in LEGWORK_SECRET_KEY")],
)
def test_one_that_no_key_decrypts_is_listed_as_unusable_with_what_would_help(operator, key, reason):
    operator.add(URL)
    operator.variables["legwork_secret_key"] = key
    crm = operator.sink()
    assert (crm["state"], crm["source"]) == ("unusable", "added")
    assert reason in crm["reason"]
    assert f"crm: unusable: {reason}" in operator.run("list").stdout


def test_the_old_key_behind_the_new_one_keeps_all_usable(operator):
    operator.add(URL)
    operator.variables["legwork_secret_key"] = f"{OTHER_KEY} {KEY}"
    assert operator.sink()["state"] == "active"


def test_what_waits_for_a_sink_that_left_the_settings_is_listed_and_can_be_dropped(redis_url, operator):
    ledger = open_ledger(redis_url, sinks="stdout: https://old.example.com/")
    settle(ledger, "settled00001")
    left = operator.sink("https-old-example-com")
    assert left == {"name": "https-old-example-com", "source": "left behind", "waiting": 1}
    assert "`legwork sinks remove https-old-example-com` drops" in operator.run("list").stdout
    assert operator.json("remove", "https-old-example-com", "--yes")["dropped"] == 1
    assert operator.sink("https-old-example-com") is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://crm:{HIDDEN}@crm.example.com:8443/hooks?token={HIDDEN}#{HIDDEN}", "https://crm.example.com:8443/hooks"),
        (f"https://blog.example.com/@me?token={HIDDEN}", "https://blog.example.com/@me"),
        (f"redis://:{HIDDEN}@cache:6379/0?stream=calls", "redis://cache:6379/0"),
        (f"s3://{HIDDEN}:{HIDDEN}%2Fx@bucket/prefix", "s3://bucket/prefix"),
        ("file:///var/records@home.jsonl", "file:///var/records@home.jsonl"),
        (f"acme.sinks:Crm?key={HIDDEN}", "acme.sinks:Crm"),
    ],
)  # fmt: skip
def test_of_a_url_neither_user_nor_password_nor_query_is_shown(operator, url, shown):
    operator.variables["sinks"] = url
    result = operator.run("list", "--json")
    (sink,) = json.loads(result.stdout)
    assert sink["where"] == shown
    text = operator.run("list").output
    assert HIDDEN not in result.output + text


def test_a_private_key_of_two_that_are_no_pair_keeps_nobody_from_seeing_the_list(operator):
    """What was wrong with one sink's key was an error of the whole list."""
    no_pair = "whsk_" + "RERE" * 21 + "RA=="
    operator.variables |= {"sinks": f"stdout: {URL}", "sink_secret": no_pair}
    assert operator.sink("https-crm-example-com")["public_keys"] == []


def test_a_subscriber_whose_name_the_settings_take_is_out_of_use_and_left_alone(operator):
    """It was taken for the one of the settings: a rotation put the settings' secrets into Redis under its name."""
    operator.add("https://other.example.com/", name="stdout-2", sinks="file:x")
    operator.variables["sinks"] = "stdout: stdout:"
    assert operator.sink("stdout-2")["source"] == "settings"
    for command in ("rotate-secret", "remove"):
        result = operator.run(command, "stdout-2")
        assert result.exit_code == 1
        assert "stdout-2 is defined in the settings" in result.stderr
    operator.variables["sinks"] = "stdout:"
    assert operator.sink("stdout-2")["where"] == "https://other.example.com/"
    assert operator.sink("stdout-2")["secrets"] == 1


# Adding


def test_every_option_arrives(operator, tmp_path):
    pem = str(Authority(tmp_path).own_pem())
    added = operator.json(
        *("add", "crm", URL, "--type", "legwork.call.completed", "--type", "legwork.call.corrected"),
        *("--account", ACCOUNT, "--filter", "data.talk_seconds > `0`", "--projection", "{sid: call_sid}"),
        *("--rate", "10/s", "--concurrency", "4", "--header", "X-Key: a:b", "--header", "X-Tenant:acme"),
        *("--ca-file", pem, "--allow-private", "--allow-network", "10.1.0.0/16", "--allow-network", "fd00::/8"),
    )
    shown = {name: added[name] for name in ("types", "accounts", "filter", "projection", "rate", "concurrency")}
    assert shown == {
        "types": ["legwork.call.completed", "legwork.call.corrected"],
        "accounts": [ACCOUNT],
        "filter": "data.talk_seconds > `0`",
        "projection": "{sid: call_sid}",
        "rate": "10/s",
        "concurrency": 4,
    }
    ledger = open_ledger(operator.variables["redis_url"], legwork_secret_key=KEY)
    assert ledger.sinks["crm"].options == {
        "headers": {"X-Key": "a:b", "X-Tenant": "acme"},
        "ca_file": pem,
        "allow_private": True,
        "allow_networks": "10.1.0.0/16,fd00::/8",
    }


def test_its_secret_is_shown_once_and_works(operator, receiver):
    result = operator.run("add", "crm", receiver.url, "--allow-private")
    (secret,) = [word for word in result.stdout.split() if word.startswith("whsec_")]
    assert "crm receives records from now on" in result.stdout
    assert operator.run("test", "crm").exit_code == 0
    assert is_signed_with(secret, receiver.seen[0])
    for command in (["list"], ["list", "--json"], ["test", "crm"], ["test", "crm", "--json"], ["disable", "crm"]):
        assert secret not in operator.run(*command).output


@pytest.mark.parametrize(
    ("option", "more"),
    [
        (SECRET, {}),
        ("-", {"typed": f"{SECRET}\n"}),
        ("env:CRM_SECRET", {"crm_secret": SECRET}),
        ("env:CRM_SECRET", {"crm_secret_file": "secret.txt"}),
    ],
)
def test_it_may_bring_a_secret_of_its_own_which_is_never_shown(operator, receiver, tmp_path, option, more):
    """An `env:` here did not look where those of legwork.toml look: in `.env`, and in the file that NAME_FILE names."""
    (tmp_path / "secret.txt").write_text(f"{SECRET}\n")
    result = operator.run("add", "crm", receiver.url, "--allow-private", "--secret", option, directory=tmp_path, **more)
    assert result.exit_code == 0
    assert "whsec_" not in result.output
    operator.json("test", "crm")
    assert is_signed_with(SECRET, receiver.seen[0])


def test_a_variable_that_it_refers_to_may_stand_in_the_file_of_variables(operator, receiver, tmp_path):
    (tmp_path / ".env").write_text(f"CRM_SECRET={SECRET}\nCRM_KEY={HIDDEN}\n")
    refer = ("--secret", "env:CRM_SECRET", "--header", "X-Key: env:CRM_KEY")
    assert operator.add(receiver.url, *refer, directory=tmp_path) is None
    operator.json("test", "crm")
    assert is_signed_with(SECRET, receiver.seen[0])
    assert receiver.seen[0].headers["X-Key"] == HIDDEN


def test_one_with_a_private_key_shows_the_public_one(operator):
    operator.add(URL, "--secret", PRIVATE)
    (shown,) = operator.sink()["public_keys"]
    assert shown.startswith("whpk_")


def test_a_name_that_is_taken_is_refused(operator):
    operator.add(URL)
    for name in ("crm", "stdout"):
        result = operator.run("add", name, "https://other.example.com/")
        assert result.exit_code == 1
        assert f"there is a sink called {name}" in result.stderr
    assert operator.sink()["where"] == URL


def test_a_name_is_taken_by_one_that_cannot_be_used_too(operator):
    operator.add(URL)
    result = operator.run("add", "crm", "https://other.example.com/", legwork_secret_key=OTHER_KEY)
    assert result.exit_code == 1
    assert "there is a sink called crm: give another name, or remove that one" in result.stderr
    assert operator.sink()["where"] == URL


def test_without_a_key_nothing_can_be_added_and_it_says_how_to_make_one(operator):
    result = operator.run("add", "crm", URL, legwork_secret_key="")
    assert result.exit_code == 2
    assert "LEGWORK_SECRET_KEY is not set: `legwork sinks key` makes one" in result.stderr
    assert operator.sink() is None


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_key_is_made_that_can_be_used_at_once(operator, form):
    """`--json` was no option of it, as it is of every other command."""
    result = run("sinks", "key", *form)
    key = json.loads(result.stdout)["key"] if form else result.stdout.strip()
    assert operator.add(URL, legwork_secret_key=key).startswith("whsec_")


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["crm"], "Missing argument"),
        (["CRM", URL], "name: is not a name; give"),
        (["crm", "file:x.jsonl"], "url: is not a webhook; give"),
        (["crm", URL, "--secret", HIDDEN], "secret: does not start with whsec_"),
        (["crm", URL, "--secret", "-"], "secret: is not one to 4 secrets"),
        (["crm", URL, "--secret", "env:CRM_SECRET"], "--secret: refers to CRM_SECRET, which is not set"),
        (["crm", URL, "--secret", f"env:{HIDDEN}"], "--secret: refers to a variable that is not set"),
        (["crm", URL, "--secret", "whsk_" + "RERE" * 21 + "RA=="], "secret: holds a public key that is not"),
        (["crm", URL, "--type", "calls"], "types: is not a type of record; give a list of some of these: "),
        (["crm", URL, "--type", "legwork.call.complete"], "(did you mean legwork.call.completed?)"),
        (["crm", URL, "--account", "acme9m"], "accounts: acme9m: no such account; there are acme1m"),
        (["crm", URL, "--filter", "data."], "filter: does not parse"),
        (["crm", URL, "--rate", "fast"], "rate: is not a rate"),
        (["crm", URL, "--concurrency", "0"], "concurrency: is out of range"),
        (["crm", URL, "--concurrency", "many"], "is not a valid integer"),
        (["crm", URL, "--header", f"Authorization Bearer {HIDDEN}"], "--header: one has no colon"),
        (["crm", URL, "--header", f"X-Key: {HIDDEN}", "--header", "X-Key: b"], "--header: X-Key is given twice"),
        (["crm", URL, "--header", f"Host: {HIDDEN}"], "options.headers: Host is set by Legwork"),
        (["crm", URL, "--header", f"X-Key: {HIDDEN}\u00e9"], "options.headers: the value of X-Key is not printable ASCII text"),
        (["crm", URL, "--ca-file", "/nonexistent/ca.pem"], "options: ca_file: /nonexistent/ca.pem cannot be read"),
        (["crm", URL, "--allow-network", "10.0.0.1/8"], "options.allow_networks: holds an address with a mask"),
        (["crm", f"{URL}?allow_private={HIDDEN}"], "options.allow_private: Not a valid boolean."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_bad_usage_and_adds_nothing(operator, arguments, wrong):
    result = operator.run("add", *arguments)
    assert result.exit_code == 2
    assert wrong in result.stderr
    assert HIDDEN not in result.output
    assert operator.sink() is None


def test_all_that_is_wrong_is_told_at_once_a_line_each(operator):
    result = operator.run("add", "CRM", "file:x", "--rate", "fast", "--secret", HIDDEN)
    found = [line.removeprefix("Error: ").partition(":")[0] for line in result.stderr.splitlines()]
    assert {"name", "url", "rate", "secret"} <= set(found)


# Removing


def test_removing_drops_what_waits_so_that_its_calls_can_be_forgotten(operator, ledger):
    assert pending(ledger, "settled00002") == 1
    assert not may_be_forgotten(ledger, "settled00002")
    assert operator.json("remove", "crm", "--yes") == {"name": "crm", "dropped": 2}
    assert operator.sink() is None
    assert pending(ledger, "settled00002") == 0
    assert may_be_forgotten(ledger, "settled00002")


def test_the_dead_are_dropped_with_the_rest(operator, ledger):
    deliver(ledger, dead=True)
    assert operator.json("remove", "crm", "--yes")["dropped"] == 2
    assert pending(ledger, "settled00003") == 0


def test_without_a_terminal_what_waits_is_dropped_only_for_sure(operator, ledger):
    result = operator.run("remove", "crm")
    assert result.exit_code == 2
    assert "2 waiting deliveries to crm would be dropped; give --yes" in result.stderr
    assert operator.sink()["waiting"] == 2


def test_on_a_terminal_it_counts_and_asks_first(operator, ledger):
    shown, code = operator.on_a_terminal("remove", "crm", typed=b"n\n")
    assert ("deliveries to crm (2)?" in shown, code) == (True, 1)
    assert operator.sink()["waiting"] == 2
    shown, code = operator.on_a_terminal("remove", "crm", typed=b"y\n")
    assert ("crm is removed; deliveries dropped: 2." in shown, code) == (True, 0)
    assert operator.sink() is None


def test_where_nothing_waits_it_does_not_ask(operator, ledger):
    deliver(ledger)
    assert operator.run("remove", "crm").stdout == "crm is removed; deliveries dropped: 0.\n"


def test_a_name_can_be_given_again_after_its_sink_is_removed(operator, ledger):
    operator.json("remove", "crm", "--yes")
    operator.add("https://new.example.com/")
    assert (operator.sink()["where"], operator.sink()["waiting"]) == ("https://new.example.com/", 0)


@pytest.mark.parametrize("form", [[], ["--yes"]])
def test_a_sink_of_the_settings_is_refused_before_anything_is_asked(operator, ledger, form):
    """It counted first, and asked whether to drop what waits, only to refuse in the end."""
    settle(ledger, "settled00004")
    result = operator.run("remove", "stdout", *form)
    assert result.exit_code == 1
    assert result.stderr == "stdout is defined in the settings: take it out of SINKS or legwork.toml, and restart\n"
    assert operator.sink("stdout")["waiting"] == 1


def test_one_that_no_key_decrypts_can_be_removed(operator):
    operator.add(URL)
    assert operator.json("remove", "crm", legwork_secret_key="")["dropped"] == 0
    assert operator.sink() is None


# Disabling and enabling


def test_at_an_operators_word_all_that_waits_is_due_now(operator, ledger):
    assert put_off(ledger) == 2
    assert deliver(ledger) == []
    assert operator.json("retry", "crm") == {"name": "crm", "brought_forward": 2}
    assert operator.run("retry", "crm").stdout == "Deliveries to crm brought forward: 0.\n"
    assert sorted(deliver(ledger)) == ["settled00002/1/completed", "settled00003/1/completed"]


def test_what_waits_for_a_failing_sink_is_due_now_and_it_goes_on_failing(operator, ledger):
    put_off(ledger)
    for _ in range(10):
        ledger.health.failed("crm", "503")
    assert operator.json("retry", "crm")["brought_forward"] == 2
    assert operator.sink()["state"] == "failing", "until it has accepted one"


def test_a_disabled_sink_is_not_retried_and_the_command_that_enables_it_is_named(operator, ledger):
    put_off(ledger)
    operator.json("disable", "crm")
    refused = operator.run("retry", "crm")
    assert refused.exit_code == 1
    assert "the sink crm is disabled; `legwork sinks enable crm` enables it" in refused.stderr
    operator.json("enable", "crm")
    assert deliver(ledger) == []
    assert operator.json("retry", "crm")["brought_forward"] == 2


def test_what_waits_for_a_disabled_sink_is_kept(operator, ledger):
    disabled = operator.json("disable", "crm", "--reason", "moves house")
    assert (disabled["state"], disabled["reason"], disabled["waiting"]) == ("disabled", "moves house", 2)
    assert disabled["since"].endswith("Z")
    enabled = operator.json("enable", "crm")
    assert (enabled["state"], enabled["reason"], enabled["since"], enabled["waiting"]) == ("active", None, None, 2)


def test_people_hear_whether_anything_changed(operator, ledger):
    said = [operator.run(command, "stdout").stdout for command in ("disable", "disable", "enable", "enable")]
    assert said == [
        "stdout is disabled.\n",
        "stdout was disabled already.\n",
        "stdout is enabled.\n",
        "stdout was active already.\n",
    ]


def test_a_reason_is_shown_without_numbers_and_control_characters(operator, ledger):
    """A sink fails for reasons that others wrote. Under --json they stood there whole, numbers and all."""
    changed = operator.run("disable", "crm", "--reason", "no \x1b[2J+919000000001", "--json")
    assert "crm: disabled: no  [2J…0001" in operator.run("list").stdout
    listed = {sink["name"]: sink for sink in json.loads(operator.run("list", "--json").stdout)}
    assert listed["crm"]["reason"] == json.loads(changed.stdout)["reason"] == "no  [2J…0001"


# What there is not


@pytest.mark.parametrize(
    "command",
    [
        ["remove", "cmr", "--yes"],
        ["disable", "cmr"],
        ["enable", "cmr"],
        ["retry", "cmr"],
        ["rotate-secret", "cmr"],
        ["rotate-secret", "cmr", "--finish"],
        ["test", "cmr"],
        ["recover", "cmr", "--since", "1h"],
    ],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_sink_that_there_is_not_is_named_with_the_one_that_was_probably_meant(operator, command, form):
    operator.add(URL)
    result = operator.run(*command, *form)
    assert result.exit_code == 1
    said = "there is no sink called cmr (did you mean crm?); there are crm, stdout"
    assert said in (json.loads(result.stderr)["problems"] if form else result.stderr.splitlines())
    assert result.stdout == ""


@pytest.mark.parametrize("command", [["disable"], ["retry"], ["rotate-secret"], ["test"], ["recover", "--since", "1h"]])
def test_of_one_that_no_key_decrypts_the_key_is_asked_for(operator, command):
    operator.add(URL)
    result = operator.run(command[0], "crm", *command[1:], legwork_secret_key="")
    assert result.exit_code == 2
    assert result.stderr.startswith("crm: LEGWORK_SECRET_KEY is not set")


@pytest.mark.parametrize(
    "command", ["list", "add", "remove", "disable", "enable", "retry", "rotate-secret", "test", "recover", "key"]
)
def test_every_command_is_for_programs_too_and_shows_an_example(command):
    shown = run("sinks", command, "--help").stdout
    assert "--json" in shown
    assert "Examples:" in shown
