"""The report of callers: who calls how often, and how often somebody answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webhook.operations.reports.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.record.reported import ReportedCall

COLUMNS = ("customer", "calls", "answered", "missed")


@dataclass(slots=True)
class _Tally:
    calls: int = 0
    answered: int = 0
    missed: int = 0


def callers(calls: Iterable[ReportedCall]) -> Report:
    """Report on the customers of inbound calls; who called most comes first.

    Callers without a number are in no row, since they may be many people.
    """
    tallies: dict[str, _Tally] = {}
    count = unlisted = 0
    for call in calls:
        if call.direction != "inbound":
            continue
        count += 1
        if call.customer is None:
            unlisted += 1
            continue
        tally = tallies.setdefault(call.customer, _Tally())
        tally.calls += 1
        tally.answered += call.outcome == "answered"
        tally.missed += call.outcome == "missed"
    rows = [
        {"customer": name, "calls": tally.calls, "answered": tally.answered, "missed": tally.missed}
        for name, tally in sorted(tallies.items(), key=lambda each: (-each[1].calls, each[0]))
    ]
    return Report(rows, count, unlisted)
