"""Lists of calls, as a table for people and as plain data."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from webhook.cli.columns import Cell, Column, show_table
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.times import ago, spoken, utc

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.queries.lookup import CallSummary

_COLUMNS = [
    Column("call"),
    Column("account", least=8, drop=1),
    Column("state"),
    Column("received", drop=2),
    Column("next step", least=14),
]
_COLOURS = {"waiting": "yellow", "fetching": "cyan", "settled": "green", "dead": "red"}


def as_documents(ledger: Ledger, found: list[CallSummary]) -> list[dict[str, Any]]:
    documents = []
    for call in _fit(ledger, found):
        shown = asdict(call)
        at, since = utc(shown.pop("at_ms")), utc(shown.pop("since_ms"))
        documents.append({**shown, "at": at, "since": since})
    return documents


def _fit(ledger: Ledger, found: list[CallSummary]) -> list[CallSummary]:
    """Return the calls with reasons, which Exotel wrote, made safe to show."""
    fit = DeadLetters(ledger).fit
    return [replace(call, reason=call.reason and fit(call.reason)) for call in found]


def show_calls(ledger: Ledger, found: list[CallSummary]) -> None:
    now_ms = ledger.now_ms()
    rows: list[list[str | Cell]] = []
    for call in _fit(ledger, found):
        heard = ago(call.since_ms, now_ms) if call.since_ms else "?"
        state = Cell(call.state, _COLOURS[call.state])
        rows.append([call.call_sid, call.account_sid, state, heard, _what_next(call, now_ms)])
    show_table(_COLUMNS, rows)


def _what_next(call: CallSummary, now_ms: float) -> str:
    match call.state:
        case "waiting":
            wait = call.at_ms - now_ms
            return f"fetch in {spoken(wait / 1000)}" if wait > 0 else "queued, waits for quota"
        case "fetching":
            return "in progress"
        case "dead":
            return f"failed {ago(call.at_ms, now_ms)}: {call.reason or 'no reason stored'}"
        case _:
            return f"final {ago(call.at_ms, now_ms)}"
