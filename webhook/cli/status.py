"""`legwork status`: is it flowing, what waits and for how long, how full is the bucket."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table

from webhook.cli.common import console, json_option, local, open_ledger, print_json, settings_with_redis, spoken, utc
from worker.ledger.standing import AccountStanding, SinkStanding, account_standing, sink_standing

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.settings import Account
    from worker.ledger import Ledger

_COUNTS = ("received", "waiting", "fetching", "settled", "dead")
_COLOUR_OF = {"active": "green", "paused": "yellow", "yielding": "yellow", "failing": "yellow"}


@dataclass(frozen=True, slots=True)
class Status:
    """How all of it stands."""

    accounts: list[tuple[Account, AccountStanding]]
    sinks: list[SinkStanding]
    workers: dict[str, int]
    created_at_ms: int | None
    is_new: bool

    def totals(self) -> dict[str, int]:
        """The calls of all accounts."""
        return {name: sum(getattr(standing, name) for _, standing in self.accounts) for name in _COUNTS}


@click.command(epilog="Example: `legwork status`, or `legwork status --json | jq .calls`")
@json_option
def status(as_json: bool) -> None:
    """How things stand, in numbers.

    Totals; per account what waits, and its quota; per sink what waits, and what was delivered.
    """
    found = read_status(open_ledger(settings_with_redis()))
    if as_json:
        print_json(as_document(found))
    else:
        _show(found, console())


def read_status(ledger: Ledger) -> Status:
    """Look at everything. Raises redis.RedisError."""
    states = ledger.sink_states()
    return Status(
        accounts=[(account, account_standing(ledger, account.sid)) for account in ledger.settings.accounts],
        sinks=[sink_standing(ledger, spec.name, states) for spec in ledger.sinks.values()],
        workers=ledger.workers(),
        created_at_ms=ledger.created_at_ms(),
        is_new=ledger.new_since_ms() is not None,
    )


def as_document(found: Status) -> dict[str, Any]:
    """The status as contract section 7 has it, and a little more."""
    return {
        "calls": found.totals(),
        "accounts": {account.sid: _account(account, standing) for account, standing in found.accounts},
        "sinks": {
            sink.name: {key: value for key, value in asdict(sink).items() if key != "name"} for sink in found.sinks
        },
        "workers": {"running": len(found.workers), "threads": sum(found.workers.values())},
        "ledger": {"created_at": utc(found.created_at_ms), "new": found.is_new},
    }


def _account(account: Account, standing: AccountStanding) -> dict[str, Any]:
    return {
        "state": standing.state,
        "reason": standing.reason,
        **{name: getattr(standing, name) for name in _COUNTS},
        "oldest_waiting_seconds": round(standing.oldest_waiting_seconds, 3),
        "eta_seconds": standing.eta_seconds,
        "quota": {
            "limit": account.quota,
            "seconds": account.quota_seconds,
            "in_force": standing.look.limit,
            "used": standing.look.flying + standing.look.cooling,
            "paused_until": utc(standing.paused_until_ms),
            "refused": standing.refused,
        },
    }


def _show(found: Status, screen: Console) -> None:
    totals = _table("calls", *_COUNTS)
    totals.add_row("", *(str(count) for count in found.totals().values()))
    accounts = _table("account", "state", "waiting", "oldest", "quota used", "done in")
    for account, standing in found.accounts:
        used = standing.look.flying + standing.look.cooling
        accounts.add_row(
            account.sid,
            _coloured(standing.state, standing.look.gate_seconds),
            str(standing.waiting),
            spoken(standing.oldest_waiting_seconds) if standing.waiting else "-",
            f"{used} of {standing.look.limit} in {spoken(account.quota_seconds)}",
            spoken(standing.eta_seconds) if standing.waiting else "-",
        )
    sinks = _table("sink", "state", "waiting", "delivered", "dead")
    for sink in found.sinks:
        sinks.add_row(sink.name, _coloured(sink.state), str(sink.waiting), str(sink.delivered), str(sink.dead))
    for table in (totals, accounts, sinks):
        screen.print(table)
    reasons = [(standing.sid, standing.reason) for _, standing in found.accounts]
    for name, reason in [*reasons, *((sink.name, sink.reason) for sink in found.sinks)]:
        if reason:
            screen.print(f"{name}: {reason}", markup=False)
    if found.workers:
        screen.print(f"{len(found.workers)} worker(s) with {sum(found.workers.values())} threads", end="")
    else:
        screen.print("[yellow]No worker runs: calls are noted and wait. Start one: legwork worker[/]", end="")
    new = ": it is new, nothing was stored in this Redis before" if found.is_new else ""
    screen.print(f"; ledger since {local(found.created_at_ms)} UTC{new}" if found.created_at_ms else "")


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    return table


def _coloured(state: str, seconds: float = 0.0) -> str:
    left = f", {spoken(seconds)} left" if seconds else ""
    return f"[{_COLOUR_OF.get(state, 'red')}]{state}{left}[/]"
