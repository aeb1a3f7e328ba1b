"""The table of reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook.operations.reports import agents, callers, hours, missed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from webhook.operations.reports.report import Report
    from worker.record.reported import ReportedCall

#: Each report's columns, by its name.
COLUMNS = {
    "agents": agents.COLUMNS,
    "missed": missed.COLUMNS,
    "hours": hours.COLUMNS,
    "callers": callers.COLUMNS,
}


def make_report(name: str, calls: Iterable[ReportedCall], zone_of: Callable[[str], tzinfo]) -> Report:
    """Return a report on calls, each of which occurs once. `zone_of` returns the zone of an account.

    Raises KeyError for an unknown name.
    """
    if name == "hours":
        return hours.hours(calls, zone_of)
    return {"agents": agents.agents, "missed": missed.missed, "callers": callers.callers}[name](calls)
