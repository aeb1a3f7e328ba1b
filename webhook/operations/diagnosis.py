"""Finds what keeps calls from flowing, worst first, for the console's overview and the status.

Each problem has an alert (`monitoring/alerts.yml`) and a section in `docs/runbook.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook.operations.problem import Problem, Severity
from webhook.operations.times import spoken
from worker.ledger.advice import what_to_do
from worker.ledger.capacity import FULL_AT, SHORT_AT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from schemas.settings import Account
    from webhook.operations.snapshot import Status
    from worker.ledger.capacity import Capacity
    from worker.ledger.queries.totals import AccountTotals, SinkTotals

# Work overdue by more than this is late; LegworkCallsLate and LegworkDeliveriesLate use the same threshold.
LATE_SECONDS = 120
# With this share of the quota in use, calls wait for the quota, and more workers would not help.
_SPENT = 0.8


def find_problems(found: Status) -> list[Problem]:
    """Return what keeps calls from flowing, errors first; failed calls and dead letters come last."""
    problems = [*_system(found)]
    for account, totals in found.accounts:
        problems += account_problems(account, totals)
    for sink in found.sinks:
        problems += sink_problems(sink)
    # The sort is stable: within a severity, problems keep the order in which they were found.
    return [*sorted(problems, key=lambda problem: problem.severity is not Severity.ERROR), *_given_up(found)]


def _system(found: Status) -> Iterator[Problem]:
    if not found.workers:
        text = (
            "no worker is running: callbacks are stored, nothing is fetched or delivered; start one: `legwork worker`"
        )
        yield Problem("workers", Severity.ERROR, text)
    if found.unwritable is not None:
        yield unwritable_ledger(found.unwritable)
    if (full := full_ledger(found.capacity)) is not None:
        yield full


def unwritable_ledger(error: redis.RedisError) -> Problem:
    """Return the problem that Redis accepts no writes, and what to do about it."""
    return Problem("ledger", Severity.ERROR, f"nothing can be stored: {error}; {what_to_do(error)}")


def full_ledger(capacity: Capacity | None) -> Problem | None:
    """Return the problem that Redis is short of memory or full; None if it is not, or its memory is unknown."""
    if capacity is None:
        return None
    if capacity.committed >= FULL_AT:
        full = f"Redis is {capacity.used:.0%} full, {capacity.committed:.0%} including what the waiting calls will need"
        return Problem("redis", Severity.ERROR, f"{full}, and callbacks are answered with 503; raise maxmemory")
    if capacity.used >= SHORT_AT:
        text = f"Redis is {capacity.used:.0%} full, so delivered calls are forgotten early; raise maxmemory"
        return Problem("redis", Severity.WARNING, text)
    return None


def account_problems(account: Account, totals: AccountTotals) -> Iterator[Problem]:
    """Yield what keeps an account's calls from flowing."""
    about, waits = f"account {account.sid}", waiting(totals.waiting, "call")
    match totals.state:
        case "suspended":
            again = f"next probe in {spoken(totals.look.gate_seconds)}"
            text = f"is suspended: {totals.reason}; {waits}; correct it at Exotel, or its key in the settings; {again}"
            yield Problem(about, Severity.ERROR, text)
        case "paused":
            text = f"Exotel asked for a pause (429); {spoken(totals.look.gate_seconds)} left; {waits}"
            yield Problem(about, Severity.WARNING, text)
        case _ if totals.overdue_seconds > LATE_SECONDS:
            yield Problem(about, *_late(totals))
    if totals.state == "yielding":
        text = f"another program uses its quota, so Legwork uses only {totals.look.limit} of {account.quota} requests"
        yield Problem(about, Severity.WARNING, f"{text}; find the other program, or lower EXOTEL_QUOTA")


def _late(totals: AccountTotals) -> tuple[Severity, str]:
    waits = waiting(totals.waiting, "call")
    if totals.look.in_flight + totals.look.cooling_down >= _SPENT * totals.look.limit:
        return Severity.WARNING, f"{waits} for the quota; done in {spoken(totals.eta_seconds or 0.0)}"
    late = f"{waits}, overdue by {spoken(totals.overdue_seconds)} although quota is left"
    return Severity.ERROR, f"{late}: too few workers, or workers hang; check their logs, start more"


def sink_problems(sink: SinkTotals) -> Iterator[Problem]:
    """Yield what keeps records from a sink."""
    about, waits, why = f"sink {sink.name}", waiting(sink.waiting, "record"), f": {sink.reason}" if sink.reason else ""
    match sink.state:
        case "disabled":
            text = f"is disabled{why}; {waits}; `legwork sinks enable {sink.name}` delivers to it again"
            yield Problem(about, Severity.ERROR, text)
        case "failing":
            text = f"fails{why}; {waits}; it is tried every few seconds, `legwork sinks test {sink.name}` tries it now"
            yield Problem(about, Severity.ERROR, text)
        case _ if sink.overdue_seconds > LATE_SECONDS:
            late = f"{waits}, overdue by {spoken(sink.overdue_seconds)}"
            yield Problem(
                about, Severity.WARNING, f"{late}: it is slow, its `rate` is low, or there are too few workers"
            )


def _given_up(found: Status) -> Iterator[Problem]:
    calls, records = found.totals()["dead"], sum(sink.dead for sink in found.sinks)
    parts = [counted(number, what) for number, what in ((calls, "call"), (records, "record")) if number]
    if parts:
        yield Problem("dead", Severity.WARNING, exhausted(" and ".join(parts)))


def exhausted(what: str) -> str:
    """Return that these calls or records have failed, and what to do about it."""
    return f"{what} failed after all retries; `legwork dead list` shows why, `legwork dead retry` retries"


def waiting(number: int, what: str) -> str:
    """Return how many of these wait, in words."""
    return f"{counted(number, what)} wait{'s' if number == 1 else ''}" if number else f"no {what} waits"


def counted(number: int, what: str) -> str:
    """Return a number of things, in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
