"""What `/api/replay` takes and answers with."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from webhook.api.shapes.fields import Instant, TrueOrFalse, call_sids, check_span
from worker.ledger.operations.replaying import RECORD_TYPES

# More of them are better chosen by a span of time.
_MOST_SIDS = 1000


class Replaying(Schema):
    """Which records are to be delivered again: those of some calls, or of a span of time."""

    call_sids = call_sids(_MOST_SIDS)
    since = Instant(metadata={"description": "The calls settled or given up on since then."})
    until = Instant(load_default=None, allow_none=True, metadata={"description": "null: now."})
    account = fields.String(load_default=None, allow_none=True, metadata={"description": "Only of this account."})
    sink = fields.String(load_default=None, allow_none=True, metadata={"description": "Only to this sink."})
    type = fields.String(
        load_default=None,
        validate=validate.OneOf(RECORD_TYPES),
        metadata={"description": "Only records of this type."},
    )
    only_missing = TrueOrFalse(load_default=False, metadata={"description": "Only what a sink never got."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count."})

    @validates_schema
    def _calls_or_a_span(self, given: dict[str, Any], **_: Any) -> None:
        if ("call_sids" in given) == ("since" in given) or (given["until"] is not None and "since" not in given):
            raise ValidationError(
                "Name calls by `call_sids`, or give a span: `since`, and `until` if need be.", "since"
            )
        if "since" in given:
            check_span(given["since"], given["until"])


class OfSink(Schema):
    """What became of the records for a sink."""

    to_queue = fields.Integer(required=True, metadata={"description": "How many there were to queue."})
    queued = fields.Integer(required=True, metadata={"description": "How many were queued; none in a dry run."})
    waiting = fields.Integer(required=True, metadata={"description": "Waiting for it already."})
    delivered = fields.Integer(
        required=True, metadata={"description": "It has them, and only what it misses was asked for."}
    )
    gone = fields.Integer(required=True, metadata={"description": "Forgotten before they could be queued."})


class Replayed(Schema):
    """What became of them; what `legwork replay --json` prints."""

    dry_run = fields.Boolean(required=True)
    sinks = fields.Dict(keys=fields.String(), values=fields.Nested(OfSink()), required=True)
    wrong = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, metadata={"description": "By CallSid: why not."}
    )
