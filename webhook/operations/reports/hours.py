"""The report of hours: when calls come in, and how long callers wait, by the hour of the day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from webhook.operations.reports.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, tzinfo

    from worker.record.reported import ReportedCall

COLUMNS = ("hour", "calls", "answered", "missed", "wait_median_seconds", "wait_p90_seconds")
_HOURS = 24
# In percent.
_MEDIAN, _P90 = 50, 90


@dataclass(slots=True)
class _Tally:
    calls: int = 0
    answered: int = 0
    missed: int = 0
    #: How often each wait occurred: most are whole seconds, so that these are few whatever the number of calls.
    waits: Counter[float] = field(default_factory=Counter)


def hours(calls: Iterable[ReportedCall], zone_of: Callable[[str], tzinfo]) -> Report:
    """Report on inbound calls by the hour of the day at which they began, in the zone of their account: 24 rows.

    The waits are those of answered calls. The median is the shortest wait that at least half of them did not exceed, and
    the 90th percentile (p90) the one that nine in ten did not: always a wait that occurred; None where there is none.
    """
    tallies = [_Tally() for _ in range(_HOURS)]
    zones: dict[str, tzinfo] = {}
    count = 0
    for call in calls:
        if call.direction != "inbound":
            continue
        count += 1
        zone = zones.get(call.account_sid) or zones.setdefault(call.account_sid, zone_of(call.account_sid))
        tally = tallies[_hour(call.began_at, zone)]
        tally.calls += 1
        tally.missed += call.outcome == "missed"
        if call.outcome == "answered":
            tally.answered += 1
            if call.wait_seconds is not None:
                tally.waits[call.wait_seconds] += 1
    rows = [
        {
            "hour": hour,
            "calls": tally.calls,
            "answered": tally.answered,
            "missed": tally.missed,
            "wait_median_seconds": percentile(tally.waits, _MEDIAN),
            "wait_p90_seconds": percentile(tally.waits, _P90),
        }
        for hour, tally in enumerate(tallies)
    ]
    return Report(rows, count)


def percentile(counts: Counter[float], percent: int) -> float | None:
    """Return the smallest value that at least so many percent do not exceed (nearest rank); None of no values."""
    # In whole numbers: a product of fractions may be just above the rank that is meant.
    rank, seen = -(-counts.total() * percent // 100), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            return value
    return None


def _hour(moment: datetime, zone: tzinfo) -> int:
    try:
        return moment.astimezone(zone).hour
    except OverflowError:  # the first or the last day of the calendar
        return moment.hour
