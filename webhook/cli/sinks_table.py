"""Prints sinks, and a request to one, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from webhook.cli.common import console

if TYPE_CHECKING:
    from worker.sinks.exchange import Exchange

_COLOUR_OF = {"active": "green", "failing": "yellow"}


def show_list(found: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
    """Print a table of the sinks, and the reason for each that is not active."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("sink", "from", "where", "state"):
        table.add_column(name)
    for name in ("waiting", "delivered", "dead"):
        table.add_column(name, justify="right")
    for sink in found:
        colour = _COLOUR_OF.get(sink["state"], "red")
        counts = (str(sink.get(name, "")) for name in ("waiting", "delivered", "dead"))
        state = f"[{colour}]{sink['state']}[/]"
        table.add_row(sink["name"], sink["source"], escape(_printable(sink.get("where", ""))), state, *counts)
    for sink in left:
        table.add_row(sink["name"], sink["source"], "", "[red]gone[/]", str(sink["waiting"]), "", "")
    console().print(table)
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
