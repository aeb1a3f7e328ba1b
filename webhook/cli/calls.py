"""`legwork calls list` and `show`: the list of calls, and one call's timeline."""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

import click

from webhook.cli.arguments import BEGINNING, GivenTime, call_sid, check_account, given_time, time_ranges
from webhook.cli.calls_table import as_documents, show_calls
from webhook.cli.common import console, examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import account_sids, call_sids
from webhook.cli.errors import CommandFailed
from webhook.operations.call_history import as_document
from webhook.operations.masking import Shown
from worker.ledger.queries.listing import page_of_calls
from worker.ledger.queries.lookup import STATES, CallSummary, call_history, list_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.ledger import Ledger

_SINCE = (
    "Only calls that became final, failed or are due since T: 2026-09-16T05:30Z, 2026-09-16T11:00 in the account's time "
    "zone, or an age: 90m, 2h, 3d."
)


@click.command(
    "list",
    epilog=examples(
        "legwork calls list --state dead",
        "legwork calls list --since 2h --limit 100",
        "legwork calls list --since 2026-09-16T11:00 --until 2026-09-16T12:00 --json",
    ),
)
@click.option("--state", type=click.Choice(STATES), help="Only the calls in this state.")
@click.option("--account", metavar="SID", shell_complete=account_sids, help="Only the calls of this account.")
@click.option("--since", type=given_time, metavar="T", help=_SINCE)
@click.option("--until", type=given_time, metavar="T", help="Only calls before this time.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Show at most N."
)
@json_option
def list_command(
    state: str | None, account: str | None, since: GivenTime | None, until: GivenTime | None, limit: int, as_json: bool
) -> None:
    """List calls, newest first.

    With --since or --until, the order is by when a call became final or failed, or is due, the latest first.
    """
    ledger = open_ledger(settings_with_redis())
    check_account(ledger, account)
    accounts, states = [account] if account else list(ledger.calls), [state] if state else STATES
    if since or until:
        found = _between(ledger, accounts, states, since, until, limit)
    else:
        found = newest(ledger, accounts, states, limit)
    if as_json:
        print_json(as_documents(ledger, found))
    elif found:
        show_calls(ledger, found)
    else:
        click.echo(
            "No calls match; `legwork calls list` without options lists all."
            if state or account or since or until
            else "No calls yet; `legwork check` tests the set-up."
        )


@click.command(
    "show",
    epilog=examples(
        "legwork calls show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g",
        "legwork calls show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g --json",
    ),
)
@click.argument("sid", metavar="SID", type=call_sid, shell_complete=call_sids)
@json_option
def show_command(sid: str, as_json: bool) -> None:
    """Show one call's timeline.

    Its callbacks, fetches, records and deliveries, and its legs drawn over time. Numbers are shown in full.
    """
    from webhook.cli.call_history import show  # noqa: PLC0415  it draws with rich, which `list --json` does not need

    ledger = open_ledger(settings_with_redis())
    history = call_history(ledger, sid)
    if history is None:
        raise CommandFailed(f"{sid}: no such call in the ledger; `legwork calls list` lists the calls")
    ledger.refresh_sinks()
    shown = Shown(ledger.settings, list(ledger.sinks.values()), numbers=True)
    if as_json:
        print_json(shown.document(as_document(history)))
    else:
        show(history, ledger.account(history.summary.account_sid).timezone, console(), shown.as_asked)


def newest(ledger: Ledger, accounts: list[str], states: list[str] | tuple[str, ...], limit: int) -> list[CallSummary]:
    """Return the calls received last, each once; a final call whose confirming read is under way counts as settled."""
    found: dict[str, CallSummary] = {}
    for account in accounts:
        for state in states:
            for call in list_calls(ledger, account, state, limit=limit):
                found[call.call_sid] = call
    return sorted(found.values(), key=lambda call: call.since_ms or 0, reverse=True)[:limit]


def _between(
    ledger: Ledger,
    accounts: list[str],
    states: Sequence[str],
    since: GivenTime | None,
    until: GivenTime | None,
    limit: int,
) -> list[CallSummary]:
    """Return the calls whose `at` is in a time span, which each account reads in its own zone."""
    found: list[CallSummary] = []
    for sid, (since_ms, until_ms) in time_ranges(ledger, since or BEGINNING, until, accounts).items():
        # Waiting calls are due in the future, so without --until there is no upper bound.
        page = page_of_calls(
            ledger, limit=limit, accounts=[sid], states=states, since_ms=since_ms, until_ms=until_ms if until else None
        )
        found += page.calls
    return nlargest(limit, found, key=lambda call: call.at_ms)
