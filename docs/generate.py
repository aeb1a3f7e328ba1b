#!/usr/bin/env python3
"""Write the generated documents; with `--check` only report the stale ones."""

from __future__ import annotations

import inspect
import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from marshmallow import missing

from cli_reference.answers import ANSWERS, ERROR, NOTE
from cli_reference.answers import json_schema as cli_json_schema
from cli_reference.sketch import sketch
from schemas.json_schema import json_schema
from schemas.settings.accounts import ACCOUNT_KEYS, ALIKE, REQUIRED
from schemas.settings.model import VARIABLES
from schemas.settings.sinks import SINK_KEYS
from webhook.cli import COMMANDS, legwork
from worker.metrics import CATALOG
from worker.sinks import KINDS, kind_of
from worker.sinks.module import OwnSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from schemas.settings.declare import Variable
    from worker.sinks import Sink

ROOT = Path(__file__).resolve().parents[1]

ABOUT_DOTENV = """\
# Copy this to .env and fill in the four variables without a #. All settings: docs/configuration.md
# A good callback token is what this prints: python3 -c "import secrets; print(secrets.token_urlsafe(32))"
"""

#: The four variables that make an account.
NEEDED = [ACCOUNT_KEYS[key].name for key in REQUIRED]


def _table(heading: str, rows: Iterable[tuple[str, Variable]]) -> str:
    lines = [f"| {heading} | default | meaning |", "|---|---|---|"]
    for name, variable in rows:
        default = variable.otherwise if variable.default is None else f"`{variable.default}`"
        if name in ALIKE:  # a key of [[accounts]]
            default = "needed" if name in REQUIRED else f"`{variable.name}`"
        lines.append(f"| `{name}` | {default} | {variable.meaning} |")
    return "\n".join(lines) + "\n"


def _groups() -> dict[str, list[tuple[str, Variable]]]:
    groups: dict[str, list[tuple[str, Variable]]] = {}
    for variable in VARIABLES.values():
        if variable.group:
            rows = groups[variable.group] = []
        rows.append((variable.name, variable))
    return groups


def configuration() -> str:
    """Return docs/configuration.md: its template, filled with the tables and the example."""
    variables = [f"## {group}\n\n" + _table("variable", rows) for group, rows in _groups().items()]
    text = (ROOT / "docs/templates/configuration.md").read_text(encoding="utf-8")
    for place, content in {
        "variables": "\n".join(variables),
        "account keys": _table("key", ACCOUNT_KEYS.items()),
        "sink keys": _table("key", SINK_KEYS.items()),
        "example": (ROOT / "legwork.example.toml").read_text(encoding="utf-8"),
    }.items():
        text = text.replace(f"{{{{ {place} }}}}", content)
    return text


def dotenv() -> str:
    """Return .env.example: every variable with its default, to be copied to .env."""
    parts = [ABOUT_DOTENV]
    for group, rows in _groups().items():
        parts.append(f"\n# --- {group}\n")
        for name, variable in rows:
            default = variable.default or ""
            value = f'"{default}"' if " " in default else default
            parts += [f"\n# {line}" for line in textwrap.wrap(variable.meaning.replace("`", ""), 108)]
            parts.append(f"\n{'' if name in NEEDED else '#'}{name}={value}\n")
    return "".join(parts)


def _sink(kind: type[Sink]) -> str:
    text = f"{inspect.getdoc(kind)}\n"
    if options := kind.Options().fields:
        text += "\n| option | default | meaning |\n|---|---|---|\n"
    for name, option in options.items():
        default = option.load_default() if callable(option.load_default) else option.load_default
        told = (
            "" if default in (None, missing, [], {}) else f"`{str(default).lower() if default is False else default}`"
        )
        text += f"| `{name}` | {'needed' if option.required else told} | {option.metadata['doc']} |\n"
    return text


def sinks() -> str:
    """Return docs/sinks.md: its template, filled with each sink's docstring and options."""
    text = (ROOT / "docs/templates/sinks.md").read_text(encoding="utf-8")
    for kind in {OwnSink, *(kind_of(f"{scheme}:") for scheme in KINDS)}:
        place = f"{{{{ {kind.__name__} }}}}"
        if place not in text:
            raise ValueError(f"docs/templates/sinks.md has no place for {kind.__name__}")
        text = text.replace(place, _sink(kind))
    return text


