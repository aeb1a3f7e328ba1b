"""Tell the operator: what happens to accounts and sinks, as records to the sinks that ask for `legwork.operator.*`."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.workshop import Workshop

#: What there is to be told; each is `legwork.operator.<name>`, once per change of state.
OPERATOR_EVENTS = (
    "account_suspended",
    "account_resumed",
    "quota_shared",
    "sink_failing",
    "sink_disabled",
    "sink_recovered",
    "call_dead",
)


def announce(shop: Workshop, account_sid: str, name: str, **data: Any) -> None:
    """Put an operator record on the backlogs of the sinks that ask for its type; without one, nothing happens.

    `name` is one of OPERATOR_EVENTS; `data` says what happened, and holds no secret and no full number.
    """
    event_type = f"legwork.operator.{name}"
    if not shop.sinks_for(account_sid, event_type):
        return
    now_ms = shop.ledger.now_ms()
    known_as = hashlib.sha256(f"{account_sid} {event_type} {now_ms:.3f} {sorted(data.items())}".encode()).hexdigest()
    event = {
        "specversion": "1.0",
        "id": f"evt_{known_as[:40]}",
        "source": f"/exotel/accounts/{account_sid}",
        "type": event_type,
        "subject": str(data.get("call_sid") or data.get("sink") or account_sid),
        "time": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"account_sid": account_sid, **data},
    }
    sinks = shop.sinks_for(account_sid, event_type, event)
    if sinks:
        shop.ledger.calls[account_sid].announce(f"operator-{known_as[:16]}", event, sinks)
        shop.nudge()
