"""Requests and responses of `/api/replay`."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from schemas.record_types import CALL_TYPES
from schemas.settings.sink_fields import check_type
from webhook.api.shapes.fields import Instant, TrueOrFalse, call_sids, check_span

# For more, give a time span.
_MOST_SIDS = 1000


class _CallType(validate.OneOf):
    """One of the types of the records about calls; a refusal names the nearest."""

    def __call__(self, value: Any) -> Any:
        try:
            return check_type(value, CALL_TYPES)
        except ValidationError as error:
            raise ValidationError(f"It {error.messages[0]}. {self._format_error(value)}") from None


class Replaying(Schema):
    """Selects the records to redeliver: those of some calls, or of a time span."""

    call_sids = call_sids(_MOST_SIDS)
    since = Instant(metadata={"description": "The calls that became final or failed at or after this time."})
    until = Instant(load_default=None, allow_none=True, metadata={"description": "null: now."})
    account = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Only records of this account."}
    )
    sink = fields.String(load_default=None, allow_none=True, metadata={"description": "Only deliveries to this sink."})
    type = fields.String(
        load_default=None,
        validate=_CallType(CALL_TYPES),
        metadata={"description": "Only records of this type."},
    )
    only_missing = TrueOrFalse(load_default=False, metadata={"description": "Only what a sink never received."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count; change nothing."})

    @validates_schema
    def _calls_or_a_span(self, given: dict[str, Any], **_: Any) -> None:
        if ("call_sids" in given) == ("since" in given) or (given["until"] is not None and "since" not in given):
            raise ValidationError("Give either `call_sids` or a time span: `since`, and optionally `until`.", "since")
        if "since" in given:
            check_span(given["since"], given["until"])


class OfSink(Schema):
    """The result for one sink."""

    to_queue = fields.Integer(required=True, metadata={"description": "Number of records to queue."})
    queued = fields.Integer(required=True, metadata={"description": "Number queued; 0 in a dry run."})
    waiting = fields.Integer(required=True, metadata={"description": "Number already waiting for the sink."})
    delivered = fields.Integer(
        required=True, metadata={"description": "Number left out by `only_missing` because the sink has them."}
    )
    gone = fields.Integer(
        required=True, metadata={"description": "Number that expired (retention) before they could be queued."}
    )


class Replayed(Schema):
    """The result of a redelivery; the same as `legwork replay --json`."""

    dry_run = fields.Boolean(required=True)
    sinks = fields.Dict(keys=fields.String(), values=fields.Nested(OfSink()), required=True)
    wrong = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "By CallSid: why it was not redelivered."},
    )
