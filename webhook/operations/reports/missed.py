"""The report of missed calls: whom nobody answered, and whether that was made good since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.times import EPOCH, write_time
from webhook.operations.reports.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.record.reported import ReportedCall

COLUMNS = ("customer", "missed", "last_missed_at", "answered_since", "called_back_since")


@dataclass(slots=True)
class _Tally:
    """When a customer's last calls of each kind began; earlier than any call if there was none."""

    missed: int = 0
    last_missed_at: datetime = EPOCH
    last_answered_at: datetime = EPOCH
    last_called_back_at: datetime = EPOCH


def missed(calls: Iterable[ReportedCall]) -> Report:
    """Report on customers whose inbound calls were missed: first those whom nobody has spoken to since, the latest first.

    `answered_since`: an inbound call of the customer that began after the last missed one was answered.
    `called_back_since`: an outbound call that began after it was answered by the customer. Only calls of the report's own
    span of time count. Missed calls of customers without a number are in no row: nobody could be called back.
    """
    tallies: dict[str, _Tally] = {}
    count = unlisted = 0
    for call in calls:
        is_inbound = call.direction == "inbound"
        count += is_inbound
        if call.customer is None:
            unlisted += is_inbound and call.outcome == "missed"
            continue
        if call.outcome not in {"missed", "answered"}:
            continue
        tally = tallies.setdefault(call.customer, _Tally())
        if is_inbound and call.outcome == "missed":
            tally.missed += 1
            tally.last_missed_at = max(tally.last_missed_at, call.began_at)
        elif is_inbound:
            tally.last_answered_at = max(tally.last_answered_at, call.began_at)
        elif call.direction == "outbound" and call.outcome == "answered":
            tally.last_called_back_at = max(tally.last_called_back_at, call.began_at)
    found = [(name, tally) for name, tally in tallies.items() if tally.missed]
    rows = [
        {
            "customer": name,
            "missed": tally.missed,
            "last_missed_at": write_time(tally.last_missed_at),
            "answered_since": tally.last_answered_at > tally.last_missed_at,
            "called_back_since": tally.last_called_back_at > tally.last_missed_at,
        }
        for name, tally in sorted(found, key=_urgency)
    ]
    return Report(rows, count, unlisted)


def _urgency(one: tuple[str, _Tally]) -> tuple[bool, float, str]:
    name, tally = one
    spoken_to = max(tally.last_answered_at, tally.last_called_back_at) > tally.last_missed_at
    return spoken_to, -tally.last_missed_at.timestamp(), name
