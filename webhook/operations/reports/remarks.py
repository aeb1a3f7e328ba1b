"""What is told beside a report: what it leaves out, and how far back it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.ledger.queries.listing import first_began_ms

if TYPE_CHECKING:
    from webhook.operations.reports.report import Report
    from worker.ledger import Ledger
    from worker.ledger.queries.filters import CallFilter

_DAY_MS = 86_400_000


def left_out(name: str, report: Report, *, without_record: int = 0) -> list[str]:
    """Return a sentence for each kind of call that is in no row."""
    found = []
    if report.unlisted:
        what = {"agents": "agent", "missed": "missed call", "callers": "call"}[name]
        found.append(f"Not listed, because there is no number: {counted(report.unlisted, what)}.")
    if without_record:
        found.append(f"Not counted, because there is no record yet: {counted(without_record, 'call')}.")
    return found


def reaches_back_to_ms(ledger: Ledger, wanted: CallFilter) -> float | None:
    """Return when the first call began that is still kept, if calls before it may have been forgotten, else None.

    Calls are kept for RETENTION_DAYS after their last delivery.
    """
    kept_ms = ledger.now_ms() - ledger.settings.retention_days * _DAY_MS
    if wanted.since_ms is not None and wanted.since_ms >= kept_ms:
        return None
    first_ms = first_began_ms(ledger, wanted)
    return None if first_ms is None or (wanted.since_ms is not None and first_ms <= wanted.since_ms) else first_ms


def counted(count: int, what: str) -> str:
    """Return a number of things in words: `1 call`, `2,345 calls`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
