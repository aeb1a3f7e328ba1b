"""The `legwork` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from webhook.cli.group import LegworkGroup
from webhook.cli.table import Entry

__all__ = ["legwork", "main"]

_START, _LOOK, _MEND, _SET_UP = "Start", "Look", "Mend", "Set up"
# In the order of use. The line is the first sentence of the command's help; a test holds that.
COMMANDS = {
    "up": Entry(_START, "Start all of it here, until Ctrl-C.", "webhook.cli.processes:up"),
    "web": Entry(_START, "Take callbacks and serve the console on PORT, until SIGTERM.", "webhook.cli.processes:web"),
    "worker": Entry(_START, "Fetch legs and deliver records, until SIGTERM.", "webhook.cli.processes:worker"),
    "check": Entry(_LOOK, "Try everything that the settings name.", "webhook.cli.check:check"),
    "status": Entry(_LOOK, "How things stand, in numbers.", "webhook.cli.status:status"),
    "calls": Entry(_LOOK, "Where calls stand, and the story of one.", "webhook.cli.groups:calls"),
    "dead": Entry(_MEND, "What was given up on, fetches and deliveries.", "webhook.cli.groups:dead"),
    "replay": Entry(_MEND, "Deliver records again, under the ids they had.", "webhook.cli.replay:replay"),
    "forget": Entry(
        _MEND, "Erase a person's number, and nothing else of the calls it was in.", "webhook.cli.forget:forget_command"
    ),
    "sinks": Entry(
        _SET_UP, "Where records go, and webhook subscribers added while all is running.", "webhook.cli.groups:sinks"
    ),
    "token": Entry(_SET_UP, "What programs show at the API, in the password's place.", "webhook.cli.groups:token"),
    "completion": Entry(
        _SET_UP, "Print the script that completes this command in a shell.", "webhook.cli.completion:completion"
    ),
}


@click.group(
    cls=LegworkGroup,
    table=COMMANDS,
    epilog="""\b
Examples:
  legwork up
  legwork status --json
  legwork calls list --state dead

Exit codes: 0 all is well, 1 something is wrong, 2 bad usage or settings, 130 Ctrl-C,
141 the reader of the output went away.
Settings come from the environment and .env; docs/configuration.md lists them.""",
)
@click.version_option(package_name="legwork", message="legwork %(version)s")
def legwork() -> None:
    """Every completed Exotel call, every leg, once.

    `legwork up` starts all of it here, with a pretend Exotel if there are no credentials yet.
    """


def main() -> None:
    """Run the command line; the entry point of the `legwork` script."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        # Closed by whoever started us (`>&-`): what is opened next would be in its place, a socket to Redis.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  open to the end
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no UTF-8 gets a ? here and there, and no traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # both are TextIOWrapper at the start
    legwork(prog_name="legwork")
