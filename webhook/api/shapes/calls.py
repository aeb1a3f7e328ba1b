"""What `/api/calls` takes and answers with."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook.api.shapes.fields import Cursor, Instant, TrueOrFalse, TrueOrFalseInUrl, Whole, moment, page_size
from worker.ledger.operations.refetching import Refetch
from worker.ledger.queries.lookup import STATES
from worker.ledger.queries.number_search import NUMBER


class Call(Schema):
    """Where a call stands."""

    account_sid = fields.String(required=True)
    call_sid = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    at = moment("When it is due, or was settled or given up on.", required=True)
    since = moment("When it was first heard of.", required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it was given up on."})


class Calls(Schema):
    """A page of calls."""

    calls = fields.List(fields.Nested(Call()), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "The next page's `after`; null on the last one."}
    )


class WhichCalls(Schema):
    """Which calls are wanted."""

    state = fields.String(validate=validate.OneOf(STATES), metadata={"description": "Those in this state."})
    account = fields.String(metadata={"description": "Those of this account, by its SID."})
    since = Instant(metadata={"description": "Those whose `at` is no earlier."})
    until = Instant(metadata={"description": "Those whose `at` is earlier."})
    limit = page_size()
    after = Cursor()


class Number(Schema):
    """A party's number."""

    number = fields.String(
        required=True,
        validate=Whole(
            f"^{NUMBER}$",
            error="Give a number as it is dialled, or in E.164 (+919000000001), or a sip address.",
        ),
        metadata={
            "description": "As it is dialled in the account's region, in E.164, or a sip address.",
            "example": "+919000000001",
        },
    )
    after = Cursor(load_default=None)


class FoundCalls(Calls):
    """The calls with a number among the latest ones."""

    looked_through = fields.Integer(required=True, metadata={"description": "How many calls; `next` looks on."})


class Numbers(Schema):
    """Are numbers wanted in full?"""

    numbers = TrueOrFalseInUrl(load_default=False, metadata={"description": "In full; that they were shown is logged."})


class CallbackTold(Schema):
    """A callback as it came."""

    kind = fields.String(required=True)
    event = fields.String(required=True, allow_none=True)
    ended = fields.Boolean(required=True, metadata={"description": "Did it say that the call has ended?"})
    received_at = fields.String(required=True, metadata={"format": "date-time"})
    params = fields.Dict(required=True)


class CallHistory(Call):
    """All that the ledger holds of a call; what `legwork calls show --json` prints."""

    state = fields.String(required=True, validate=validate.OneOf([*STATES, "dropped"]))
    ended = moment("When a callback said that the call has ended.", required=True)
    confirm_at = moment("From when on a settled call is read once more; null: it is not.", required=True)
    revision = fields.Integer(required=True)
    fetches = fields.Integer(required=True)
    callbacks = fields.List(fields.Nested(CallbackTold()), required=True)
    steps = fields.List(
        fields.Dict(), required=True, metadata={"description": "What happened: `at`, `step`, `answer`."}
    )
    records = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(),
        required=True,
        metadata={"description": "By `<revision>/<kind>`: see /schemas/call-record/v1.json."},
    )
    deliveries = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(),
        required=True,
        metadata={"description": "By `<sink>/<revision>/<kind>`: the `state`, and the last `attempts`."},
    )


class Fetched(Schema):
    """What becomes of a call that is wanted now."""

    call_sid = fields.String(required=True)
    queued = fields.Boolean(
        required=True, metadata={"description": "false: a worker has it, or it is due already; nothing was to be done."}
    )
    outcome = fields.String(
        required=True,
        validate=validate.OneOf([outcome.value for outcome in Refetch]),
        metadata={
            "description": "`sooner`: it waited for its time, and is due now. `confirm`: it is settled, and is read once "
            "more with quota that nobody else wants; a correction goes out if anything differs. `retried`: it was given up "
            "on or dropped, and its schedule begins anew. `under_way`: see `queued`."
        },
    )


class Delivering(Schema):
    """Where to a call's records are to go again."""

    sink = fields.String(
        load_default=None, allow_none=True, metadata={"description": "null: every sink that takes them."}
    )
    only_missing = TrueOrFalse(load_default=False, metadata={"description": "Only what a sink never got."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count."})
