"""`legwork calls find`: search calls by CallSid, number or custom field."""

from __future__ import annotations

import sys
from itertools import islice

import click

from webhook.cli.call_filters import numbers_option
from webhook.cli.calls_table import as_documents, show_calls
from webhook.cli.common import examples, json_option, note, open_ledger, print_json, settings_with_redis
from webhook.cli.errors import CommandFailed
from webhook.operations.finding_calls import nothing_found
from worker.ledger.queries.filters import CallFilter, SearchText
from worker.ledger.queries.listing import all_calls


@click.command(
    "find",
    epilog=examples(
        "legwork calls find 0614", "legwork calls find +919000000001", "legwork calls find order_79 --json"
    ),
)
@click.argument("text", metavar="TEXT")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Show at most N."
)
@numbers_option
@json_option
@click.pass_context
def find_command(ctx: click.Context, text: str, limit: int, *, numbers: bool, as_json: bool) -> None:
    """Find calls by CallSid, number or custom field.

    TEXT is a CallSid or its first 6 characters and more; a number in any spelling, or its last 3 digits and more, with or
    without the … that it is shown with; or a custom field, whole. Customer, agents, virtual number and all legs are searched,
    the latest calls first. - reads TEXT from standard input, since others on the host can see arguments. Exits with 1 if
    nothing was found.
    """
    try:
        search = SearchText.of(sys.stdin.readline() if text == "-" else text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="TEXT") from None
    ledger = open_ledger(settings_with_redis())
    found = list(islice(all_calls(ledger, CallFilter(search=search)), limit + 1))
    if len(found) > limit:
        note(f"the latest {limit:,} are shown, there are more; --limit shows more")
    if as_json:
        print_json(as_documents(ledger, found[:limit], numbers=numbers))
    elif found:
        show_calls(ledger, found[:limit], numbers=numbers)
    else:
        click.echo(nothing_found(ledger, search))
    if not found:
        ctx.exit(CommandFailed.exit_code)
