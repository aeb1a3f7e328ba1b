"""The command line as a whole: its sections, errors for programs, exit codes, completion, and quick starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import chdir

import click
import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run, settle

from webhook.cli import COMMANDS, legwork
from webhook.cli.table import TableGroup
from worker.ledger.registry.tokens import Scope, Tokens

SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
# What takes longest to import, and neither help nor completion needs.
HEAVY = {"redis", "flask", "celery", "marshmallow", "rich"}


def complete(*words, **environ):
    """What a Tab in bash offers after these words, by click's own protocol."""
    asked = {"_LEGWORK_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    command = [sys.executable, "-m", "webhook.cli"]
    done = subprocess.run(
        command, env={**os.environ, **ENVIRON, **asked, **environ}, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return [line.partition(",")[2] for line in done.stdout.split()]


def entries(group):
    """The entries of a group's table and of those below it, each with its command."""
    for name, entry in group.table.items():
        command = group.get_command(click.Context(group), name)
        yield entry, command
        if isinstance(command, TableGroup):
            yield from entries(command)


@pytest.mark.parametrize(("entry", "command"), [pytest.param(*each, id=each[0].where) for each in entries(legwork)])
def test_the_line_of_the_table_is_the_first_sentence_of_the_commands_help(entry, command):
    assert " ".join(command.help.split("\n\n")[0].split()).startswith(entry.line)


def test_without_arguments_the_commands_stand_in_sections_in_the_order_of_use():
    text = run("--help").stdout
    places = [text.index(f"\n{section}:\n") for section in ("Start", "Inspect", "Repair", "Set up")]
    assert places == sorted(places)


@pytest.mark.parametrize(("given", "near"), [(["stats"], "'status'"), (["status", "--jsn"], "'--json'")])
def test_what_is_misspelt_is_answered_with_what_is_near(given, near):
    result = run(*given)
    assert result.exit_code == 2
    assert f"Did you mean {near}" in result.stderr


@pytest.mark.parametrize(
    ("given", "environ", "code"),
    [
        (["status"], {"redis_url": "redis://127.0.0.1:1/0"}, 1),
        (["status"], {"redis_url": ""}, 2),
        (["status"], {"redis_url": "redis://127.0.0.1:1/0", "port": "0"}, 2),
        (["calls", "list", "--limit", "0"], {}, 2),
        (["completion", "cmd"], {}, 2),
        (["nonsense"], {}, 2),
    ],
)
def test_errors_are_a_line_of_json_for_programs_with_the_exit_code_in_it(given, environ, code):
    result = run(*given, "--json", **environ)
    assert result.exit_code == code
    assert not result.stdout
    document = json.loads(result.stderr)
    assert document.keys() == {"exit_code", "problems"}
    assert document["exit_code"] == code
    assert document["problems"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["calls", "show", "nowhere00001"], 1),
        (["dead", "show", "nowhere00001"], 1),
        (["replay", "nowhere00001"], 1),
        (["sinks", "test", "nobody"], 1),
        (["replay", "--since", "1h", "--sink", "nobody"], 2),
        (["dead", "retry", "--all", "--yes"], 0),
        (["calls", "find", "+919000000001"], 1),
        (["replay", "--since", "1h"], 0),
        (["calls", "list"], 0),
    ],
)
def test_the_exit_code_tells_what_was_found(redis_url, given, code):
    assert run(*given, redis_url=redis_url).exit_code == code


@pytest.mark.parametrize("given", [["calls", "list"], ["calls", "list", "--json"], ["status"]])
def test_a_reader_that_goes_away_early_gets_no_traceback(redis_url, given):
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "webhook.cli", *given]
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url}
    done = subprocess.run(command, env=environ, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, b"")


def test_status_names_the_next_command_where_something_is_wrong(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, SID, "dead", "404")
    ledger.disable_sink("stdout", "410")
    text = run("status", redis_url=redis_url).stdout
    assert "`legwork dead list`" in text
    assert "`legwork sinks enable stdout`" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed_and_for_programs_with_its_installation(shell):
    script = run("completion", shell).stdout
    assert f"_LEGWORK_COMPLETE={shell}_complete" in script
    document = json_of("completion", shell)
    assert document.keys() == {"shell", "install", "script"}
    assert document["script"].strip() == script.strip()


def test_commands_options_and_values_are_completed(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, SID)
    Tokens(ledger.client).create("grafana", Scope.READ, now_ms=ledger.now_ms(), expires_ms=None)
    assert complete("legwork", "st") == ["status"]
    assert complete("legwork", "status", "--j") == ["--json"]
    assert complete("legwork", "calls", "list", "--state", "d", REDIS_URL=redis_url) == ["dead", "dropped"]
    assert complete("legwork", "sinks", "test", "", REDIS_URL=redis_url) == ["stdout"]
    assert complete("legwork", "calls", "show", "3f", REDIS_URL=redis_url) == [SID]
    assert complete("legwork", "token", "revoke", "g", REDIS_URL=redis_url) == ["grafana"]


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "", "nonsense"])
def test_where_the_ledger_is_away_no_value_is_completed_and_nothing_is_said(address):
    assert complete("legwork", "calls", "show", "", REDIS_URL=address) == []


@pytest.mark.parametrize("words", [["legwork", "nonsense", ""], ["legwork", "calls", "lst", "--"]])
def test_behind_a_command_that_there_is_not_a_tab_says_nothing(words):
    """The error for the misspelt command appeared in the midst of the line that somebody typed."""
    assert set(complete(*words)) <= {*COMMANDS, "--help"}, "and not a word about it"


@pytest.mark.parametrize("given", [["status"], ["calls", "list"], ["dead", "list"], ["worker", "--help"]])
def test_a_command_that_serves_nobody_waits_for_no_web_framework(redis_url, given):
    """To learn whether `legwork up` was used here, each of them imported all that `legwork up` needs."""
    program = f"import sys, webhook.cli as cli\ntry: cli.legwork({given})\nfinally: print(*sys.modules)"
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert not set(done.stdout.splitlines()[-1].split()) & {"flask", "celery", "honcho"}


def test_bash_completes_by_the_script(tmp_path):
    with chdir(tmp_path):
        (tmp_path / "legwork").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m webhook.cli "$@"\n')
        (tmp_path / "legwork").chmod(0o755)
        asked = (
            "source <(legwork completion bash); COMP_WORDS=(legwork repl); COMP_CWORD=1; "
            '_legwork_completion legwork; echo "${COMPREPLY[@]}"'
        )
        environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        done = subprocess.run(["bash", "-c", asked], env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("replay\n", "")


@pytest.mark.parametrize(
    "given", [["--help"], *([name, "--help"] for name, entry in COMMANDS.items() if ".groups:" in entry.where)]
)
def test_help_waits_for_no_redis_and_no_web_framework(given):
    program = f"import sys, webhook.cli as cli\ntry: cli.legwork({given})\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "Commands:" in done.stdout or "Set up:" in done.stdout
    assert not set(done.stdout.splitlines()[-1].split()) & HEAVY


@pytest.mark.parametrize("words", [["legwork", "st"], ["legwork", "dead", "re"]])
def test_completion_of_commands_waits_for_them_neither(words):
    asked = {"_LEGWORK_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    program = "import sys, webhook.cli as cli\nsys.argv[0] = 'legwork'\ntry: cli.main()\nfinally: print(*sys.modules)"
    environ = {**os.environ, **asked}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    offered, loaded = done.stdout.splitlines()
    assert offered in {"plain,status", "plain,retry"}
    assert not set(loaded.split()) & HEAVY
