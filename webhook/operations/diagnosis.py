"""What keeps calls from flowing, the worst first: the answer to the question that the console's overview asks.

Each finding is about something that has an alert too (`monitoring/alerts.yml`), and a section of `docs/runbook.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook.operations.finding import Finding, Verdict
from webhook.operations.times import spoken
from worker.ledger.capacity import FULL_AT, SHORT_AT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.settings import Account
    from webhook.operations.snapshot import Status
    from worker.ledger.capacity import Room
    from worker.ledger.queries.totals import AccountStanding, SinkStanding

# Work that has been due for so long is late. The alerts LegworkCallsLate and LegworkDeliveriesLate say the same.
LATE_SECONDS = 120
# With so much of the quota in use, it is the quota that calls wait for, and no worker could be faster.
_SPENT = 0.8


def find_holdups(found: Status) -> list[Finding]:
    """Return what holds calls up; `wrong` is what stops some of them altogether. What was given up on comes last."""
    holdups = [*_house(found)]
    for account, standing in found.accounts:
        holdups += _account(account, standing)
    for sink in found.sinks:
        holdups += _sink(sink)
    # Python sorts stably: within a verdict they stay in the order in which they are looked for.
    return [*sorted(holdups, key=lambda holdup: holdup.verdict is not Verdict.WRONG), *_given_up(found)]


def _house(found: Status) -> Iterator[Finding]:
    if not found.workers:
        text = "no worker is running: callbacks are noted, nothing is fetched or delivered; start one: `legwork worker`"
        yield Finding("workers", Verdict.WRONG, text)
    if (full := full_ledger(found.room)) is not None:
        yield full


def full_ledger(room: Room) -> Finding | None:
    """Say that there is little room in Redis, or none; None where there is enough."""
    if room.spoken_for >= FULL_AT:
        full = f"Redis is full to {room.used:.0%}, to {room.spoken_for:.0%} with what waits"
        return Finding("redis", Verdict.WRONG, f"{full}, and callbacks are answered with 503; raise maxmemory")
    if room.used >= SHORT_AT:
        text = f"Redis is full to {room.used:.0%}, and forgets delivered calls early; raise maxmemory"
        return Finding("redis", Verdict.WARNING, text)
    return None


def _account(account: Account, standing: AccountStanding) -> Iterator[Finding]:
    about, waits = f"account {account.sid}", _wait(standing.waiting, "call")
    match standing.state:
        case "suspended":
            again = f"it is asked again in {spoken(standing.look.gate_seconds)}"
            text = (
                f"is suspended: {standing.reason}; {waits}; correct it at Exotel, or its key in the settings; {again}"
            )
            yield Finding(about, Verdict.WRONG, text)
        case "paused":
            text = f"Exotel asked for a pause (429), {spoken(standing.look.gate_seconds)} of it are left; {waits}"
            yield Finding(about, Verdict.WARNING, text)
        case _ if standing.overdue_seconds > LATE_SECONDS:
            yield Finding(about, *_late(standing))
    if standing.state == "yielding":
        text = f"somebody else spends from its quota, so {standing.look.limit} of {account.quota} requests are in use"
        yield Finding(about, Verdict.WARNING, f"{text}; find the other program, or set EXOTEL_QUOTA lower")


def _late(standing: AccountStanding) -> tuple[Verdict, str]:
    waits = _wait(standing.waiting, "call")
    if standing.look.flying + standing.look.cooling >= _SPENT * standing.look.limit:
        return Verdict.WARNING, f"{waits} for the quota; done in {spoken(standing.eta_seconds)}"
    late = f"{waits}, late by {spoken(standing.overdue_seconds)} though there is quota left"
    return Verdict.WRONG, f"{late}: too few workers, or workers that hang; look at their logs, start more"


def _sink(sink: SinkStanding) -> Iterator[Finding]:
    about, waits, why = f"sink {sink.name}", _wait(sink.waiting, "record"), f": {sink.reason}" if sink.reason else ""
    match sink.state:
        case "disabled":
            text = f"is disabled{why}; {waits}; `legwork sinks enable {sink.name}` delivers to it again"
            yield Finding(about, Verdict.WRONG, text)
        case "failing":
            text = f"fails{why}; {waits}; it is tried every few seconds, `legwork sinks test {sink.name}` tries it now"
            yield Finding(about, Verdict.WRONG, text)
        case _ if sink.overdue_seconds > LATE_SECONDS:
            late = f"{waits}, late by {spoken(sink.overdue_seconds)}"
            yield Finding(about, Verdict.WARNING, f"{late}: it is slow, or has a low `rate`, or workers are too few")


def _given_up(found: Status) -> Iterator[Finding]:
    calls, records = found.totals()["dead"], sum(sink.dead for sink in found.sinks)
    parts = [_count(number, what) for number, what in ((calls, "call"), (records, "record")) if number]
    if parts:
        verb = "was" if calls + records == 1 else "were"
        text = (
            f"{' and '.join(parts)} {verb} given up on; `legwork dead list` shows why, `legwork dead retry` tries again"
        )
        yield Finding("dead", Verdict.WARNING, text)


def _wait(number: int, what: str) -> str:
    return f"{_count(number, what)} wait{'s' if number == 1 else ''}" if number else f"no {what} waits"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
