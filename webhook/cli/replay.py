"""`legwork replay`: redelivers records, as long as the ledger has them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.arguments import (
    CallType,
    GivenTime,
    call_sid,
    check_account,
    check_all_found,
    check_sink,
    given_time,
    tell_of_disabled,
    time_ranges,
)
from webhook.cli.columns import Column, show_table
from webhook.cli.common import COMMAND_LINE, examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import account_sids, call_sids, sink_names
from webhook.cli.errors import Interrupted
from webhook.cli.progress import counting, progress
from webhook.operations.replays import as_document, calls_named, sinks_concerned
from webhook.operations.times import utc
from worker.ledger.operations.replaying import Fate, Replay, Wanted, calls_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from worker.ledger import Ledger
    from worker.ledger.operations.replaying import KnownCall, Tally

    # Yields the calls; a function because they are read twice, to count and to queue.
    Calls = Callable[[], Iterable[KnownCall]]

_COLUMNS = [
    Column("sink", least=8),
    *(Column(name, right=True) for name in ("to queue", "already waiting", "delivered")),
]
_SINCE = (
    "Calls that became final or failed since T: an age (2h, 3d) or 2026-09-16T05:30:00Z; default zone: the account's."
)


@click.command(
    epilog=examples("legwork replay --since 2h --sink crm --dry-run", "legwork replay 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g")
)
@click.argument("sids", metavar="[SID]...", nargs=-1, type=call_sid, shell_complete=call_sids)
@click.option("--since", type=given_time, metavar="T", help=_SINCE)
@click.option("--until", type=given_time, metavar="T", help="End of that span; default: now.")
@click.option("--sink", metavar="NAME", shell_complete=sink_names, help="Only to this sink.")
@click.option("--account", metavar="SID", shell_complete=account_sids, help="Only records of this account.")
@click.option("--type", "event_type", type=CallType(), help="Only records of this type.")
@click.option(
    "--only-missing",
    is_flag=True,
    help="Only records that the sink never received (backfill): it was added later, or delivery failed.",
)
@click.option("--dry-run", is_flag=True, help="Count only; change nothing.")
@json_option
def replay(
    sids: tuple[str, ...],
    since: GivenTime | None,
    until: GivenTime | None,
    account: str | None,
    dry_run: bool,
    as_json: bool,
    **narrower: Any,
) -> None:
    """Redeliver records, under the same ids.

    Takes the records of the named calls, or of a time span, while the ledger has them (RETENTION_DAYS), and queues them for
    every sink that accepts them, at lower priority than live records. Counts first. May be interrupted and run again: what
    is still waiting is not queued twice.
    """
    if bool(sids) == (since is not None) or (until is not None and since is None):
        raise click.UsageError("give either CallSids or a time span: --since, and optionally --until")
    ledger = open_ledger(settings_with_redis())
    check_account(ledger, account)
    check_sink(ledger, narrower["sink"], account)
    plan = Replay(ledger, Wanted(**narrower), by=COMMAND_LINE)
    if since is None:
        found, wrong = calls_named(ledger, sids, account, plan)
        calls: Calls = lambda: found  # noqa: E731  they are read twice
    else:
        calls, wrong = _between(ledger, since, until, account), {}
    with counting(as_json=as_json):
        surveyed = plan.survey(calls())
    if not as_json:
        _show(surveyed)
    done: Tally = Counter() if dry_run else _run(plan, calls, surveyed.total(), as_json=as_json)
    tell_of_disabled(ledger, {sink for sink, fate in done if fate is Fate.QUEUED})
    if as_json:
        concerned = sinks_concerned(ledger, account, narrower["sink"])
        print_json(as_document(concerned, surveyed, done, wrong, dry_run=dry_run))
    else:
        queued = sum(count for (_, fate), count in done.items() if fate is Fate.QUEUED)
        click.echo("Nothing was queued: it was a dry run." if dry_run else f"Records queued: {queued}.")
    check_all_found(wrong, "`legwork calls list` lists the calls.")


def _between(ledger: Ledger, since: GivenTime, until: GivenTime | None, account: str | None) -> Calls:
    """Return the calls of a time span, which each account reads in its own zone."""
    spans = time_ranges(ledger, since, until, [account] if account else ())
    return lambda: calls_between(ledger, spans)


def _run(plan: Replay, calls: Calls, total: int, *, as_json: bool) -> Tally:
    done: Tally = Counter()
    reached = None
    with progress("queueing", total, as_json=as_json) as advance:
        try:
            for call, counts in plan.run(calls()):
                done.update(counts)
                reached = call
                advance(counts.total())
        except KeyboardInterrupt:
            again = f" (--since {utc(reached.at_ms)} is enough)" if reached and reached.at_ms else ""
            raise Interrupted(f"interrupted after {done.total()} of {total}; run it again to continue{again}") from None
    return done


def _show(surveyed: Tally) -> None:
    if surveyed:
        fates = Fate.QUEUED, Fate.WAITING, Fate.DELIVERED
        sinks = sorted({sink for sink, _ in surveyed})
        show_table(_COLUMNS, [[sink, *(str(surveyed[sink, fate]) for fate in fates)] for sink in sinks])
