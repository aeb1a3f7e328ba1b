"""Requests and responses of `/api/calls`."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate

from webhook.api.shapes.fields import Cursor, Instant, TrueOrFalse, TrueOrFalseInUrl, page_size, timestamp
from worker.ledger.operations.refetching import Refetch
from worker.ledger.queries.filters import DIRECTIONS, OUTCOMES, SearchText
from worker.ledger.queries.lookup import STATES


def _party(description: str) -> fields.String:
    told = {"description": f"{description} `…` and the last four characters unless `numbers` is true."}
    return fields.String(required=True, allow_none=True, metadata=told)


def _searchable(text: str) -> None:
    try:
        SearchText.of(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class Call(Schema):
    """A call's state."""

    account_sid = fields.String(required=True)
    call_sid = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    at = timestamp("When it is due, or when it became final, failed or was dropped.", required=True)
    since = timestamp("When its first callback arrived.", required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it failed."})


class Delivered(Schema):
    """How many of a call's deliveries are done."""

    done = fields.Integer(required=True)
    of = fields.Integer(required=True)


class ListedCall(Call):
    """A call in a list. What is not known, or not known yet, is null. Its newest record tells; before it, its callbacks."""

    started_at = timestamp("When the call began.", required=True)
    ended_at = timestamp("When the call ended.", required=True)
    direction = fields.String(required=True, allow_none=True, validate=validate.OneOf([*DIRECTIONS, None]))
    outcome = fields.String(required=True, allow_none=True, validate=validate.OneOf([*OUTCOMES, None]))
    customer = _party("The customer.")
    agent = _party("The agent; of a softphone, its SIP address.")
    talk_seconds = fields.Float(required=True, allow_none=True)
    duration_seconds = fields.Float(required=True, allow_none=True)
    legs = fields.Integer(required=True, allow_none=True, metadata={"description": "How many."})
    custom_field = fields.String(required=True, allow_none=True)
    deliveries = fields.Nested(Delivered(), required=True)


class Calls(Schema):
    """A page of calls."""

    calls = fields.List(fields.Nested(ListedCall()), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "The next page's `after`; null on the last one."}
    )


class Numbers(Schema):
    """Whether to show numbers in full."""

    numbers = TrueOrFalseInUrl(load_default=False, metadata={"description": "Show numbers in full; this is logged."})


class CallFilterShape(Numbers):
    """Which calls."""

    state = fields.String(validate=validate.OneOf(STATES), metadata={"description": "Only calls in this state."})
    outcome = fields.String(validate=validate.OneOf(OUTCOMES), metadata={"description": "Only calls that went so."})
    direction = fields.String(
        validate=validate.OneOf(DIRECTIONS), metadata={"description": "Only calls in this direction."}
    )
    account = fields.String(metadata={"description": "Only calls of this account, by its SID."})
    undelivered = fields.String(metadata={"description": "Only calls of which a record is still owed to this sink."})
    since = Instant(
        metadata={
            "description": "Only calls that began at or after this time, or, if that is not known, were first heard of."
        }
    )
    until = Instant(metadata={"description": "Only calls that began before this time."})


class WhichCalls(CallFilterShape):
    """The filter of a list of calls."""

    limit = page_size()
    after = Cursor()


class Search(Schema):
    """What is looked for."""

    text = fields.String(
        required=True,
        validate=_searchable,
        metadata={
            "description": "A CallSid or its first 6 characters and more; a number in any spelling or its last 3 digits and "
            "more, with or without the `…` that it is shown with; or a whole custom field.",
            "example": "0614",
        },
    )
    numbers = TrueOrFalse(load_default=False, metadata={"description": "Show numbers in full; this is logged."})
    limit = page_size()
    after = Cursor(load_default=None)


class FoundCalls(Calls):
    """The calls found; there may be more as long as `next` is not null, even if a page is empty."""

    looked_through = fields.Integer(required=True, metadata={"description": "Number of calls read for this page."})


class CallbackTold(Schema):
    """A callback as received."""

    kind = fields.String(required=True)
    event = fields.String(required=True, allow_none=True)
    ended = fields.Boolean(required=True, metadata={"description": "Whether it said that the call has ended."})
    received_at = fields.String(required=True, metadata={"format": "date-time"})
    params = fields.Dict(required=True)


class CallHistory(Call):
    """Everything that the ledger holds about a call; the same as `legwork calls show --json`."""

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
        metadata={
            "description": "Deliveries by `<sink>/<revision>/<kind>`: the `state` and the last `attempts`, each with `at`, "
            "`answer` and `seconds`; a failed one also with the HTTP `status` and, the first and the last two, with the "
            "first 512 bytes of the answer's `body`."
        },
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
