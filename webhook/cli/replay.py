"""`legwork replay`: deliver records again, as far as the ledger still has them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table

from webhook.cli.arguments import (
    GivenTime,
    call_sid,
    check_account,
    check_all_found,
    check_sink,
    moment,
    tell_of_disabled,
    time_ranges,
)
from webhook.cli.common import console, examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import account_sids, call_sids, sink_names
from webhook.cli.errors import Interrupted
from webhook.cli.progress import counting, progress
from webhook.operations.replays import as_document, calls_named, sinks_concerned
from webhook.operations.times import utc
from worker.ledger.operations.replaying import RECORD_TYPES, Fate, Replay, Wanted, calls_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from worker.ledger import Ledger
    from worker.ledger.operations.replaying import KnownCall, Tally

    # The calls whose records are wanted, as a function: they are gone through twice, to count and to do it.
    Calls = Callable[[], Iterable[KnownCall]]

_SINCE = (
    "The calls settled or given up on since: 2h or 3d ago, 2026-09-16T05:30:00Z; without a zone in that of the account."
)


@click.command(
    epilog=examples("legwork replay --since 2h --sink crm --dry-run", "legwork replay 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g")
)
@click.argument("sids", metavar="[SID]...", nargs=-1, type=call_sid, shell_complete=call_sids)
@click.option("--since", type=moment, metavar="T", help=_SINCE)
@click.option("--until", type=moment, metavar="T", help="End of that span; default: now.")
@click.option("--sink", metavar="NAME", shell_complete=sink_names, help="Only to this sink.")
@click.option("--account", metavar="SID", shell_complete=account_sids, help="Only records of this account.")
@click.option("--type", "event_type", type=click.Choice(RECORD_TYPES), help="Only records of this type.")
@click.option(
    "--only-missing",
    is_flag=True,
    help="Only what the sink never got (backfill): it was added later, or delivery failed.",
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

    Those of the calls named, or of a span of time, while the ledger has them (RETENTION_DAYS), to every sink that takes
    them, behind what is live. Counts first. May be broken off and run again: what still waits is not queued twice.
    """
    if bool(sids) == (since is not None) or (until is not None and since is None):
        raise click.UsageError("name calls by their SIDs, or give a span of time: --since, and --until if need be")
    ledger = open_ledger(settings_with_redis())
    check_account(ledger, account)
    check_sink(ledger, narrower["sink"], account)
    plan = Replay(ledger, Wanted(**narrower))
    if since is None:
        found, wrong = calls_named(ledger, sids, account, plan)
        calls: Calls = lambda: found  # noqa: E731  they are gone through twice
    else:
        calls, wrong = _between(ledger, since, until, account), {}
    with counting(as_json=as_json):
        asked = plan.survey(calls())
    if not as_json:
        _show(asked)
    done: Tally = Counter() if dry_run else _run(plan, calls, asked.total(), as_json=as_json)
    tell_of_disabled(ledger, {sink for sink, fate in done if fate is Fate.QUEUED})
    if as_json:
        concerned = sinks_concerned(ledger, account, narrower["sink"])
        print_json(as_document(concerned, asked, done, wrong, dry_run=dry_run))
    else:
        queued = sum(count for (_, fate), count in done.items() if fate is Fate.QUEUED)
        click.echo("Nothing was queued: it was a dry run." if dry_run else f"Records queued: {queued}.")
    check_all_found(wrong, "`legwork calls list` shows the calls there are.")


def _between(ledger: Ledger, since: GivenTime, until: GivenTime | None, account: str | None) -> Calls:
    """Find the calls of a span of time, in which every account may have its own zone."""
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
            again = f" (--since {utc(reached.at_ms)} would do)" if reached and reached.at_ms else ""
            raise Interrupted(f"broken off after {done.total()} of {total}; run it again to go on{again}") from None
    return done


def _show(asked: Tally) -> None:
    table = Table("sink", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("to queue", "waiting already", "has it"):
        table.add_column(name, justify="right")
    for sink in sorted({sink for sink, _ in asked}):
        counts = (asked[sink, fate] for fate in (Fate.QUEUED, Fate.WAITING, Fate.DELIVERED))
        table.add_row(sink, *map(str, counts))
    if asked:
        console().print(table)
