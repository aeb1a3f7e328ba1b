"""Prints reports as tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.columns import Cell, Column, show_table
from webhook.operations.reports.output import party

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import tzinfo

    from webhook.operations.reports.report import Report

_NOTHING = {
    "agents": "No agent was tried.",
    "missed": "No missed calls.",
    "hours": "No inbound calls.",
    "callers": "No inbound calls.",
}


def show_report(name: str, report: Report, *, zone: tzinfo, zones: Collection[str], numbers: bool) -> None:
    """Print a report as a table, its times in a zone, or say that there is nothing in it.

    `zones` are the names of the accounts' zones, in which the hours of the day are.
    """
    if not report.rows or (name == "hours" and not report.calls):
        click.echo(_NOTHING[name])
        return
    columns = _columns(zone, zones, numbers=numbers)
    shown = {key: columns[key] for key in report.rows[0]}
    show_table(
        [column for column, _ in shown.values()],
        [[write(row[key]) for key, (_, write) in shown.items()] for row in report.rows],
    )


def _columns(
    zone: tzinfo, zones: Collection[str], *, numbers: bool
) -> dict[str, tuple[Column, Callable[[Any], str | Cell]]]:
    """Return each column, and how its cells are written."""

    def number(value: str) -> str:
        return party(value, numbers=numbers)

    def moment(value: str) -> str:
        return datetime.fromisoformat(value).astimezone(zone).isoformat(" ", "minutes")

    counts = {name: (Column(name, right=True), str) for name in ("calls", "tried", "answered", "missed")}
    return {
        **counts,
        "agent": (Column("agent", least=8), number),
        "customer": (Column("customer", least=8), number),
        "talk_seconds": (Column("talk", right=True), _seconds),
        "longest_wait_seconds": (Column("longest wait", right=True), _seconds),
        "last_missed_at": (Column("last missed"), moment),
        "answered_since": (Column("answered since"), _yes),
        "called_back_since": (Column("called back"), _yes),
        "hour": (
            Column(f"hour {next(iter(zones)) if len(zones) == 1 else 'of the account'}"),
            lambda hour: f"{hour:02}:00",
        ),
        "wait_median_seconds": (Column("median wait", right=True), _seconds),
        "wait_p90_seconds": (Column("p90 wait", right=True), _seconds),
    }


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.15g} s"


def _yes(value: bool) -> Cell:
    return Cell("yes", "green") if value else Cell("no", "yellow")
