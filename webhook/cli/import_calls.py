"""`legwork import`: have calls fetched whose callbacks never came, by their CallSids."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import click

from schemas.call_list import NoList, read_call_list
from webhook.cli.arguments import check_can_ask
from webhook.cli.common import examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import account_sids
from webhook.cli.errors import CommandFailed
from webhook.cli.progress import progress
from webhook.operations.importing import Import, the_account
from webhook.operations.times import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

# How many lines that cannot be used are printed.
_NAMED = 10


@click.command("import", epilog=examples("legwork import sids.txt --dry-run", "legwork import calls.csv --yes"))
@click.argument("file", type=click.File("rb"))
@click.option(
    "--account", metavar="SID", shell_complete=account_sids, help="The account of the calls, if there are several."
)
@click.option("--dry-run", is_flag=True, help="Count and tell the price only; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@click.pass_context
def import_command(
    ctx: click.Context, file: BinaryIO, account: str | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Import calls by their CallSids: fetch those that are not known.

    FILE has CallSids one a line, or is a CSV with a column CallSid, Sid or call_sid; - is standard input. The calls are fetched
    behind live ones, and their records delivered as any call's. Known calls are left as they are. Tells the price first and
    asks, unless --yes is given. Exits with 1 if lines could not be used, after the others were queued.
    """
    ask = not (dry_run or yes)
    if ask:
        check_can_ask("import needs --yes; --dry-run tells what it would do")
    ledger = open_ledger(settings_with_redis())
    try:
        account_sid = the_account(ledger, account)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--account") from None
    try:
        given = Import(ledger, account_sid, read_call_list(file))
    except NoList as error:
        raise click.BadParameter(str(error), param_hint="FILE") from None
    _go("looking", given.look(), len(given.calls.lines), as_json=as_json)
    if not as_json:
        click.echo(_counts(given))
    if ask and given.unknown:
        click.confirm(f"Fetch {len(given.unknown):,}?", abort=True, err=True)
    if not dry_run:
        _go("queueing", given.queue(), len(given.unknown), as_json=as_json)
    if as_json:
        print_json(given.as_document())
    else:
        _tell(given, dry_run=dry_run)
    if given.calls.unusable_count:
        ctx.exit(CommandFailed.exit_code)


def _go(doing: str, work: Iterator[int], total: int, *, as_json: bool) -> None:
    with progress(doing, total, as_json=as_json) as advance:
        for count in work:
            advance(count)


def _counts(given: Import) -> str:
    requests, seconds = given.cost
    price = (
        f"; {requests:,} requests or more, about {spoken(seconds)} of quota, live calls go first" if requests else ""
    )
    return f"{len(given.calls.lines):,} calls: {given.known:,} known, {len(given.unknown):,} new{price}"


def _tell(given: Import, *, dry_run: bool) -> None:
    click.echo("Nothing was queued: it was a dry run." if dry_run else f"Calls queued: {given.queued:,}.")
    for each in given.as_document()["unusable"][:_NAMED]:
        click.echo(f"line {each['line']}: {each['text']!r}: {each['reason']}")
    if given.calls.unusable_count > _NAMED:
        click.echo(f"{given.calls.unusable_count:,} lines could not be used in all; --json shows the first 100")
