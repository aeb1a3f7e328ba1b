"""`legwork sinks list`, `test`, `disable`, `enable`, `retry` and `recover`: for all sinks."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from webhook.cli.arguments import GivenTime, given_time, time_ranges
from webhook.cli.common import examples, json_option, print_json
from webhook.cli.completion_values import sink_names
from webhook.cli.errors import CommandFailed
from webhook.cli.progress import counting, progress
from webhook.cli.sink_operations import open_sinks_for_command, translate_errors
from webhook.cli.sinks_table import show_exchange, show_list
from worker.errors import LegworkError
from worker.ledger.operations.purging import left_behind
from worker.ledger.operations.replaying import Fate

if TYPE_CHECKING:
    from webhook.operations.sinks import SinkOperations
    from worker.ledger.operations.replaying import Tally


@click.command(
    "list", epilog=examples("legwork sinks list", "legwork sinks list --json | jq '.[] | select(.state != \"active\")'")
)
@json_option
def list_command(as_json: bool) -> None:
    """List sinks: destination, records, state."""
    operations, ledger = open_sinks_for_command()
    found = operations.descriptions()
    left = [
        {"name": name, "source": "left behind", "waiting": operations.waiting_for(name)}
        for name in sorted(left_behind(ledger))
    ]
    if as_json:
        print_json(found + left)
        return
    show_list(found, left)


@click.command(
    epilog=examples("legwork sinks disable crm --reason 'maintenance until Friday'", "legwork sinks disable crm")
)
@click.argument("name", shell_complete=sink_names)
@click.option(
    "--reason", default="by the operator", show_default=True, metavar="TEXT", help="Reason that `status` shows."
)
@json_option
def disable(name: str, reason: str, as_json: bool) -> None:
    """Pause deliveries to a sink until it is enabled; they are kept."""
    operations, _ = open_sinks_for_command()
    changed = translate_errors(lambda: operations.disable(name, reason))
    text = f"{name} is disabled." if changed else f"{name} was disabled already."
    _tell_state(operations, name, text, as_json)


@click.command(epilog=examples("legwork sinks enable crm", "legwork sinks enable crm --json"))
@click.argument("name", shell_complete=sink_names)
@json_option
def enable(name: str, as_json: bool) -> None:
    """Resume deliveries to a sink, and reset its failures."""
    operations, _ = open_sinks_for_command()
    changed = translate_errors(lambda: operations.enable(name))
    _tell_state(operations, name, f"{name} is enabled." if changed else f"{name} was active already.", as_json)


@click.command(epilog=examples("legwork sinks retry crm", "legwork sinks retry crm --json"))
@click.argument("name", shell_complete=sink_names)
@json_option
def retry(name: str, as_json: bool) -> None:
    """Retry all waiting deliveries to a sink now, instead of at their scheduled times.

    They are delivered within the sink's rate and concurrency, and attempts already made still count. A sink that recovers by
    itself does not need it.
    """
    operations, _ = open_sinks_for_command()
    brought_forward = translate_errors(lambda: operations.retry(name))
    if as_json:
        print_json({"name": name, "brought_forward": brought_forward})
    else:
        click.echo(f"Deliveries to {name} brought forward: {brought_forward}.")


def _tell_state(operations: SinkOperations, name: str, text: str, as_json: bool) -> None:
    if as_json:
        print_json(operations.describe(name))
    else:
        click.echo(text)


@click.command(epilog=examples("legwork sinks test crm", "legwork sinks test crm --json"))
@click.argument("name", shell_complete=sink_names)
@json_option
def test(name: str, as_json: bool) -> None:
    """Send a webhook a signed ping and show request and response; run the check of any other sink.

    Exits with 1 if it failed.
    """
    operations, _ = open_sinks_for_command()
    translate_errors(lambda: operations.spec(name))
    try:
        found = operations.test(name)
    except (LegworkError, OSError) as error:
        raise CommandFailed(f"{name}: {error}") from None
    if isinstance(found, str):
        click.echo(f"{name}: {found}") if not as_json else print_json({"name": name, "delivered": True, "check": found})
        return
    good = found.status is not None and 200 <= found.status < 300  # noqa: PLR2004  the class of successes
    if as_json:
        print_json({"name": name, "delivered": good, **asdict(found), "answer_headers": dict(found.answer_headers)})
    else:
        show_exchange(found)
    if not good:
        if found.error:
            raise CommandFailed(f"{name}: {found.error}; make sure that this host can reach it")
        raise CommandFailed(f"{name}: answered {found.status}; it must answer 2xx, or nothing counts as delivered")


@click.command(
    epilog=examples("legwork sinks recover crm --since 2d --dry-run", "legwork sinks recover crm --since 2d")
)
@click.argument("name", shell_complete=sink_names)
@click.option("--since", type=given_time, metavar="T", required=True, help="An age (2h, 3d) or 2026-09-16T05:30:00Z.")
@click.option("--until", type=given_time, metavar="T", help="End of that span; default: now.")
@click.option("--dry-run", is_flag=True, help="Count only; change nothing.")
@json_option
def recover(name: str, since: GivenTime, until: GivenTime | None, dry_run: bool, as_json: bool) -> None:
    """Backfill a sink: deliver the records since T that it never received, dead letters included.

    Enables the sink. May be interrupted and run again.
    """
    operations, ledger = open_sinks_for_command()
    accounts = translate_errors(lambda: operations.spec(name)).accounts
    spans = time_ranges(ledger, since, until, [sid for sid in accounts if sid in ledger.calls])
    done: Tally = Counter()
    steps = operations.recover(name, spans, dry_run=dry_run)
    with counting(as_json=as_json):
        surveyed = translate_errors(lambda: next(steps))
    to_queue = surveyed[name, Fate.QUEUED]
    with progress("queueing", to_queue, as_json=as_json) as advance:
        for counts in steps:
            done.update(counts)
            advance(counts[name, Fate.QUEUED])
    document = {
        "name": name,
        "dry_run": dry_run,
        "to_queue": to_queue,
        "queued": done[name, Fate.QUEUED],
        "waiting": surveyed[name, Fate.WAITING],
        "delivered": surveyed[name, Fate.DELIVERED],
    }
    if as_json:
        print_json(document)
    else:
        queued = "nothing was queued: it was a dry run" if dry_run else f"queued: {document['queued']}"
        click.echo(f"{name} never received {to_queue} of these records, {document['waiting']} already wait; {queued}.")
