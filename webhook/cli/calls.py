"""`legwork calls list`: the list of calls."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from webhook.cli.call_filters import chosen_calls, filter_options, numbers_option
from webhook.cli.calls_table import as_documents, show_calls
from webhook.cli.common import examples, json_option, open_ledger, print_json, settings_with_redis


@click.command(
    "list",
    epilog=examples(
        "legwork calls list --outcome missed --since 2h",
        "legwork calls list --undelivered crm --limit 100",
        "legwork calls list --since 2026-09-16T11:00 --until 2026-09-16T12:00 --json",
    ),
)
@filter_options
@click.option(
    "--limit", metavar="N", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Show at most N."
)
@numbers_option
@json_option
def list_command(limit: int, *, numbers: bool, as_json: bool, **chosen: Any) -> None:
    """List calls, newest first.

    They are ordered by when they began. Numbers are masked to their last four digits unless --numbers is given.
    """
    ledger = open_ledger(settings_with_redis())
    found = list(islice(chosen_calls(ledger, **chosen), limit))
    if as_json:
        print_json(as_documents(ledger, found, numbers=numbers))
    elif found:
        show_calls(ledger, found, numbers=numbers)
    else:
        click.echo(
            "No calls match; `legwork calls list` without options lists all."
            if any(chosen.values())
            else "No calls yet; `legwork check` tests the set-up."
        )
