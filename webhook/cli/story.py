"""One call's story, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from schemas.times import write_time
from webhook.cli.common import local, utc
from webhook.drawing import draw

if TYPE_CHECKING:
    from datetime import tzinfo

    from rich.console import Console

    from worker.ledger.standing import CallStory


def as_document(story: CallStory) -> dict[str, Any]:
    """All of it, as it can be read from JSON.

    But for what a sink said last: it may have repeated our secrets, which `legwork dead show` masks.
    """
    standing, details = story.standing, story.details
    return {
        "account_sid": standing.account_sid,
        "call_sid": standing.call_sid,
        "state": standing.state,
        "at": utc(standing.at_ms),
        "since": utc(details.since),
        "ended": utc(details.ended),
        "revision": details.revision,
        "fetches": details.fetches,
        "reason": details.reason,
        "callbacks": [
            {
                "kind": callback.kind,
                "event": callback.event,
                "ended": callback.ended,
                "received_at": write_time(callback.received_at),
                "params": callback.params,
            }
            for callback in story.callbacks
        ],
        "steps": [{**step, "at": utc(step["at"])} for step in story.steps],
        "records": story.events,
        "deliveries": {
            name: {
                **{part: value for part, value in delivery.items() if part != "last_answer"},
                "attempts": [{**attempt, "at": utc(attempt["at"])} for attempt in delivery.get("attempts", [])],
            }
            for name, delivery in story.deliveries.items()
        },
    }


def show(story: CallStory, zone: tzinfo, screen: Console) -> None:
    """Print it, times in `zone`."""
    standing, details = story.standing, story.details
    say = Printer(screen)
    say.heading(f"Call {standing.call_sid}")
    say.line(
        f"{standing.state}, account {standing.account_sid}, revision {details.revision}, fetched {details.fetches} time(s)"
    )
    say.line(f"first heard of at {local(details.since, zone)} ({zone})")
    if details.reason:
        say.line(details.reason)
    say.heading("Callbacks")
    for callback in story.callbacks:
        ended = ", the call has ended" if callback.ended else ""
        say.line(
            f"{local(callback.received_at.timestamp() * 1000, zone)}  {callback.kind}  {callback.event or '-'}{ended}"
        )
    if story.steps:
        say.heading("Steps")
    for step in story.steps:
        say.line(f"{local(step['at'], zone)}  {step['step']}  {step['answer']}")
    for name, event in story.events.items():
        _show_record(say, name, event, zone)
    if story.deliveries:
        say.heading("Deliveries")
    for name, delivery in story.deliveries.items():
        say.line(f"{name}  {delivery.get('state', 'waiting')}")
        for attempt in delivery.get("attempts", []):
            say.line(f"  {local(attempt['at'], zone)}  {attempt['answer']}")


class Printer:
    """Headings, and lines below them; what Exotel or a sink wrote is shown as it is, never as markup."""

    def __init__(self, screen: Console) -> None:
        self.screen = screen

    def heading(self, text: str) -> None:
        """Print a heading."""
        self.screen.print()
        self.screen.print(Text(text, style="bold"))

    def line(self, text: str | Text) -> None:
        """Print a line."""
        self.screen.print(Text("  ").append(text), soft_wrap=True)


def _show_record(say: Printer, name: str, event: dict[str, Any], zone: tzinfo) -> None:
    data = event["data"]
    say.heading(f"Record {name}" + ("" if data["settled"] else ", not settled"))
    duration = "?" if data["duration_seconds"] is None else data["duration_seconds"]
    say.line(
        f"{data['direction'] or 'direction unknown'}, {data['status'] or data.get('reason')}, {data['scenario']}, "
        f"{duration} s, {data['talk_seconds']:g} s talk, {data['participant_count']} participants"
        + (", monitored" if data["monitored"] else "")
    )
    who = [f"{part} {data[part]}" for part in ("customer", "agent", "exophone") if data[part]]
    if who:
        say.line(", ".join(who))
    width = say.screen.width - 2
    for line in draw(data["legs"], width=width, ascii_only=say.screen.options.ascii_only, zone=zone):
        say.line(line)
