"""Tell the operator: what happens to accounts and sinks, as records to the sinks that ask for `legwork.operator.*`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from schemas.times import write_milliseconds
from worker.record.envelope import envelope, event_id
from worker.record.shape import sinks_for

if TYPE_CHECKING:
    from worker.context import WorkerContext

#: What there is to be told; each is `legwork.operator.<name>`, once per change of state.
OPERATOR_EVENTS = (
    "account_suspended",
    "account_resumed",
    "quota_shared",
    "sink_failing",
    "sink_disabled",
    "sink_recovered",
    "call_dead",
    "ledger_new",
)


def announce_new_ledger(context: WorkerContext) -> None:
    """Tell of each account that its ledger was begun within the last day: it is a first day, or Redis has lost its data.

    Every worker may say so, as often as it likes; it is one record.
    """
    since_ms = context.ledger.new_since_ms()
    if since_ms is not None:
        for account_sid in context.ledger.calls:
            announce(context, account_sid, "ledger_new", once=str(since_ms), since=write_milliseconds(since_ms))


def announce(context: WorkerContext, account_sid: str, name: str, *, once: str | None = None, **data: Any) -> None:
    """Put an operator record on the backlogs of the sinks that ask for its type; without one, nothing happens.

    `name` is one of OPERATOR_EVENTS; `data` says what happened, and holds no secret and no full number. What has the same
    `once` is the same record, whoever tells it.
    """
    event_type = f"legwork.operator.{name}"
    specs = context.ledger.sinks.values()
    if not sinks_for(specs, account_sid, event_type):
        return
    now_ms = context.ledger.now_ms()
    told = f"{account_sid} {event_type} {once or f'{now_ms:.3f}'} {sorted(data.items())}"
    known_as = hashlib.sha256(told.encode()).hexdigest()
    event = envelope(
        event_type,
        account_sid,
        known_as=event_id(known_as),
        subject=str(data.get("call_sid") or data.get("sink") or account_sid),
        time=write_milliseconds(now_ms),
        data={"account_sid": account_sid, **data},
    )
    sinks = sinks_for(specs, account_sid, event_type, event)
    if sinks:
        context.ledger.calls[account_sid].announce(f"operator-{known_as[:16]}", event, sinks)
        context.nudge()
