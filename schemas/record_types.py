"""The types of all records that sinks may receive (contract sections 5 and 6)."""

from __future__ import annotations

from schemas.record import TYPES

#: About calls: a sink without `types` receives all of these.
CALL_TYPES = TYPES

#: The operator events; each is `legwork.operator.<name>`, once per change of state.
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
OPERATOR_TYPES = tuple(f"legwork.operator.{name}" for name in OPERATOR_EVENTS)

RECORD_TYPES = (*CALL_TYPES, *OPERATOR_TYPES)
