"""`legwork forget`: take a person's number out of all that is kept here, and say what was found where."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from webhook.cli.common import console, examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.errors import CommandFailed, Interrupted
from webhook.cli.progress import progress
from webhook.operations.erasure import ErasureInterrupted, NotANumber, Receipt, forget, read_number
from worker.logs import set_up_logs
from worker.numbers.phone import REGIONS

if TYPE_CHECKING:
    from worker.ledger import Ledger

_PLACES = {
    "calls": "calls",
    "callbacks": "callbacks",
    "records": "records",
    "legs": "legs of records",
    "deliveries": "deliveries that wait",
    "dead_letters": "dead letters",
    "answers": "answers of Exotel and of sinks",
    "steps": "steps of stories",
    "sink_states": "states of sinks",
}
# Of the calls of a sink elsewhere, so many are named to people; --json names all.
_NAMED = 5


def _region(text: str) -> str:
    if text not in REGIONS:
        raise click.BadParameter(f"{text!r} is no country's code: give two capitals, such as IN")
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

    In the ledger (callbacks, records, what waits and what is dead, answers) and in the files, folders and SQLite databases
    of the settings that are on this host. NUMBER may be written as people write it, or be -, to be read from standard
    input: an argument can be seen by others on the host. Keep what it prints; what it cannot reach is named there.
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to ask on: give --yes, or --dry-run")
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
    """Count, show, and ask on the terminal; raises click.Abort for a no."""
    try:
        found = _run(ledger, number, region, dry_run=True, as_json=False)
    except ErasureInterrupted as broken:
        raise _interruption(broken) from None
    _show(found)
    click.confirm(f"Erase {found.number} from all of it, for good?", abort=True, err=True)


def _run(ledger: Ledger, number: str, region: str | None, *, dry_run: bool, as_json: bool) -> Receipt:
    # Nobody counts them beforehand: that would be the same walk.
    with progress("looking through calls", None, as_json=as_json) as advance:
        return forget(ledger, number, region=region, dry_run=dry_run, progress=advance)


def _interruption(broken: ErasureInterrupted) -> CommandFailed:
    said = "what was looked at is done; run it again for the rest"
    if isinstance(broken.__cause__, KeyboardInterrupt):
        return Interrupted(f"broken off: {said}")
    return CommandFailed(f"broken off: {broken.__cause__}; {said}")


def _print(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.as_document())
    else:
        _show(receipt)


def _show(receipt: Receipt) -> None:
    screen = console()
    screen.print(f"{receipt.number}: what holds it")
    screen.print(_found_here(receipt))
    for sink in receipt.elsewhere:
        if calls := receipt.delivered_to(sink):
            named = ", ".join(calls[:_NAMED]) + (f" and {len(calls) - _NAMED} more (--json)" if calls[_NAMED:] else "")
            where = "has got it" if receipt.is_broken_off else "keeps it elsewhere, erase it there"
            screen.print(f"{sink} {where}: {named}", markup=False, soft_wrap=True)
    for host in receipt.other_hosts:
        screen.print(f"{host} has workers: run it there too, if they write files", markup=False)
    if not receipt.dry_run:
        screen.print(f"Redis's append-only file: {receipt.append_only_file}", markup=False)


def _found_here(receipt: Receipt) -> Table:
    """Return what the ledger and the files of this host hold, a row a place."""
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
    """Say what is left to be done. Raises CommandFailed."""
    left = [f"{kept.path}: {kept.problem}" for _, kept in receipt.here if kept.problem]
    left += [
        f"{call.call_sid}: unfinished, its number may come back; `legwork calls show {call.call_sid}` says when it is settled, "
        "and whether it is read once more"
        for call in receipt.unfinished
    ]
    if left:
        again = "run it again after that" if not receipt.dry_run else "it will have to be run again after that"
        raise CommandFailed("\n".join([*left, again]))
