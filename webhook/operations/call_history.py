"""One call's history, as `legwork calls show --json` and `/api/calls/<sid>` return it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.times import write_time
from webhook.operations.times import utc

if TYPE_CHECKING:
    from worker.ledger.queries.lookup import CallHistory


def as_document(history: CallHistory) -> dict[str, Any]:
    """Return the whole history as plain data.

    The sinks' last answers are left out: they may repeat our secrets. `legwork dead show` masks and shows them.
    """
    summary, details = history.summary, history.details
    return {
        "account_sid": summary.account_sid,
        "call_sid": summary.call_sid,
        "state": summary.state,
        "at": utc(summary.at_ms),
        "since": utc(details.since),
        "ended": utc(details.ended),
        "revision": details.revision,
        "fetches": details.fetches,
        "reason": details.reason,
        "confirm_at": utc(history.confirm_at_ms),
        "callbacks": [
            {
                "kind": callback.kind,
                "event": callback.event,
                "ended": callback.ended,
                "received_at": write_time(callback.received_at),
                "params": callback.params,
            }
            for callback in history.callbacks
        ],
        "steps": [{**step, "at": utc(step["at"])} for step in history.steps],
        "records": history.events,
        "deliveries": {
            name: {
                **{part: value for part, value in delivery.items() if part != "last_answer"},
                "attempts": [{**attempt, "at": utc(attempt["at"])} for attempt in delivery.get("attempts", [])],
            }
            for name, delivery in history.deliveries.items()
        },
    }
