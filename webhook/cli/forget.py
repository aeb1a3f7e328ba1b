"""`legwork forget`: erases a person's number from everything stored here, and reports what was found where."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from webhook.cli.arguments import check_can_ask
from webhook.cli.common import console, examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.errors import CommandFailed, Interrupted
from webhook.cli.progress import progress
from webhook.operations.erasure import ErasureInterrupted, NotANumber, Receipt, forget, read_number
from worker.logs import set_up_logs
from worker.numbers.phone import is_region

if TYPE_CHECKING:
    from worker.ledger import Ledger

_PLACES = {
    "calls": "calls",
    "callbacks": "callbacks",
    "records": "records",
    "legs": "legs of records",
    "deliveries": "waiting deliveries",
    "dead_letters": "dead letters",
    "answers": "answers of Exotel and of sinks",
    "steps": "steps of timelines",
    "sink_states": "states of sinks",
}
# How many calls of a remote sink are listed for people; --json lists all.
_NAMED = 5


def _region(text: str) -> str:
    if not is_region(text):
        raise click.BadParameter(f"{text!r} is no country code: give two capital letters, such as IN")
    return text


@click.command(
    "forget",
    epilog=examples("legwork forget +919000000001 --dry-run", "legwork forget 09000000001 --region IN --yes --json"),
)
@click.argument("number", metavar="NUMBER")
@click.option(
    "--region",
    metavar="IN",
    type=_region,
    help="Country whose number format applies; default: the accounts'.",
)
@click.option("--dry-run", is_flag=True, help="Count only; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def forget_command(number: str, region: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase a person's number, and keep the calls it was in.

    From the ledger (callbacks, records, deliveries, dead letters, answers) and from the sinks' files, folders and SQLite
    databases on this host. NUMBER may be written in any usual way, or be - to read it from standard input, since others on
    the host can see arguments. Keep the receipt that it prints: it names what could not be reached.
    """
    if not (yes or dry_run):
        check_can_ask("give --yes or --dry-run")
    if number == "-":
        number = sys.stdin.readline()
    settings = settings_with_redis()
    ledger = open_ledger(settings)
    ledger.refresh_sinks()
    set_up_logs(settings)
    try:
        e164 = read_number(number, ledger, region)
    except NotANumber as error:
        raise click.UsageError(str(error)) from None
    if not (yes or dry_run):
        _ask(ledger, e164, region)
    try:
        receipt = _run(ledger, e164, region, dry_run=dry_run, as_json=as_json)
    except ErasureInterrupted as broken:
        _print(broken.receipt, as_json=as_json)
        raise _interruption(broken) from None
    _print(receipt, as_json=as_json)
    _check_complete(receipt)


def _ask(ledger: Ledger, number: str, region: str | None) -> None:
    """Count, show, and ask for confirmation; raises click.Abort for a no."""
    try:
        found = _run(ledger, number, region, dry_run=True, as_json=False)
    except ErasureInterrupted as broken:
        raise _interruption(broken) from None
    _show(found)
    click.confirm(f"Erase {found.number} permanently?", abort=True, err=True)


def _run(ledger: Ledger, number: str, region: str | None, *, dry_run: bool, as_json: bool) -> Receipt:
    # No total: counting the calls first would mean reading them all twice.
    with progress("searching calls", None, as_json=as_json) as advance:
        return forget(ledger, number, region=region, dry_run=dry_run, progress=advance)


def _interruption(broken: ErasureInterrupted) -> CommandFailed:
    said = "what was searched is done; run it again for the rest"
    if isinstance(broken.__cause__, KeyboardInterrupt):
        return Interrupted(f"interrupted: {said}")
    return CommandFailed(f"interrupted: {broken.__cause__}; {said}")


def _print(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.as_document())
    else:
        _show(receipt)


def _show(receipt: Receipt) -> None:
    screen = console()
    screen.print(f"{receipt.number}: where it was found")
    screen.print(_found_here(receipt))
    for sink in receipt.elsewhere:
        if calls := receipt.delivered_to(sink):
            named = ", ".join(calls[:_NAMED]) + (f" and {len(calls) - _NAMED} more (--json)" if calls[_NAMED:] else "")
            where = "received it" if receipt.is_broken_off else "stores it elsewhere, erase it there"
            screen.print(f"{sink} {where}: {named}", markup=False, soft_wrap=True)
    for host in receipt.other_hosts:
        screen.print(f"{host} runs workers: run this command there too, if they write files", markup=False)
    if not receipt.dry_run:
        screen.print(f"Redis's append-only file: {receipt.append_only_file}", markup=False)


def _found_here(receipt: Receipt) -> Table:
    """Return a table of what the ledger and the files of this host hold, one row per place."""
    verb = "found" if receipt.dry_run else "erased"
    table = Table("where", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(verb, justify="right")
    for place, said in _PLACES.items():
        if receipt.counts[place]:
            table.add_row(f"ledger: {said}", str(receipt.counts[place]))
    for sink, kept in receipt.here:
        count = kept.found if receipt.dry_run else kept.erased
        note = f" ({kept.problem})" if kept.problem else " (not on this host)" if kept.is_missing else ""
        table.add_row(escape(f"{sink}: {kept.path}{note}"), str(count))
    return table


def _check_complete(receipt: Receipt) -> None:
    """Raise CommandFailed with what is left to be done, if anything is."""
    left = [f"{kept.path}: {kept.problem}" for _, kept in receipt.here if kept.problem]
    left += [
        f"{call.call_sid}: unfinished, its number may reappear; `legwork calls show {call.call_sid}` shows when it is final, "
        "and whether a confirming read follows"
        for call in receipt.unfinished
    ]
    if left:
        again = "run it again after that" if not receipt.dry_run else "it will have to be run again after that"
        raise CommandFailed("\n".join([*left, again]))
