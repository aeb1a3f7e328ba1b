"""The `legwork` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from webhook.cli.group import LegworkGroup
from webhook.cli.table import Entry

__all__ = ["legwork", "main"]

_START, _INSPECT, _REPAIR, _SET_UP = "Start", "Inspect", "Repair", "Set up"
# In the order of use. Each line is the first sentence of the command's help; a test checks that.
COMMANDS = {
    "up": Entry(_START, "Start everything on this machine, until Ctrl-C.", "webhook.cli.processes:up"),
    "web": Entry(_START, "Take callbacks and serve the console on PORT, until SIGTERM.", "webhook.cli.processes:web"),
    "worker": Entry(_START, "Fetch legs and deliver records, until SIGTERM.", "webhook.cli.processes:worker"),
    "check": Entry(_INSPECT, "Test everything that the settings name.", "webhook.cli.check:check"),
    "status": Entry(_INSPECT, "Show accounts, sinks, totals and problems.", "webhook.cli.status:status"),
    "accounts": Entry(_INSPECT, "Exotel's accounts: list, retry.", "webhook.cli.groups:accounts"),
    "calls": Entry(_INSPECT, "List, find, show, fetch and export calls.", "webhook.cli.groups:calls"),
    "report": Entry(_INSPECT, "Reports: agents, missed calls, hours of the day, callers.", "webhook.cli.groups:report"),
    "dead": Entry(_REPAIR, "Failed calls and dead letters: list, show, retry, drop.", "webhook.cli.groups:dead"),
    "import": Entry(
        _REPAIR,
        "Import calls by their CallSids: fetch those that are not known.",
        "webhook.cli.import_calls:import_command",
    ),
    "replay": Entry(_REPAIR, "Redeliver records, under the same ids.", "webhook.cli.replay:replay"),
    "forget": Entry(
        _REPAIR, "Erase a person's number, and keep the calls it was in.", "webhook.cli.forget:forget_command"
    ),
    "sinks": Entry(
        _SET_UP, "Destinations of records, and webhook subscribers added at run time.", "webhook.cli.groups:sinks"
    ),
    "urls": Entry(_SET_UP, "Show the callback URLs to paste into Exotel.", "webhook.cli.urls:urls"),
    "token": Entry(_SET_UP, "Bearer tokens for the API.", "webhook.cli.groups:token"),
    "completion": Entry(_SET_UP, "Print the shell's completion script.", "webhook.cli.completion:completion"),
}


@click.group(
    cls=LegworkGroup,
    table=COMMANDS,
    epilog="""\b
Examples:
  legwork up
  legwork status --json
  legwork calls list --state dead

Exit codes: 0 success, 1 something is wrong, 2 bad usage or settings, 130 Ctrl-C,
141 output pipe closed.
Settings come from the environment and .env; docs/configuration.md lists them.""",
)
@click.version_option(package_name="legwork", message="legwork %(version)s")
def legwork() -> None:
    """Every completed Exotel call, every leg, once.

    `legwork up` starts everything on this machine, with a mock Exotel (the sandbox) if there are no credentials yet.
    """


def main() -> None:
    """Run the command line; the entry point of the `legwork` script."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        # The parent closed it (`>&-`): the next file opened, a socket to Redis, would take its descriptor.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  open to the end
    for stream in (sys.stdout, sys.stderr):
        # On a terminal without UTF-8, print ? for other characters instead of raising.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # both are TextIOWrapper at the start
    legwork(prog_name="legwork")
