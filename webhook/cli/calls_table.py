"""Lists of calls, as a table for people and as plain data."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from webhook.cli.columns import Cell, Column, show_table
from webhook.operations.call_rows import as_document
from webhook.operations.masking import Shown, on_one_line
from webhook.operations.times import ago, spoken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from worker.ledger import Ledger
    from worker.ledger.queries.rows import CallRow

_ARROWS = {"inbound": "in", "outbound": "out"}
_OUTCOME_COLOURS = {"answered": "green", "missed": "yellow", "busy": "yellow", "failed": "red"}
_STATE_COLOURS = {"waiting": "yellow", "fetching": "cyan", "dead": "red"}


def as_documents(ledger: Ledger, found: Sequence[CallRow], *, numbers: bool) -> list[dict[str, Any]]:
    """Return the calls as `--json` and the API show them."""
    shown = _shown(ledger, numbers=numbers)
    return [as_document(call, shown) for call in found]


def show_calls(ledger: Ledger, found: Sequence[CallRow], *, numbers: bool) -> None:
    """Print the calls, one line each: at 80 columns what happened, and as much of the CallSid as has room."""
    now_ms, shown = ledger.now_ms(), _shown(ledger, numbers=numbers)
    zones = {sid: ledger.account(sid).timezone for sid in {call.account_sid for call in found}}
    offsets = {_offset(call, zones[call.account_sid]) for call in found}
    common = offsets.pop() if len(offsets) == 1 else None
    columns = [
        Column(f"began {common}" if common else "began"),
        Column("", drop=4),
        Column("customer"),
        Column("agent", least=5, drop=5),
        Column("outcome", least=8),
        Column("talk", right=True, drop=6),
        Column("legs", right=True, drop=3),
        Column("sent", right=True, drop=7),
        Column("state", least=9),
        *([Column("account", least=8, drop=1)] if len(ledger.calls) > 1 else []),
        Column("custom field", least=8, drop=2),
        Column("call", least=9),
    ]
    rows: list[list[str | Cell]] = []
    for call in found:
        facts, zone = call.facts, zones[call.account_sid]
        began = f"{datetime.fromtimestamp(call.began_ms / 1000, zone):%d %b %H:%M}"
        rows.append(
            [
                began if common else f"{began} {_offset(call, zone)}",
                _ARROWS.get(facts.direction or "", ""),
                "" if facts.customer is None else shown.number(facts.customer),
                "" if facts.agent is None else shown.number(facts.agent),
                Cell(facts.outcome or "", _OUTCOME_COLOURS.get(facts.outcome or "", "")),
                "" if facts.talk_seconds is None else f"{facts.talk_seconds:g} s",
                "" if facts.legs is None else str(facts.legs),
                f"{call.delivered}/{len(call.deliveries)}" if call.deliveries else "",
                Cell(_state(call, now_ms, shown), _STATE_COLOURS.get(call.state, "")),
                *([call.account_sid] if len(ledger.calls) > 1 else []),
                "" if facts.custom_field is None else on_one_line(shown.as_asked(facts.custom_field)),
                call.call_sid,
            ]
        )
    show_table(columns, rows)


def _shown(ledger: Ledger, *, numbers: bool) -> Shown:
    ledger.refresh_sinks()
    return Shown(ledger.settings, list(ledger.sinks.values()), numbers=numbers)


def _offset(call: CallRow, zone: tzinfo) -> str:
    written = datetime.fromtimestamp(call.began_ms / 1000, zone).isoformat(timespec="seconds")
    return "UTC" if written.endswith("+00:00") else written[-6:]


def _state(call: CallRow, now_ms: float, shown: Shown) -> str:
    match call.state:
        case "waiting":
            wait = call.at_ms - now_ms
            return f"fetch in {spoken(wait / 1000)}" if wait > 0 else "queued"
        case "fetching":
            return "fetching"
        case "dead":
            reason = on_one_line(shown.text(call.reason)) if call.reason else "no reason stored"
            return f"failed {ago(call.at_ms, now_ms)}: {reason}"
        case "dropped":
            return "dropped"
        case _:
            return "final"
