"""A report as plain data and as CSV, its numbers masked unless requested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook.operations.call_export import csv_line, disarmed
from webhook.operations.masking import on_one_line
from webhook.operations.reports.kinds import COLUMNS
from worker.numbers.masking import mask_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webhook.operations.reports.report import Report

_PARTIES = ("agent", "customer")


def documents(report: Report, *, numbers: bool) -> list[dict[str, Any]]:
    """Return the rows as plain data; `numbers`: are they shown in full?"""
    return [
        {name: party(value, numbers=numbers) if name in _PARTIES else value for name, value in row.items()}
        for row in report.rows
    ]


def party(number: str, *, numbers: bool) -> str:
    """Return a number or a SIP address as it may be shown."""
    return on_one_line(number if numbers else mask_number(number))


def csv_lines(name: str, report: Report, *, numbers: bool) -> Iterator[str]:
    """Yield a line of the columns' names, then one for each row, each with its line end (RFC 4180)."""
    yield csv_line(COLUMNS[name])
    for row in documents(report, numbers=numbers):
        yield csv_line(map(_cell, row.values()))


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else disarmed(value)
