"""Prints one call's history for people; `webhook/operations/call_history.py` has it as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from webhook.cli.common import local
from webhook.timeline.bars import draw

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from rich.console import Console

    from webhook.operations.masking import Shown
    from worker.ledger.queries.lookup import CallHistory


def show(history: CallHistory, zone: tzinfo, screen: Console, shown: Shown) -> None:
    """Print it, times in `zone`; numbers, and texts of Exotel and sinks, as `shown` allows."""
    summary, details = history.summary, history.details
    say = Printer(screen, shown.as_asked)
    say.heading(f"Call {summary.call_sid}")
    say.line(
        f"{summary.state}, account {summary.account_sid}, revision {details.revision}, fetched {details.fetches} time(s)"
    )
    say.line(f"received at {local(details.since, zone)} ({zone})")
    if history.confirm_at_ms is not None:
        say.line(f"confirming read at {local(history.confirm_at_ms, zone)} or later, at lowest priority")
    if details.reason:
        say.line(details.reason)
    say.heading("Callbacks")
    for callback in history.callbacks:
        ended = ", the call has ended" if callback.ended else ""
        say.line(
            f"{local(callback.received_at.timestamp() * 1000, zone)}  {callback.kind}  {callback.event or '-'}{ended}"
        )
    if history.steps:
        say.heading("Steps")
    for step in history.steps:
        say.line(f"{local(step['at'], zone)}  {step['step']}  {step['answer']}")
    for name, event in history.events.items():
        _show_record(say, name, event, zone, shown)
    if history.deliveries:
        say.heading("Deliveries")
    for name, delivery in history.deliveries.items():
        _show_delivery(say, name, delivery, zone)


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
