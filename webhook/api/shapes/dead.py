"""What `/api/dead` takes and answers with."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from webhook.api.shapes.fields import Cursor, TrueOrFalse, Whole, moment, page_size

# More of them are better chosen by what they have in common.
_MOST_IDS = 1000
# `<CallSid>/<sink>/<revision>/<kind>`, or of a fetch `<CallSid>/fetch/`; an operator record has a name in the CallSid's place.
_ID = r"[0-9A-Za-z-]{8,64}/[a-z0-9][a-z0-9_-]{0,63}/([0-9]{1,9}/[a-z_-]{1,64})?"
_AFTER = rf"[0-9]{{1,16}}(\.[0-9]{{1,9}})?-{_ID}"


class Letter(Schema):
    """Something given up on: the fetch of a call, or a delivery."""

    id = fields.String(
        required=True, metadata={"description": "`<CallSid>/<sink>/<record>`, of a fetch `<CallSid>/fetch/`."}
    )
    what = fields.String(required=True, validate=validate.OneOf(["fetch", "delivery"]))
    account_sid = fields.String(required=True)
    call_sid = fields.String(required=True)
    at = moment("When it was given up on.", required=True)
    reason = fields.String(required=True)
    sink = fields.String()
    record = fields.String(metadata={"description": "`<revision>/<kind>`"})
    attempts = fields.List(fields.Dict(), metadata={"description": "The last ones: `at`, `answer`."})
    last_answer = fields.Dict(
        allow_none=True,
        metadata={"description": "What the sink said last: `at`, `status`, `body`. A stranger wrote it."},
    )


class Reason(Schema):
    """How many were given up on for the same reason."""

    what = fields.String(required=True, metadata={"description": "The sink, or `fetch`."})
    reason = fields.String(required=True)
    count = fields.Integer(required=True)


class Dead(Schema):
    """A page of what was given up on, the latest first."""

    count = fields.Integer(required=True, metadata={"description": "How many there are in all."})
    reasons = fields.List(
        fields.Nested(Reason()),
        required=True,
        metadata={"description": "On the first page: counted over the oldest `counted`."},
    )
    counted = fields.Integer(required=True, metadata={"description": "On the first page: how many `reasons` tells of."})
    dead = fields.List(fields.Nested(Letter()), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "The next page's `after`; null on the last one."}
    )


class WhichDead(Schema):
    """Which of the dead are wanted."""

    account = fields.String(metadata={"description": "Only what is of this account, by its SID."})
    sink = fields.String(metadata={"description": "Only deliveries to this sink."})
    limit = page_size()
    after = Cursor(_AFTER)


class Choosing(Schema):
    """Which of the dead are meant: some, what has something in common, or all."""

    ids = fields.List(
        fields.String(validate=Whole(f"^{_ID}$", error="Give the `id` of a letter.")),
        validate=validate.Length(1, _MOST_IDS),
        metadata={"description": "These, each by its `id`."},
    )
    reason = fields.String(
        validate=validate.Length(1, 1000),
        metadata={"description": "What has this in its reason, in small letters or capitals."},
    )
    sink = fields.String(validate=validate.Length(1, 64), metadata={"description": "Deliveries to this sink."})
    account = fields.String(validate=validate.Length(1, 64), metadata={"description": "What is of this account."})
    all = TrueOrFalse(load_default=False, metadata={"description": "All of it, where nothing else is given."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count."})

    @validates_schema
    def _one_way(self, given: dict[str, Any], **_: Any) -> None:
        narrowed = bool({"reason", "sink", "account"} & given.keys())
        if [given["all"], narrowed, "ids" in given].count(True) != 1:
            right = "Choose by `ids`, or by `reason`, `sink` and `account`, or say `all`: one of the three."
            raise ValidationError(right, "ids")


class ChangedCounts(Schema):
    """How many something was done to; in a dry run, would be."""

    dry_run = fields.Boolean(required=True, metadata={"description": "True: nothing was done."})
    calls = fields.Integer(required=True, metadata={"description": "Calls whose fetch had been given up on."})
    deliveries = fields.Integer(required=True, metadata={"description": "Deliveries that had been given up on."})
    wrong = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The `ids` that nothing is dead by, any more or at all."},
    )
