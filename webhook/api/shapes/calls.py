"""Requests and responses of `/api/calls`."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook.api.shapes.fields import Cursor, Instant, TrueOrFalse, TrueOrFalseInUrl, Whole, page_size, timestamp
from worker.ledger.operations.refetching import Refetch
from worker.ledger.queries.lookup import STATES
from worker.ledger.queries.number_search import NUMBER


class Call(Schema):
    """A call and its state."""

    account_sid = fields.String(required=True)
    call_sid = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    at = timestamp("When it is due, or when it became final or failed.", required=True)
    since = timestamp("When its first callback arrived.", required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it failed."})


class Calls(Schema):
    """A page of calls."""

    calls = fields.List(fields.Nested(Call()), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "The next page's `after`; null on the last one."}
    )


class WhichCalls(Schema):
    """The filter of a list of calls."""

    state = fields.String(validate=validate.OneOf(STATES), metadata={"description": "Only calls in this state."})
    account = fields.String(metadata={"description": "Only calls of this account, by its SID."})
    since = Instant(metadata={"description": "Only calls whose `at` is at or after this time."})
    until = Instant(metadata={"description": "Only calls whose `at` is before this time."})
    limit = page_size()
    after = Cursor()


class Number(Schema):
    """A party's number."""

    number = fields.String(
        required=True,
        validate=Whole(
            f"^{NUMBER}$",
            error="Give a number as dialled, in E.164 (+919000000001), or a SIP address.",
        ),
        metadata={
            "description": "As dialled in the account's region, in E.164, or a SIP address.",
            "example": "+919000000001",
        },
    )
    after = Cursor(load_default=None)


class FoundCalls(Calls):
    """The calls with a number, among a page of the latest."""

    looked_through = fields.Integer(
        required=True, metadata={"description": "Number of calls searched; pass `next` as `after` to go on."}
    )


class Numbers(Schema):
    """Whether to show numbers in full."""

    numbers = TrueOrFalseInUrl(load_default=False, metadata={"description": "Show numbers in full; this is logged."})


class CallbackTold(Schema):
    """A callback as received."""

    kind = fields.String(required=True)
    event = fields.String(required=True, allow_none=True)
    ended = fields.Boolean(required=True, metadata={"description": "Whether it said that the call has ended."})
    received_at = fields.String(required=True, metadata={"format": "date-time"})
    params = fields.Dict(required=True)


class CallHistory(Call):
    """Everything that the ledger holds about a call; the same as `legwork calls show --json`."""

    state = fields.String(required=True, validate=validate.OneOf([*STATES, "dropped"]))
    ended = timestamp("When a callback said that the call has ended.", required=True)
    confirm_at = timestamp(
        "Earliest time of the confirming read of a final call; null if there is none.", required=True
    )
    revision = fields.Integer(required=True)
    fetches = fields.Integer(required=True)
    callbacks = fields.List(fields.Nested(CallbackTold()), required=True)
    steps = fields.List(
        fields.Dict(), required=True, metadata={"description": "What was done: `at`, `step`, `answer`."}
    )
    records = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(),
        required=True,
        metadata={"description": "Records by `<revision>/<kind>`: see /schemas/call-record/v1.json."},
    )
    deliveries = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(),
        required=True,
        metadata={"description": "Deliveries by `<sink>/<revision>/<kind>`: the `state` and the last `attempts`."},
    )


class Fetched(Schema):
    """The result of a request to fetch a call now."""

    call_sid = fields.String(required=True)
    queued = fields.Boolean(
        required=True,
        metadata={"description": "False if nothing had to be done: a worker has it, or it is due already."},
    )
    outcome = fields.String(
        required=True,
        validate=validate.OneOf([outcome.value for outcome in Refetch]),
        metadata={
            "description": "`sooner`: it was waiting and is due now. `confirm`: it is final and is read once more, at lowest "
            "priority; a correction is sent if anything differs. `retried`: it had failed or was discarded, and its retry "
            "schedule starts again. `under_way`: nothing had to be done, see `queued`."
        },
    )


class Delivering(Schema):
    """Where to redeliver a call's records."""

    sink = fields.String(
        load_default=None, allow_none=True, metadata={"description": "null: every sink that accepts them."}
    )
    only_missing = TrueOrFalse(load_default=False, metadata={"description": "Only what a sink never received."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count; change nothing."})
