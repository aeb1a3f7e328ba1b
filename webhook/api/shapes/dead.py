"""Requests and responses of `/api/dead`."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from webhook.api.shapes.fields import Cursor, TrueOrFalse, Whole, page_size, timestamp

# For more, select by `reason`, `sink` or `account`.
_MOST_IDS = 1000
# `<CallSid>/<sink>/<revision>/<kind>`, or `<CallSid>/fetch/` for a fetch; an operator record has a name instead of a CallSid.
_ID = r"[0-9A-Za-z-]{8,64}/[a-z0-9][a-z0-9_-]{0,63}/([0-9]{1,9}/[a-z_-]{1,64})?"
_AFTER = rf"[0-9]{{1,16}}(\.[0-9]{{1,9}})?-{_ID}"


class Letter(Schema):
    """A failure whose retries are exhausted: the fetch of a call, or a delivery (a dead letter)."""

    id = fields.String(
        required=True, metadata={"description": "`<CallSid>/<sink>/<record>`, or `<CallSid>/fetch/` for a fetch."}
    )
    what = fields.String(required=True, validate=validate.OneOf(["fetch", "delivery"]))
    account_sid = fields.String(required=True)
    call_sid = fields.String(required=True)
    at = timestamp("When the last retry failed.", required=True)
    reason = fields.String(required=True)
    sink = fields.String()
    record = fields.String(metadata={"description": "`<revision>/<kind>`"})
    attempts = fields.List(
        fields.Dict(), metadata={"description": "The last ones: `at`, `answer`, `seconds`, `status`, `body`."}
    )
    last_answer = fields.Dict(
        allow_none=True,
        metadata={"description": "The sink's last response: `at`, `status`, `body`. Untrusted content."},
    )


class Reason(Schema):
    """How many failed for the same reason."""

    what = fields.String(required=True, metadata={"description": "The sink, or `fetch`."})
    reason = fields.String(required=True)
    count = fields.Integer(required=True)


class Dead(Schema):
    """A page of failures, latest first."""

    count = fields.Integer(required=True, metadata={"description": "Total number."})
    reasons = fields.List(
        fields.Nested(Reason()),
        required=True,
        metadata={"description": "On the first page: counts by reason, over the oldest `counted` failures."},
    )
    counted = fields.Integer(
        required=True, metadata={"description": "On the first page: how many failures `reasons` covers."}
    )
    dead = fields.List(fields.Nested(Letter()), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "The next page's `after`; null on the last one."}
    )


class WhichDead(Schema):
    """The filter of a list of failures."""

    account = fields.String(metadata={"description": "Only failures of this account, by its SID."})
    sink = fields.String(metadata={"description": "Only deliveries to this sink."})
    limit = page_size()
    after = Cursor(_AFTER)


class Choosing(Schema):
    """Selects failures: by id, by what they have in common, or all."""

    ids = fields.List(
        fields.String(validate=Whole(f"^{_ID}$", error="Give the `id` of a failure.")),
        validate=validate.Length(1, _MOST_IDS),
        metadata={"description": "The failures with these `id`s."},
    )
    reason = fields.String(
        validate=validate.Length(1, 1000),
        metadata={"description": "Failures whose reason contains this text; case is ignored."},
    )
    sink = fields.String(validate=validate.Length(1, 64), metadata={"description": "Deliveries to this sink."})
    account = fields.String(validate=validate.Length(1, 64), metadata={"description": "Failures of this account."})
    all = TrueOrFalse(load_default=False, metadata={"description": "All failures; only without any other selection."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count; change nothing."})

    @validates_schema
    def _one_way(self, given: dict[str, Any], **_: Any) -> None:
        narrowed = bool({"reason", "sink", "account"} & given.keys())
        if [given["all"], narrowed, "ids" in given].count(True) != 1:
            right = "Select either by `ids`, or by `reason`, `sink` and `account`, or give `all`."
            raise ValidationError(right, "ids")


class ChangedCounts(Schema):
    """How many were changed, or in a dry run would be."""

    dry_run = fields.Boolean(required=True, metadata={"description": "True: nothing was changed."})
    calls = fields.Integer(required=True, metadata={"description": "Number of failed calls."})
    deliveries = fields.Integer(required=True, metadata={"description": "Number of dead letters."})
    wrong = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The `ids` that name no failure, or no longer do."},
    )
