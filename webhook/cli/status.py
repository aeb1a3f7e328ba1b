"""`legwork status`: prints accounts, sinks, totals and problems."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from webhook.cli.columns import Cell, Column, show_table
from webhook.cli.common import (
    console,
    examples,
    json_option,
    local,
    open_ledger,
    print_json,
    settings_with_redis,
)
from webhook.cli.errors import CommandFailed
from webhook.operations.diagnosis import find_problems
from webhook.operations.problem import Severity
from webhook.operations.snapshot import COUNTS, Status
from webhook.operations.status import as_document, read_status
from webhook.operations.times import spoken

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.settings import Account
    from webhook.operations.problem import Problem
    from worker.ledger import Ledger
    from worker.ledger.queries.totals import AccountTotals

# The texts of these problems already name their subject.
_SPEAK_FOR_THEMSELVES = frozenset({"redis", "workers", "dead"})
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_COLOUR_OF = {"active": "green", "paused": "yellow", "yielding": "yellow", "failing": "yellow"}

WATCH_SECONDS = 2.0

_CALLS = [Column("calls"), *(Column(name, right=True) for name in COUNTS)]
_ACCOUNTS = [
    Column("account", least=8),
    Column("state", least=10),
    Column("waiting", right=True),
    Column("oldest", right=True, drop=2),
    Column("quota used", right=True, drop=3),
    Column("ETA", right=True, drop=1),
]
_SINKS = [
    Column("sink", least=8),
    Column("state"),
    *(Column(name, right=True) for name in ("waiting", "delivered", "dead")),
]


@click.command(epilog=examples("legwork status", "legwork status --json | jq .calls"))
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until Ctrl-C.")
@json_option
@click.pass_context
def status(ctx: click.Context, watch: bool, as_json: bool) -> None:
    """Show accounts, sinks, totals and problems.

    Totals; per account its waiting calls and its quota; per sink its waiting and delivered records; then the problems,
    worst first. Exits with 1 if one of them is an error: a suspended account, a sink that fails or is disabled, no worker, a
    full Redis, calls that are late although quota is left. Warnings do not change the exit code.
    """
    if watch and as_json:
        raise click.UsageError("--watch is for people, --json for programs: give one of them")
    ledger = open_ledger(settings_with_redis())
    if watch:
        _watch(ledger)
        return
    found = read_status(ledger)
    problems = find_problems(found)
    if as_json:
        print_json(as_document(found))
    else:
        _show(found, problems, console())
    if any(problem.severity is Severity.ERROR for problem in problems):
        ctx.exit(CommandFailed.exit_code)


def _watch(ledger: Ledger) -> None:
    """Show the status again and again. An outage of Redis is shown too, and ends nothing."""
    import redis  # noqa: PLC0415

    with suppress(KeyboardInterrupt):
        while True:
            try:
                ledger.refresh_sinks()
                found = read_status(ledger)
                problems = find_problems(found)
            except redis.RedisError as error:
                click.echo(f"Redis cannot be used: {error}")
            else:
                click.clear()
                _show(found, problems, console())
            time.sleep(WATCH_SECONDS)


def _show(found: Status, problems: list[Problem], screen: Console) -> None:
    from rich.text import Text  # noqa: PLC0415  --json does not need it

    show_table(_CALLS, [["", *map(str, found.totals().values())]])
    show_table(_ACCOUNTS, [_account(account, totals) for account, totals in found.accounts])
    show_table(
        _SINKS,
        [
            [sink.name, _coloured(sink.state), str(sink.waiting), str(sink.delivered), str(sink.dead)]
            for sink in found.sinks
        ],
    )
    for problem in problems:
        about = "" if problem.about in _SPEAK_FOR_THEMSELVES else f"{problem.about}: "
        screen.print(Text(f"{about}{problem.text}.", style=_COLOURS[problem.severity]), soft_wrap=True)
    new = ": it is new, nothing was stored in this Redis before" if found.is_new else ""
    since = f"; ledger since {local(found.created_at_ms)} UTC{new}" if found.created_at_ms else ""
    screen.print(
        f"{len(found.workers)} worker(s) with {sum(found.workers.values())} threads{since}",
        soft_wrap=True,
        markup=False,
    )


def _account(account: Account, totals: AccountTotals) -> list[str | Cell]:
    used = totals.look.in_flight + totals.look.cooling_down
    return [
        account.sid,
        _coloured(totals.state, totals.look.gate_seconds),
        str(totals.waiting),
        spoken(totals.oldest_waiting_seconds) if totals.waiting else "-",
        f"{used} of {totals.look.limit} in {spoken(account.quota_seconds)}",
        "-" if not totals.waiting else "unknown" if totals.eta_seconds is None else spoken(totals.eta_seconds),
    ]


def _coloured(state: str, seconds: float = 0.0) -> Cell:
    left = f", {spoken(seconds)} left" if seconds else ""
    return Cell(f"{state}{left}", _COLOUR_OF.get(state, "red"))
