"""`legwork calls find`: the calls that a number was in."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from webhook.cli.calls_table import as_documents, show_calls
from webhook.cli.common import examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.errors import CommandFailed, Interrupted
from webhook.cli.progress import progress
from worker.ledger.queries.number_search import NUMBER, find_by_number
from worker.numbers.phone import to_e164

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger
    from worker.ledger.queries.lookup import CallSummary
    from worker.ledger.queries.number_search import Found


@click.command("find", epilog=examples("legwork calls find +919000000001", "legwork calls find 09000000001 --json"))
@click.argument("number", metavar="NUMBER")
@json_option
@click.pass_context
def find_command(ctx: click.Context, number: str, as_json: bool) -> None:
    """Find the calls that a number was in, newest first.

    NUMBER is a whole number, written +919000000001 or 09000000001, or a SIP address; its last digits alone find nothing.
    - reads it from standard input, since others on the host can see arguments. There is no index of numbers, so all calls are
    searched. Exits with 1 if nothing was found.
    """
    number = sys.stdin.readline().strip() if number == "-" else number.strip()
    if not re.fullmatch(NUMBER, number):
        raise click.UsageError("not a number: give +919000000001, 09000000001, or a SIP address")
    ledger = open_ledger(settings_with_redis())
    found: dict[str, CallSummary] = {}
    looked_through = 0
    with progress("looking", as_json=as_json) as advance:
        try:
            for page in _pages(ledger, number):
                found |= {call.call_sid: call for call in page.calls}
                looked_through += page.looked_through
                advance(page.looked_through)
        except KeyboardInterrupt:
            so_far = f"{looked_through:,} call(s) searched; {len(found):,} with this number"
            raise Interrupted(f"interrupted: {so_far}; run it again to search all") from None
    calls = list(found.values())
    if as_json:
        print_json(as_documents(ledger, calls))
    else:
        if calls:
            show_calls(ledger, calls)
        click.echo(f"{looked_through:,} call(s) searched; {len(calls):,} with this number.")
        if not calls and not _is_whole(ledger, number):
            click.echo("Part of a number finds nothing: give all of it, such as +919000000001 or 09000000001.")
    if not calls:
        ctx.exit(CommandFailed.exit_code)


def _is_whole(ledger: Ledger, number: str) -> bool:
    """Return whether this is a whole number, in the region of any account, or a SIP address."""
    regions = {account.region for account in ledger.settings.accounts}
    return number.lower().startswith("sip") or any(to_e164(number, region) for region in regions)


def _pages(ledger: Ledger, number: str) -> Iterator[Found]:
    page = find_by_number(ledger, number)
    yield page
    while page.next is not None:
        page = find_by_number(ledger, number, after=page.next)
        yield page
