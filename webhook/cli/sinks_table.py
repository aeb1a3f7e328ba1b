"""Prints sinks, and a request to one, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from webhook.cli.columns import Cell, Column, show_table

if TYPE_CHECKING:
    from worker.sinks.exchange import Exchange

_COLUMNS = [
    Column("sink", least=10),
    Column("from", drop=1),
    Column("where", least=12, drop=2),
    Column("state"),
    *(Column(name, right=True) for name in ("waiting", "delivered", "dead")),
]
_COLOUR_OF = {"active": "green", "failing": "yellow"}


def show_list(found: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
    """Print a table of the sinks, and the reason for each that is not active."""
    rows: list[list[str | Cell]] = []
    for sink in found:
        state = Cell(sink["state"], _COLOUR_OF.get(sink["state"], "red"))
        counts = (str(sink.get(name, "")) for name in ("waiting", "delivered", "dead"))
        rows.append([sink["name"], sink["source"], sink.get("where", ""), state, *counts])
    rows += [[sink["name"], sink["source"], "", Cell("gone", "red"), str(sink["waiting"]), "", ""] for sink in left]
    show_table(_COLUMNS, rows)
    for sink in found:
        if sink["state"] != "active":
            click.echo(f"{sink['name']}: {sink['state']}: {sink['reason']}")
    for sink in left:
        click.echo(
            f"{sink['name']} left the settings; `legwork sinks remove {sink['name']}` drops its waiting deliveries"
        )


def show_exchange(found: Exchange) -> None:
    """Print a request and its answer."""
    lines = [f"{found.method} {found.url}"]
    lines += [f"{name}: {value}" for name, value in found.request_headers.items()]
    lines += ["", found.request_body, ""]
    if found.status is not None:
        lines.append(f"{found.status} after {found.seconds * 1000:.0f} ms")
        lines += [f"{name}: {value}" for name, value in found.answer_headers.items()]
        lines += ["", found.answer_body]
    for line in "\n".join(lines).splitlines():
        click.echo(_printable(line))


def _printable(line: str) -> str:
    """Return a line without control characters: it may come from outside."""
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in line)
