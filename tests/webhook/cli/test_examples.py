"""The examples in every command's help are commands that Legwork takes."""

from __future__ import annotations

import re
import shlex

import click
import orjson
import pytest
from cli_kit import open_ledger, run, settle
from reporting import inbound

from webhook.cli import legwork

SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
CRM = '[[sinks]]\nname = "crm"\nurl = "file:crm.jsonl"\n'
# These run until they are told to stop, or need a subscriber that answers: only their words are looked at.
PARSED = {"up", "web", "worker", "add", "update", "remove", "rotate-secret"}


def commands_of(command, context):
    """A command and all below it, each by its path."""
    yield context.command_path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            yield from commands_of(found, click.Context(found, parent=context, info_name=name))


COMMANDS = dict(commands_of(legwork, click.Context(legwork, info_name="legwork")))


def examples_of(path):
    """The lines below `Examples:` in a command's help."""
    text = f"{COMMANDS[path].help}\n\n{COMMANDS[path].epilog or ''}"
    return re.findall(r"^ +(\S.*)$", text.partition("Examples:\n")[2].partition("\n\n")[0], re.MULTILINE)


EXAMPLES = sorted({line for path in COMMANDS for line in examples_of(path) if re.search(r"(^|=| )legwork ", line)})


# `forget` and `token` are held to their examples beside their own tests.
@pytest.mark.parametrize("path", [path for path in COMMANDS if path.split()[1:2] not in (["forget"], ["token"])])
def test_every_command_shows_two_examples_of_itself_or_of_what_is_below_it(path):
    assert len([line for line in examples_of(path) if path in line]) >= 2


@pytest.mark.parametrize("line", [line for line in EXAMPLES if not re.search("legwork (token|forget)|source", line)])
def test_every_example_runs(redis_url, tmp_path, line):
    (tmp_path / "legwork.toml").write_text(CRM)
    words = shlex.split(re.split(r"legwork ", line.partition(" | ")[0].partition(")")[0])[1])
    environ = {"redis_url": redis_url, "sinks": "", "directory": tmp_path}
    for name in ("sids.txt", "calls.csv"):
        (tmp_path / name).write_text(f"CallSid\n{SID}\n")
    (tmp_path / "records.jsonl").write_bytes(orjson.dumps(inbound(SID)) + b"\n")
    settle(open_ledger(redis_url), SID, "dead", "404")
    if PARSED & set(words[:2]):
        words.append("--help")
    result = run(*words, **environ)
    may_find_nothing = words[0] in {"check", "dead", "status"} or words[:2] in (
        ["calls", "find"],
        ["accounts", "retry"],
    )
    assert result.exit_code in ({0, 1} if may_find_nothing else {0}), result.output
