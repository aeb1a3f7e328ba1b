"""Send operator records about accounts and sinks to the sinks whose `types` include `legwork.operator.*`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from schemas.times import write_milliseconds
from worker.record.envelope import envelope, event_id
from worker.record.shape import sinks_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.ledger import Ledger


class Announcer(Protocol):
    """Where a record is put: a worker's context, or only a ledger, where nobody needs to be nudged."""

    @property
    def ledger(self) -> Ledger:
        """The ledger, whose backlogs get the record."""

    @property
    def nudge(self) -> Callable[[], None]:
        """Called when something new is due."""


def announce_new_ledger(context: Announcer) -> None:
    """Announce for each account that its ledger was created within the last day: it is the first day, or Redis lost its data.

    Every worker may do so any number of times; it is one record.
    """
    since_ms = context.ledger.new_since_ms()
    if since_ms is not None:
        for account_sid in context.ledger.calls:
            announce(context, account_sid, "ledger_new", once=str(since_ms), since=write_milliseconds(since_ms))


def announce(context: Announcer, account_sid: str, name: str, *, once: str | None = None, **data: Any) -> None:
    """Put an operator record on the backlogs of the sinks that want its type; without one, do nothing.

    `name` is one of `OPERATOR_EVENTS` (`schemas/record_types.py`); `data` says what happened, without secrets and full
    numbers. Calls with the same `once` make the same record, in any process.
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
