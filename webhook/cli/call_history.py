"""Prints one call's history for people; `webhook/operations/call_history.py` has it as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from webhook.cli.common import local
from webhook.operations.call_summary import call_facts, summary_of_call
from webhook.operations.call_timeline import timeline_of
from webhook.operations.revisions import changes_between
from webhook.timeline.bars import draw

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from rich.console import Console

    from webhook.operations.call_timeline import Run
    from webhook.operations.masking import Shown
    from worker.ledger import Ledger
    from worker.ledger.queries.lookup import CallHistory
    from worker.record.summary import CallFacts


# What people read for a call's state.
_STATES = {"settled": "final", "dead": "failed"}


def show(history: CallHistory, ledger: Ledger, screen: Console, shown: Shown) -> None:
    """Print it, times in the account's zone; numbers, and texts of Exotel and sinks, as `shown` allows."""
    summary, details = history.summary, history.details
    zone = ledger.account(summary.account_sid).timezone
    say = Printer(screen, shown.as_asked)
    say.heading(f"Call {summary.call_sid}")
    say.line(summary_of_call(ledger, history, shown.number))
    say.line(
        f"{_STATES.get(summary.state, summary.state)}, account {summary.account_sid}, revision {details.revision}, "
        f"fetched {details.fetches} time(s)"
    )
    _show_facts(say, call_facts(ledger, history))
    say.line(f"received at {local(details.since, zone)} ({zone})")
    if history.confirm_at_ms is not None:
        say.line(f"confirming read at {local(history.confirm_at_ms, zone)} or later, at lowest priority")
    if details.reason:
        say.line(details.reason)
    _show_timeline(say, timeline_of(history, shown), zone)
    before: dict[str, Any] | None = None
    for name, event in history.events.items():
        _show_record(say, name, event, zone, shown)
        for change in changes_between(before, event["data"], shown) if before else ():
            say.line(f"changed: {change.name} {change.before} -> {change.after}")
        before = event["data"]
    if history.deliveries:
        say.heading("Deliveries")
    for name, delivery in history.deliveries.items():
        _show_delivery(say, name, delivery, zone)


def _show_facts(say: Printer, facts: CallFacts) -> None:
    if facts.custom_field:
        say.line(f"custom field {facts.custom_field}")
    if facts.recording_url:
        say.line(f"recording {facts.recording_url}")


def _show_timeline(say: Printer, runs: list[Run], zone: tzinfo) -> None:
    say.heading("Timeline")
    for run in runs:
        first, last = run.entries[0], run.entries[-1]
        number = f" ({len(run.entries)} times, until {local(last.at_ms, zone)[11:]})" if run.is_folded else ""
        detail = f", {first.detail}" if first.detail and not run.is_folded else ""
        say.line(f"{local(first.at_ms, zone)}  {first.what}  {first.text}{detail}{number}")


class Printer:
    """Prints headings and lines; texts of Exotel and sinks are never interpreted as markup."""

    def __init__(self, screen: Console, fit: Callable[[str], str] = str) -> None:
        self.screen, self._fit = screen, fit

    def heading(self, text: str) -> None:
        """Print a heading."""
        self.screen.print()
        self.screen.print(Text(text, style="bold"))

    def line(self, text: str | Text) -> None:
        """Print a line without control characters."""
        if isinstance(text, str):
            text = "".join(char if char.isprintable() else " " for char in self._fit(text))
        self.screen.print(Text("  ").append(text), soft_wrap=True)


def _show_delivery(say: Printer, name: str, delivery: dict[str, Any], zone: tzinfo) -> None:
    say.line(f"{name}  {delivery.get('state', 'waiting')}")
    for attempt in delivery.get("attempts", []):
        took = f"  after {attempt['seconds']:.3f} s" if "seconds" in attempt else ""
        say.line(f"  {local(attempt['at'], zone)}  {attempt['answer']}{took}")
        for line in attempt.get("body", "").splitlines():
            say.line(f"    {line}")


def _show_record(say: Printer, name: str, event: dict[str, Any], zone: tzinfo, shown: Shown) -> None:
    data = event["data"]
    say.heading(f"Record {name}" + ("" if data["settled"] else ", not final"))
    duration = "?" if data["duration_seconds"] is None else data["duration_seconds"]
    say.line(
        f"{data['direction'] or 'direction unknown'}, {data['status'] or data.get('reason')}, {data['scenario']}, "
        f"{duration} s, {data['talk_seconds']:g} s talk, {data['participant_count']} participants"
        + (", monitored" if data["monitored"] else "")
    )
    who = [f"{part} {shown.number(data[part])}" for part in ("customer", "agent", "exophone") if data[part]]
    if who:
        say.line(", ".join(who))
    width = say.screen.width - 2
    for line in draw(shown.document(data["legs"]), width=width, ascii_only=say.screen.options.ascii_only, zone=zone):
        say.line(line)
