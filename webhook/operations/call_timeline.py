"""The timeline of a call: callbacks, steps and attempts in one order, with runs of like entries folded."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from webhook.operations.times import took

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.callback import Callback
    from webhook.operations.masking import Shown
    from worker.ledger.queries.lookup import CallHistory

# Two like entries in a row are no run yet.
_FEWEST = 3
# What people read for a step of the call's history.
_STEPS = {"fetch": "fetched", "retry": "retry requested", "redeliver": "redelivery requested", "drop": "discarded"}


class TimelineEntry(NamedTuple):
    """An entry of a call's timeline; `at_ms` is of Redis's clock."""

    at_ms: float
    what: str
    text: str
    #: What differs from entry to entry of a run, such as how long an attempt took.
    detail: str = ""
    #: Where its details are: `callback-0`, `delivery-crm/1/completed`; '' if it has none.
    anchor: str = ""


class Run(NamedTuple):
    """Like entries that follow one another; a single one, or three and more that are folded."""

    entries: list[TimelineEntry]

    @property
    def is_folded(self) -> bool:
        """Return whether it is shown as one line."""
        return len(self.entries) >= _FEWEST


def timeline_of(history: CallHistory, shown: Shown) -> list[Run]:
    """Return a call's timeline, the earliest first."""
    entries = [*_callbacks(history, shown), *_steps(history, shown), *_attempts(history, shown)]
    entries.sort(key=lambda entry: entry.at_ms)
    runs = (list(group) for _, group in groupby(entries, key=lambda entry: (entry.what, entry.text)))
    return [Run(part) for run in runs for part in ([run] if len(run) >= _FEWEST else [[entry] for entry in run])]


def _callbacks(history: CallHistory, shown: Shown) -> Iterator[TimelineEntry]:
    for number, callback in enumerate(history.callbacks):
        at_ms = callback.received_at.timestamp() * 1000
        yield TimelineEntry(at_ms, "callback", told_by(callback, shown), anchor=f"callback-{number}")


def told_by(callback: Callback, shown: Shown) -> str:
    """Return what a callback is about: its kind, its event, whether the call has ended."""
    event = callback.event and shown.as_asked(callback.event)
    return ", ".join(filter(None, (callback.kind, event, "the call has ended" if callback.ended else "")))


def _steps(history: CallHistory, shown: Shown) -> Iterator[TimelineEntry]:
    for step in history.steps:
        yield TimelineEntry(step["at"], _STEPS.get(step["step"], step["step"]), shown.text(str(step["answer"])))


def _attempts(history: CallHistory, shown: Shown) -> Iterator[TimelineEntry]:
    for name, delivery in history.deliveries.items():
        sink = name.partition("/")[0]
        for attempt in delivery.get("attempts", []):
            lasted = took(attempt["seconds"]) if "seconds" in attempt else ""
            text = shown.text(attempt["answer"])
            yield TimelineEntry(attempt["at"], f"delivery to {sink}", text, lasted, f"delivery-{name}")
