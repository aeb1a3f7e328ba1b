"""The `legwork` command."""

from __future__ import annotations

import sys

import click

from webhook.cli.calls import calls
from webhook.cli.check import check
from webhook.cli.dead import dead
from webhook.cli.processes import up, web, worker
from webhook.cli.replay import replay
from webhook.cli.sinks import sinks
from webhook.cli.status import status
from webhook.cli.trouble import as_trouble

__all__ = ["legwork", "main"]


class _Legwork(click.Group):
    """What can be expected to go wrong is said in a line; a traceback is a bug."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as error:
            trouble = as_trouble(error)
            if trouble is None:
                raise
            raise trouble from error


@click.group(
    cls=_Legwork,
    epilog="Exit codes: 0 all is well, 1 something is wrong, 2 bad usage or settings. Settings come from the environment "
    "and .env; docs/configuration.md lists them.",
)
@click.version_option(package_name="legwork", message="legwork %(version)s")
def legwork() -> None:
    """Every completed Exotel call, every leg, once.

    `legwork up` starts all of it here, with a pretend Exotel if there are no credentials yet.
    """


for command in (up, check, status, calls, dead, replay, sinks, web, worker):
    legwork.add_command(command)


def main() -> None:
    """Run the command line; the entry point of the `legwork` script."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no UTF-8 gets a ? here and there, and no traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # both are TextIOWrapper at the start
    legwork(prog_name="legwork")
