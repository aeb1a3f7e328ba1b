"""What keeps calls from flowing, the worst first: the answer to the question that the console's overview asks.

Each problem is about something that has an alert too (`monitoring/alerts.yml`), and a section of `docs/runbook.md`.
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

# Work that has been due for so long is late. The alerts LegworkCallsLate and LegworkDeliveriesLate say the same.
LATE_SECONDS = 120
# With so much of the quota in use, it is the quota that calls wait for, and no worker could be faster.
_SPENT = 0.8


def find_problems(found: Status) -> list[Problem]:
    """Return what keeps calls from flowing, errors first; what was given up on comes last."""
    problems = [*_system(found)]
    for account, totals in found.accounts:
        problems += _account(account, totals)
    for sink in found.sinks:
        problems += _sink(sink)
    # Python sorts stably: within a severity they stay in the order in which they are looked for.
    return [*sorted(problems, key=lambda problem: problem.severity is not Severity.ERROR), *_given_up(found)]


def _system(found: Status) -> Iterator[Problem]:
    if not found.workers:
        text = "no worker is running: callbacks are noted, nothing is fetched or delivered; start one: `legwork worker`"
        yield Problem("workers", Severity.ERROR, text)
    if found.unwritable is not None:
        yield unwritable_ledger(found.unwritable)
    if (full := full_ledger(found.capacity)) is not None:
        yield full


def unwritable_ledger(error: redis.RedisError) -> Problem:
    """Say that Redis takes no writes, and what to do about it."""
    return Problem("ledger", Severity.ERROR, f"nothing can be noted: {error}; {what_to_do(error)}")


def full_ledger(capacity: Capacity | None) -> Problem | None:
    """Say that there is little room in Redis, or none; None where there is enough, or nobody can tell."""
    if capacity is None:
        return None
    if capacity.committed >= FULL_AT:
        full = f"Redis is full to {capacity.used:.0%}, to {capacity.committed:.0%} with what waits"
        return Problem("redis", Severity.ERROR, f"{full}, and callbacks are answered with 503; raise maxmemory")
    if capacity.used >= SHORT_AT:
        text = f"Redis is full to {capacity.used:.0%}, and forgets delivered calls early; raise maxmemory"
        return Problem("redis", Severity.WARNING, text)
    return None


def _account(account: Account, totals: AccountTotals) -> Iterator[Problem]:
    about, waits = f"account {account.sid}", _wait(totals.waiting, "call")
    match totals.state:
        case "suspended":
            again = f"it is asked again in {spoken(totals.look.gate_seconds)}"
            text = f"is suspended: {totals.reason}; {waits}; correct it at Exotel, or its key in the settings; {again}"
            yield Problem(about, Severity.ERROR, text)
        case "paused":
            text = f"Exotel asked for a pause (429), {spoken(totals.look.gate_seconds)} of it are left; {waits}"
            yield Problem(about, Severity.WARNING, text)
        case _ if totals.overdue_seconds > LATE_SECONDS:
            yield Problem(about, *_late(totals))
    if totals.state == "yielding":
        text = f"somebody else spends from its quota, so {totals.look.limit} of {account.quota} requests are in use"
        yield Problem(about, Severity.WARNING, f"{text}; find the other program, or set EXOTEL_QUOTA lower")


def _late(totals: AccountTotals) -> tuple[Severity, str]:
    waits = _wait(totals.waiting, "call")
    if totals.look.in_flight + totals.look.cooling_down >= _SPENT * totals.look.limit:
        return Severity.WARNING, f"{waits} for the quota; done in {spoken(totals.eta_seconds)}"
    late = f"{waits}, late by {spoken(totals.overdue_seconds)} though there is quota left"
    return Severity.ERROR, f"{late}: too few workers, or workers that hang; look at their logs, start more"


def _sink(sink: SinkTotals) -> Iterator[Problem]:
    about, waits, why = f"sink {sink.name}", _wait(sink.waiting, "record"), f": {sink.reason}" if sink.reason else ""
    match sink.state:
        case "disabled":
            text = f"is disabled{why}; {waits}; `legwork sinks enable {sink.name}` delivers to it again"
            yield Problem(about, Severity.ERROR, text)
        case "failing":
            text = f"fails{why}; {waits}; it is tried every few seconds, `legwork sinks test {sink.name}` tries it now"
            yield Problem(about, Severity.ERROR, text)
        case _ if sink.overdue_seconds > LATE_SECONDS:
            late = f"{waits}, late by {spoken(sink.overdue_seconds)}"
            yield Problem(about, Severity.WARNING, f"{late}: it is slow, or has a low `rate`, or workers are too few")


def _given_up(found: Status) -> Iterator[Problem]:
    calls, records = found.totals()["dead"], sum(sink.dead for sink in found.sinks)
    parts = [_count(number, what) for number, what in ((calls, "call"), (records, "record")) if number]
    if parts:
        verb = "was" if calls + records == 1 else "were"
        text = (
            f"{' and '.join(parts)} {verb} given up on; `legwork dead list` shows why, `legwork dead retry` tries again"
        )
        yield Problem("dead", Severity.WARNING, text)


def _wait(number: int, what: str) -> str:
    return f"{_count(number, what)} wait{'s' if number == 1 else ''}" if number else f"no {what} waits"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
