"""Calls as the lines of a list, the same in the API and on the command line (contract section 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook.operations.masking import on_one_line
from webhook.operations.times import utc

if TYPE_CHECKING:
    from webhook.operations.masking import Shown
    from worker.ledger.queries.rows import CallRow

_FACTS = ("started_at", "ended_at", "direction", "outcome")
_MORE_FACTS = ("talk_seconds", "duration_seconds", "legs")


def as_document(call: CallRow, shown: Shown) -> dict[str, Any]:
    """Return a call as plain data; numbers, and what others wrote, are shown as `shown` allows."""
    facts = call.facts
    return {
        "account_sid": call.account_sid,
        "call_sid": call.call_sid,
        "state": call.state,
        "at": utc(call.at_ms),
        "since": utc(call.since_ms),
        "reason": None if call.reason is None else on_one_line(shown.text(call.reason)),
        **{name: getattr(facts, name) for name in _FACTS},
        "customer": None if facts.customer is None else shown.number(facts.customer),
        "agent": None if facts.agent is None else shown.number(facts.agent),
        **{name: getattr(facts, name) for name in _MORE_FACTS},
        "custom_field": None if facts.custom_field is None else on_one_line(shown.as_asked(facts.custom_field)),
        "deliveries": {"done": call.delivered, "of": len(call.deliveries)},
    }
