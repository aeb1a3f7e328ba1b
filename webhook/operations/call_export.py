"""Calls as CSV (RFC 4180) or as JSON lines, for spreadsheets and programs (contract section 14)."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from webhook.operations.masking import on_one_line
from webhook.operations.times import utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from webhook.operations.masking import Shown
    from worker.ledger.queries.rows import CallRow

COLUMNS = (
    "started_at",
    "ended_at",
    "direction",
    "outcome",
    "customer",
    "agent",
    "wait_seconds",
    "talk_seconds",
    "duration_seconds",
    "legs",
    "exophone",
    "custom_field",
    "recording_url",
    "account_sid",
    "call_sid",
)
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_document(call: CallRow, shown: Shown) -> dict[str, Any]:
    """Return a call by COLUMNS; `started_at` of one whose beginning is not known is when it was first heard of."""
    facts = call.facts

    def party(number: str | None) -> str | None:
        return None if number is None else shown.number(number)

    return {
        **{name: getattr(facts, name, None) for name in COLUMNS},
        "started_at": facts.started_at or utc(call.began_ms),
        "customer": party(facts.customer),
        "agent": party(facts.agent),
        "exophone": party(facts.exophone),
        "custom_field": None if facts.custom_field is None else on_one_line(shown.as_asked(facts.custom_field)),
        "recording_url": None if facts.recording_url is None else on_one_line(shown.as_asked(facts.recording_url)),
        "account_sid": call.account_sid,
        "call_sid": call.call_sid,
    }


def csv_lines(calls: Iterable[CallRow], shown: Shown) -> Iterator[str]:
    """Yield a line of names, then one for each call, each with its line end."""
    yield csv_line(COLUMNS)
    for call in calls:
        yield csv_line(map(disarmed, as_document(call, shown).values()))


def json_lines(calls: Iterable[CallRow], shown: Shown) -> Iterator[str]:
    """Yield one line of JSON for each call."""
    for call in calls:
        yield f"{json.dumps(as_document(call, shown))}\n"


def disarmed(value: Any) -> Any:
    """Return a text that a spreadsheet would take for a formula with an apostrophe before it; a number in E.164 stays."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _E164.fullmatch(value):
        return f"'{value}"
    return "" if value is None else value


def csv_line(cells: Iterable[Any]) -> str:
    """Return a line of CSV with its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
