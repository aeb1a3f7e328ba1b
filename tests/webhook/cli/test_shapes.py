"""What every command prints under `--json` has the shape that is declared for it, and nothing beside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
from cli_kit import open_ledger, run, settle
from factories import ACCOUNT
from jsonschema import Draft202012Validator
from reporting import inbound, keep
from stubs import StubServer, answer
from subscribing import KEY, OTHER_KEY, Operator, deliver

from cli_reference.answers import ANSWERS, ERROR, NOTE, json_schema
from webhook.cli import legwork
from worker.errors import LastAnswer
from worker.ledger.registry.tokens import Scope, Tokens

SETTLED, UNKNOWN, REFUSED = "settled0001", "dead00000001", "dead00000002"
NUMBER = "+919000000011"
SIDS = str(Path(__file__).parents[2] / "payloads/call_sids.csv")
# What is typed after each command, and the exit code where there is something to tell of.
GIVEN = [
    ("check", [], 1),  # the tests' Redis keeps nothing
    ("status", [], 0),
    ("urls", [], 0),
    ("accounts list", [], 0),
    ("accounts retry", [ACCOUNT], 0),
    ("calls list", [], 0),
    ("calls find", ["09000000002"], 0),
    ("calls export", [], 0),
    ("report agents", [], 0),
    ("report missed", [], 0),
    ("report hours", [], 0),
    ("report callers", [], 0),
    ("import", [SIDS, "--dry-run"], 1),
    ("calls fetch", [SETTLED, UNKNOWN], 0),
    ("calls fetch", [SETTLED, "nowhere00001"], 1),
    ("calls show", [SETTLED], 0),
    ("calls show", [UNKNOWN], 0),
    ("dead list", [], 0),
    ("dead show", [REFUSED], 0),
    ("dead show", [UNKNOWN], 0),
    ("dead retry", ["--all", "--yes"], 0),
    ("dead retry", [UNKNOWN, "nowhere00001"], 1),
    ("dead drop", ["--all", "--yes"], 0),
    ("replay", ["--since", "1h"], 0),
    ("replay", [SETTLED, "nowhere00001", "--dry-run"], 1),
    ("forget", [NUMBER, "--dry-run"], 0),
    ("forget", [NUMBER, "--yes"], 0),
    ("sinks list", [], 0),
    ("sinks add", ["erp", "https://erp.example.com/", "--unchecked"], 0),
    ("sinks update", ["crm", "--rate", "10/s"], 0),
    ("sinks remove", ["crm", "--yes"], 0),
    ("sinks disable", ["crm"], 0),
    ("sinks enable", ["crm"], 0),
    ("sinks retry", ["crm"], 0),
    ("sinks rotate-secret", ["crm"], 0),
    ("sinks rotate-secret", ["crm", "--finish"], 0),
    ("sinks test", ["crm"], 0),
    ("sinks test", ["stdout"], 0),
    ("sinks recover", ["crm", "--since", "1h"], 0),
    ("sinks key", [], 0),
    ("token create", ["grafana", "--scope", "read", "--expires", "1d"], 0),
    ("token list", [], 0),
    ("token revoke", ["crm-sync"], 0),
    ("completion", ["bash"], 0),
]
# Where they exit with 1, what they print says why.
ANSWER_IS_THE_ERROR = {"check", "status", "calls find", "import"}
SERVING = {"up", "web", "worker"}


def closed():
    """The declared shapes, with no key allowed beside them."""
    document = json_schema()
    for definition in document["$defs"].values():
        if "properties" in definition:
            definition["additionalProperties"] = False
    return document


SHAPES = closed()


def hold(document, name):
    """Hold what was said to its declared shape."""
    reference = f"#/$defs/{name.replace(' ', '-')}"
    Draft202012Validator({**SHAPES, "$ref": reference}, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        document
    )


def said_aside(result):
    """What stands on standard error, but for the log."""
    return [line for line in map(json.loads, result.stderr.splitlines()) if "level" not in line]


def leaves(command, context, path=()):
    """Every command that is no group, by its words."""
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if isinstance(found, click.Group):
            yield from leaves(found, click.Context(found, parent=context), (*path, name))
        else:
            yield " ".join((*path, name))


@pytest.fixture
def exotel():
    with StubServer(answer(status=404)) as server:
        yield server


@pytest.fixture
def variables(redis_url, exotel):
    return {
        "redis_url": redis_url,
        "exotel_base_url": exotel.url,
        "legwork_secret_key": KEY,
        "log_format": "json",
    }


@pytest.fixture
def full(redis_url, receiver, variables):
    """Calls in several states, dead letters of both kinds, a subscriber, a token, and a sink that has left."""
    Operator(redis_url).add(receiver.url)
    ledger = open_ledger(redis_url, sinks="stdout: file:left.jsonl", legwork_secret_key=KEY)
    ledger.refresh_sinks()
    settle(ledger, SETTLED)
    deliver(ledger, "stdout")
    settle(ledger, UNKNOWN, "dead", "404: unknown")
    deliver(ledger, "stdout")
    settle(ledger, REFUSED)
    book = ledger.deliveries[ACCOUNT, "stdout"]
    (lease,) = book.backlog.lease(1)
    owed = book.claim(lease)
    said = LastAnswer(422, "no room", ledger.now_ms())
    book.postpone(owed, "no answer", wait_seconds=0, attempt=True)
    (lease,) = book.backlog.lease(1)
    assert book.bury(book.claim(lease), "422: no room", last_answer=said)
    keep(ledger, inbound("missed00001"))
    ledger.register_worker("host:1", 8)
    Tokens(ledger.client).create("crm-sync", Scope.OPERATE, now_ms=ledger.now_ms(), expires_ms=None)
    return variables


def test_every_command_declares_its_answer_and_no_other():
    assert set(ANSWERS) == set(leaves(legwork, click.Context(legwork)))
    assert {name for name, answer in ANSWERS.items() if not answer.shapes} == SERVING
    assert {name for name, _, _ in GIVEN} == set(ANSWERS) - SERVING


def test_the_shapes_are_a_json_schema():
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(("name", "given", "code"), GIVEN)
def test_where_there_is_something_to_tell_of_the_answer_has_its_shape(full, name, given, code):
    result = run(*name.split(), *given, "--json", **full)
    assert result.exit_code == code, result.output
    document = json.loads(result.stdout)
    assert document
    hold(document, name)
    if name != "check":
        for line in said_aside(result):
            hold(line, ERROR if "problems" in line else NOTE)


@pytest.mark.parametrize(("name", "given", "code"), GIVEN)
def test_where_there_is_nothing_the_answer_has_its_shape_or_there_is_an_error_that_has_its_own(
    variables, name, given, code
):
    open_ledger(variables["redis_url"])
    result = run(*name.split(), *given, "--json", **variables)
    if result.stdout:
        hold(json.loads(result.stdout), name)
    problems = [line for line in said_aside(result) if "problems" in line]
    assert (result.exit_code == 0) == (not problems) or name in ANSWER_IS_THE_ERROR
    for line in problems:
        hold(line, ERROR)
        assert line["exit_code"] == result.exit_code
    assert result.stdout or problems


def test_the_list_of_sinks_has_its_shape_whatever_is_the_matter_with_them(full):
    listed = {sink["name"]: sink for sink in json.loads(run("sinks", "list", "--json", **full).stdout)}
    assert listed["file"]["source"] == "left behind"
    full["legwork_secret_key"] = OTHER_KEY
    run("sinks", "disable", "stdout", **full)
    sinks = json.loads(run("sinks", "list", "--json", **full).stdout)
    assert {sink["name"]: sink.get("state") for sink in sinks} == {
        "stdout": "disabled",
        "crm": "unusable",
        "file": None,
    }
    hold(sinks, "sinks list")


def test_the_status_has_its_shape_whatever_is_the_matter(full):
    ledger = open_ledger(full["redis_url"])
    ledger.calls[ACCOUNT].bucket.suspend("401: no such key")
    ledger.disable_sink("stdout", "410")
    document = json.loads(run("status", "--json", **full).stdout)
    assert document["accounts"][ACCOUNT]["state"] == "suspended"
    hold(document, "status")


def test_a_ping_that_nobody_answers_has_the_shape_of_one_that_was(full):
    run("sinks", "add", "nobody", "http://127.0.0.1:1/", "--allow-private", "--unchecked", **full)
    result = run("sinks", "test", "nobody", "--json", **full)
    assert result.exit_code == 1
    hold(json.loads(result.stdout), "sinks test")


def test_what_is_said_beside_an_answer_is_a_line_of_json_of_its_own(full):
    """`note` says it to people as a sentence."""
    open_ledger(full["redis_url"]).disable_sink("stdout", "410")
    result = run("dead", "retry", REFUSED, "--json", **full)
    assert json.loads(result.stdout)["deliveries"] == 1
    (line,) = said_aside(result)
    hold(line, NOTE)
    assert "`legwork sinks enable stdout`" in line["note"]


def test_a_shape_does_not_let_a_key_pass_that_is_not_declared():
    hold({"note": "x"}, NOTE)
    with pytest.raises(Exception, match=re.escape("Additional properties are not allowed")):
        hold({"note": "x", "more": 1}, NOTE)
