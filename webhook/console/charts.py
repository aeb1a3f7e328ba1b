"""The charts of activity by minute: each is a table, which a script draws as lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.settings import Account
    from worker.ledger import Ledger
    from worker.ledger.meters import Minute, Spent

# A time in milliseconds, and a value per column; None where there is none.
Row = tuple[float, tuple[float | None, ...]]

_MINUTE_MS = 60_000
#: An hour, in minutes.
HOUR = 60
_SECONDS_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Chart:
    """One line per column. The current minute is left out: an incomplete one would look like a drop."""

    id: str
    #: A summary in words, for screen readers, which also have the table.
    caption: str
    columns: tuple[str, ...]
    rows: list[Row]
    #: The minimum of the scale's upper end.
    least: float = 5


def flow(minutes: Sequence[Minute]) -> Chart:
    """Chart calls received, requests to Exotel and records delivered, over the last hour and the current minute."""
    *whole, present = minutes
    counted = [f"{sum(counts):,}" for counts in list(zip(*minutes, strict=True))[1:]]
    caption = (
        "The last hour: {} calls came in, {} requests went to Exotel, {} records out. "
        f"Of these, {present.received:,}, {present.fetched:,} and {present.delivered:,} in this minute, "
        "which is drawn when it is over."
    )
    rows: list[Row] = [
        (minute.at * _MINUTE_MS, (minute.received, minute.fetched, minute.delivered)) for minute in whole
    ]
    return Chart("flow", caption.format(*counted), ("calls in", "fetched", "delivered"), rows)


def quota(ledger: Ledger, account: Account) -> Chart:
    """Chart an account's requests per minute next to what its quota allows."""
    limit = round(account.quota * _SECONDS_A_MINUTE / account.quota_seconds)
    *whole, (_, present) = minutes = ledger.meters.minutes_of("fetched", account.sid, HOUR + 1)
    spent = sum(number for _, number in minutes)
    caption = (
        f"Requests to Exotel: {spent:,} in the last hour, {present:,} of them in this minute so far. "
        f"The quota allows {limit:,} in a minute."
    )
    rows: list[Row] = [(at * _MINUTE_MS, (number, limit)) for at, number in whole]
    return Chart(f"quota-{account.sid}", caption, ("requests", "quota"), rows)


def latency(ledger: Ledger, sink: str) -> Chart:
    """Chart the average duration of delivery attempts to a sink per minute, in milliseconds."""
    minutes = _attempts(ledger, sink)
    number = sum(minute.number for minute in minutes)
    took = average_ms(minutes)
    words = "none" if took is None else f"{number:,}, which took {took:,.0f} ms on average"
    rows: list[Row] = [(minute.at * _MINUTE_MS, (average_ms([minute]),)) for minute in minutes]
    return Chart(f"latency-{sink}", f"Attempts in the last hour: {words}.", ("ms an attempt",), rows, least=50)


def latency_ms(ledger: Ledger, sink: str) -> float | None:
    """Return the average duration of attempts in the last hour, in milliseconds; None if there were none."""
    return average_ms(_attempts(ledger, sink))


def average_ms(minutes: list[Spent]) -> float | None:
    """Return the average duration over these minutes in milliseconds, rounded to a tenth."""
    number = sum(minute.number for minute in minutes)
    return round(sum(minute.seconds for minute in minutes) / number * 1000, 1) if number else None


def _attempts(ledger: Ledger, sink: str) -> list[Spent]:
    return ledger.meters.spent_by("attempted", sink)
