"""The options that choose calls, the same for `calls list` and `calls export`."""

from __future__ import annotations

from dataclasses import replace
from heapq import merge
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.arguments import BEGINNING, GivenTime, check_account, check_sink, given_time, time_ranges
from webhook.cli.completion_values import account_sids, sink_names
from worker.ledger.queries.filters import DIRECTIONS, OUTCOMES, CallFilter
from worker.ledger.queries.listing import all_calls
from worker.ledger.queries.lookup import STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from worker.ledger import Ledger
    from worker.ledger.queries.rows import CallRow

#: The help of --since.
SINCE = (
    "Only calls that began since T: 2026-09-16T05:30Z, 2026-09-16T11:00 in the account's time zone, or an age: 90m, 2h."
)
_OPTIONS = (
    click.option("--state", type=click.Choice(STATES), help="Only the calls in this state."),
    click.option("--outcome", type=click.Choice(OUTCOMES), help="Only the calls that went so."),
    click.option("--direction", type=click.Choice(DIRECTIONS), help="Only the calls in this direction."),
    click.option("--account", metavar="SID", shell_complete=account_sids, help="Only the calls of this account."),
    click.option(
        "--undelivered", metavar="SINK", shell_complete=sink_names, help="Only calls of which a record is owed to SINK."
    ),
    click.option("--since", type=given_time, metavar="T", help=SINCE),
    click.option("--until", type=given_time, metavar="T", help="Only calls that began before this time."),
)
numbers_option = click.option("--numbers", is_flag=True, help="Show phone numbers in full.")


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; `chosen_calls` takes their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen_calls(
    ledger: Ledger,
    *,
    account: str | None,
    undelivered: str | None,
    since: GivenTime | None,
    until: GivenTime | None,
    **chosen: Any,
) -> Iterator[CallRow]:
    """Yield the calls that the options choose, the latest first; each account reads a time in its own zone.

    Raises click.BadParameter for an account or a sink that there is not.
    """
    check_account(ledger, account)
    ledger.refresh_sinks()
    check_sink(ledger, undelivered, account, option="--undelivered")
    wanted = CallFilter(undelivered=undelivered, **chosen)
    accounts = [account] if account else list(ledger.calls)
    if since is None and until is None:
        return all_calls(ledger, replace(wanted, accounts=accounts))
    spans = time_ranges(ledger, since or BEGINNING, until, accounts)
    parts = [
        # Without --until there is no upper bound: a host's clock may be behind Exotel's.
        all_calls(ledger, replace(wanted, accounts=[sid], since_ms=begin, until_ms=end if until else None))
        for sid, (begin, end) in spans.items()
    ]
    return merge(*parts, key=lambda call: call.began_ms, reverse=True)