def record_schema() -> str:
    """Return docs/call-record.schema.json: the JSON Schema of the record, which the web serves too."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def metrics() -> str:
    """Return docs/metrics.md: its template, filled with the list of metrics."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in CATALOG.values():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
    text = (ROOT / "docs/templates/metrics.md").read_text(encoding="utf-8")
    return text.replace("{{ metrics }}", "\n".join(lines) + "\n")


def _leaves(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Return a group's commands in the order of use, each group before its subcommands."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        below = click.Context(command, parent=context, info_name=name)
        yield below.command_path.removeprefix("legwork "), command, below
        if isinstance(command, click.Group):
            yield from _leaves(command, below)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _command(path: str, command: click.Command, context: click.Context, shapes: dict[str, Any]) -> str:
    """Return a command's section: what it does, its options and its output."""
    text, _, shown = f"{command.help}\n\n{command.epilog or ''}".replace("\b\n", "").partition("Examples:\n")
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
    parts = [f"### `legwork {path}`", *paragraphs]
    if isinstance(command, click.Group):
        return "\n\n".join(parts) + "\n"
    usage = " ".join(["legwork", path, *command.collect_usage_pieces(context)])
    lines = [line.strip() for line in shown.strip().splitlines()]
    parts.append("```sh\n" + "\n".join([f"# {usage}", *lines]) + "\n```")
    records = [parameter.get_help_record(context) for parameter in command.params if parameter.name != "as_json"]
    rows = [f"| `{_cell(name)}` | {_cell(meaning)} |" for name, meaning in filter(None, records) if meaning]
    if rows:
        parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    answer = ANSWERS[path]
    if answer.fails:
        parts.append(f"Exits with 1: {answer.fails[0].lower()}{answer.fails[1:]}")
    if answer.shapes:
        printed = sketch(shapes[path.replace(" ", "-")], shapes)
        parts.append(f"`--json` prints:\n\n```ts\n{printed}\n```")
    return "\n\n".join(parts) + "\n"


def cli() -> str:
    """Return docs/cli.md: its template, filled with each command's help and JSON output."""
    shapes = cli_json_schema()["$defs"]
    sections: dict[str, list[str]] = {}
    for path, command, context in _leaves(legwork, click.Context(legwork, info_name="legwork")):
        section = COMMANDS[path.split()[0]].section
        sections.setdefault(section, []).append(_command(path, command, context, shapes))
    text = (ROOT / "docs/templates/cli.md").read_text(encoding="utf-8")
    for place, content in {
        "commands": "\n".join(f"## {section}\n\n" + "\n".join(parts) for section, parts in sections.items()),
        "error": sketch(shapes[ERROR], shapes),
        "note": sketch(shapes[NOTE], shapes),
    }.items():
        text = text.replace(f"{{{{ {place} }}}}", content)
    return text


def cli_schema() -> str:
    """Return docs/cli.schema.json: the JSON Schema of the commands' JSON output."""
    return json.dumps(cli_json_schema(), indent=2, ensure_ascii=False) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {
    ".env.example": dotenv,
    "docs/configuration.md": configuration,
    "docs/call-record.schema.json": record_schema,
    "docs/sinks.md": sinks,
    "docs/metrics.md": metrics,
    "docs/cli.md": cli,
    "docs/cli.schema.json": cli_schema,
}


def stale(root: Path) -> list[str]:
    """Return the stale documents under `root`."""
    return [
        name
        for name, make in DOCUMENTS.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != make()
    ]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a document is stale.")
def main(*, check: bool) -> None:
    """Write the generated documents."""
    names = stale(ROOT)
    if check and names:
        sys.exit(f"stale: {', '.join(names)}; run `make docs`")
    for name in names:
        (ROOT / name).write_text(DOCUMENTS[name](), encoding="utf-8")
        click.echo(f"wrote {name}")


if __name__ == "__main__":
    main()
