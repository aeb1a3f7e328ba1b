"""Lists of calls, as a table for people and as plain data."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from webhook.cli.common import console, local
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.times import spoken, utc

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.queries.lookup import CallSummary

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
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("call", "account", "state", "received", "next step"):
        table.add_column(name, no_wrap=name != "next step")
    for call in _fit(ledger, found):
        heard = f"{spoken(max(0.0, now_ms - call.since_ms) / 1000)} ago" if call.since_ms else "?"
        coloured = f"[{_COLOURS[call.state]}]{call.state}[/]"
        table.add_row(call.call_sid, call.account_sid, coloured, heard, escape(_what_next(call, now_ms)))
    console().print(table)


def _what_next(call: CallSummary, now_ms: float) -> str:
    match call.state:
        case "waiting":
            wait = call.at_ms - now_ms
            return f"fetch in {spoken(wait / 1000)}" if wait > 0 else "queued, waits for quota"
        case "fetching":
            return "in progress"
        case "dead":
            return f"failed at {local(call.at_ms)} UTC: {call.reason or 'no reason stored'}"
        case _:
            return f"final at {local(call.at_ms)} UTC"
