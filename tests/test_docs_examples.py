"""What the documents show works as shown: commands, options, targets, settings, links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from schemas.settings.accounts import ACCOUNT_KEYS
from schemas.settings.model import VARIABLES
from schemas.settings.sinks import SINK_KEYS
from webhook.cli import legwork
from worker.sinks import kind_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*.md", "examples/**/*.md", "monitoring/*.md")
    for path in ROOT.glob(pattern)
    if "templates" not in path.parts
)
# What is not ours, and set beside our settings: OpenTelemetry's, the sandbox's own, names of an example.
OTHERS = re.compile(
    r"OTEL_\w+|SANDBOX_\w+|FAULTS_ARGS|PYTEST_ARGS|PYTHON|TOKEN|PATH|PORT|VERSION|REVISION|LEGWORK_SECRET"
)
# Where a command ends and the shell goes on.
SHELLS = {"|", ">", ">>", ";", "&", "&&"}
# Any command; and the one that is not there yet, though the contract has it.
PLACEHOLDERS = {"COMMAND", "reconcile", "…"}


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


def fenced(document, *languages):
    return [
        block
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text_of(document), re.MULTILINE | re.DOTALL)
        if language in languages
    ]


def commands(document, program):
    """The words after a program's name, wherever it is shown in code."""
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text_of(document), flags=re.MULTILINE | re.DOTALL))
    lines = [
        line.removeprefix("$ ")
        for block in fenced(document, "sh", "text")
        for line in block.replace("\\\n", " ").splitlines()
    ]
    for line in inline + lines:
        if found := re.match(rf"\s*(?:\.venv/bin/)?{program} +(.+)", line):
            yield found[1]


def alternatives(words):
    """`sinks list|add` are two commands."""
    head, *rest = words.split(maxsplit=2)
    if rest and re.fullmatch(r"[\w-]+(\\?\|[\w-]+)+", rest[0]):
        return [f"{head} {word}" for word in re.split(r"\\?\|", rest[0])]
    return [words]


def complaint(words):
    """What is wrong with a command, or None."""
    command, context = legwork, click.Context(legwork)
    parts = shlex.split(words.replace("\\|", "|"), comments=True)
    parts = parts[: next((place for place, part in enumerate(parts) if part in SHELLS), None)]
    while parts and isinstance(command, click.Group) and not parts[0].startswith("-"):
        name = parts.pop(0)
        if name in PLACEHOLDERS:
            return None
        command = command.get_command(context, name)
        if command is None:
            return f"no such command: {name}"
    known = {option for parameter in command.get_params(context) for option in parameter.opts}
    strange = [part for part in parts if part.startswith("--") and part.partition("=")[0] not in known]
    return f"no such option: {strange}" if strange else None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_shown_is_there_with_its_options(document):
    shown = [words for line in commands(document, "legwork") for words in alternatives(line)]
    assert {words: wrong for words in shown if (wrong := complaint(words))} == {}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_shown_is_there(document):
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    shown = {line.split()[0] for line in commands(document, "make")}
    assert {name for name in shown if re.fullmatch(r"[a-z]+", name)} <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_setting_that_is_set_is_one(document):
    names = {variable.name for variable in VARIABLES.values()}
    for block in fenced(document, "sh"):
        for name in re.findall(r"(?:^|\s)(?:export )?([A-Z][A-Z0-9_]{3,})=", block):
            assert name.removesuffix("_FILE") in names or OTHERS.fullmatch(name), name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_table_of_toml_has_keys_that_we_read(document):
    for block in fenced(document, "toml"):
        tables = tomllib.loads(block)
        for account in tables.get("accounts", ()):
            assert set(account) <= set(ACCOUNT_KEYS)
        for sink in tables.get("sinks", ()):
            assert set(sink) <= {*SINK_KEYS, *options_of(sink["url"])}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(document):
    for target in re.findall(r"\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\"", text_of(document)):
        path, _, anchor = "".join(target).partition("#")
        if re.match(r"[a-z]+:|/", path):
            continue
        found = (ROOT / document).parent / path if path else ROOT / document
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ +(.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, target


def test_every_document_is_come_by_from_the_readme():
    found, left = set(), ["README.md"]
    while left:
        document = left.pop()
        found.add(document)
        for target in re.findall(r"\]\(([^)\s#:]+)[^)\s]*\)", text_of(document)):
            path = ((ROOT / document).parent / target).resolve()
            pages = [path] if path.suffix == ".md" else path.glob("*.md") if path.is_dir() else []
            left += {page.relative_to(ROOT).as_posix() for page in pages} - found
    assert {document for document in DOCUMENTS if document.startswith(("docs/", "deploy/"))} - found == set()


def test_every_line_of_python_that_is_shown_runs():
    shown = {line for document in DOCUMENTS for line in re.findall(r"python3 (-c \".+?\")(?=[`\n])", text_of(document))}
    assert shown
    for line in shown:
        done = subprocess.run(
            [sys.executable, *shlex.split(line)], capture_output=True, text=True, check=False, timeout=30
        )
        assert (done.returncode, done.stderr) == (0, ""), line
        assert len(done.stdout.strip()) > 40


def options_of(url):
    """The options of a sink's kind; a URL that the environment holds may be of any."""
    return () if url.startswith("env:") else kind_of(url).Options().fields


def slug(heading):
    """A heading's name in a URL, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_what_is_not_there_would_be_seen():
    assert complaint("dead lits") == "no such command: lits"
    assert complaint("replay --since 2h --dryrun") == "no such option: ['--dryrun']"
    assert complaint("replay --since 2h --dry-run   # counts") is None
