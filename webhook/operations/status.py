"""Reads the status and returns it as plain data, for `legwork status --json` and `/api/status`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import redis

from webhook.operations.dead_letters import DeadLetters
from webhook.operations.diagnosis import find_problems
from webhook.operations.snapshot import COUNTS, Status
from webhook.operations.times import utc
from worker.ledger.capacity import read_capacity
from worker.ledger.queries.totals import AccountTotals, SinkTotals, totals_of_accounts, totals_of_sinks

if TYPE_CHECKING:
    from schemas.settings import Account
    from worker.ledger import Ledger

Totals = TypeVar("Totals", AccountTotals, SinkTotals)


def read_status(ledger: Ledger) -> Status:
    """Read the whole status; reasons, which Exotel or a sink wrote, are made safe to show. Raises redis.RedisError."""
    states, letters = ledger.sink_states(), DeadLetters(ledger)

    def fit(totals: Totals) -> Totals:
        return totals if totals.reason is None else replace(totals, reason=letters.fit(totals.reason))

    return Status(
        accounts=[(ledger.account(each.sid), fit(each)) for each in totals_of_accounts(ledger, ledger.calls)],
        sinks=[fit(each) for each in totals_of_sinks(ledger, ledger.sinks, states)],
        workers=ledger.workers(),
        capacity=read_capacity(ledger),
        unwritable=_why_unwritable(ledger),
        created_at_ms=ledger.created_at_ms(),
        is_new=ledger.new_since_ms() is not None,
    )


def _why_unwritable(ledger: Ledger) -> redis.ResponseError | None:
    try:
        ledger.try_to_write()
    except redis.ResponseError as error:
        return error
    return None


def as_document(found: Status) -> dict[str, Any]:
    """Return the status in the shape of contract section 7, with a few more keys."""
    return {
        "calls": found.totals(),
        "accounts": {account.sid: account_document(account, totals) for account, totals in found.accounts},
        "sinks": {sink.name: _sink_document(sink) for sink in found.sinks},
        "workers": {"running": len(found.workers), "threads": sum(found.workers.values())},
        "ledger": {"created_at": utc(found.created_at_ms), "new": found.is_new},
        "problems": [problem.as_document() for problem in find_problems(found)],
    }


def account_document(account: Account, totals: AccountTotals) -> dict[str, Any]:
    """Return an account's state, counts and quota use."""
    return {
        "state": totals.state,
        "reason": totals.reason,
        **{name: getattr(totals, name) for name in COUNTS},
        "oldest_waiting_seconds": round(totals.oldest_waiting_seconds, 3),
        "eta_seconds": totals.eta_seconds,
        "quota": {
            "limit": account.quota,
            "seconds": account.quota_seconds,
            "in_force": totals.look.limit,
            "used": totals.look.in_flight + totals.look.cooling_down,
            "paused_until": utc(totals.paused_until_ms),
            "refused": totals.refused,
        },
    }


def _sink_document(totals: SinkTotals) -> dict[str, Any]:
    return {
        "state": totals.state,
        "reason": totals.reason,
        "waiting": totals.waiting,
        "delivered": totals.delivered,
        "dead": totals.dead,
        "oldest_waiting_seconds": round(totals.oldest_waiting_seconds, 3),
    }
