"""What `/api/status`, `/api/accounts` and `/api/minutes` answer with."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook.api.shapes.fields import moment
from webhook.operations.problem import Severity
from worker.ledger.meters import MINUTES_KEPT


class Totals(Schema):
    """How many calls there are, by where they stand."""

    received = fields.Integer(required=True, metadata={"description": "Heard of, ever."})
    waiting = fields.Integer(required=True, metadata={"description": "To be fetched, now or later."})
    fetching = fields.Integer(required=True, metadata={"description": "In the hands of a worker."})
    settled = fields.Integer(required=True, metadata={"description": "Fetched and settled, ever."})
    dead = fields.Integer(required=True, metadata={"description": "Given up on."})


class Quota(Schema):
    """The requests that an account may send Exotel, and what of them is used."""

    limit = fields.Integer(required=True, metadata={"description": "As the settings have it."})
    seconds = fields.Float(required=True, metadata={"description": "The window that it holds for."})
    in_force = fields.Integer(required=True, metadata={"description": "Less than `limit` while somebody else uses it."})
    used = fields.Integer(required=True, metadata={"description": "How many count against it now."})
    paused_until = moment("After a 429: until when nothing is asked.", required=True)
    refused = fields.Integer(required=True, metadata={"description": "How many 429 there were."})


class AccountStatus(Totals):
    """How an account stands."""

    state = fields.String(
        required=True,
        validate=validate.OneOf(["active", "paused", "yielding", "suspended"]),
        metadata={"description": "`paused` by a 429, `yielding` while somebody else uses the quota."},
    )
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it is suspended."})
    oldest_waiting_seconds = fields.Float(required=True, metadata={"description": "For how long the oldest waits."})
    eta_seconds = fields.Float(required=True, metadata={"description": "In how many seconds what waits will be done."})
    quota = fields.Nested(Quota(), required=True)


class Account(AccountStatus):
    """How an account stands, with its SID."""

    account_sid = fields.String(required=True)


class SinkStatus(Schema):
    """How a sink stands."""

    state = fields.String(required=True, validate=validate.OneOf(["active", "failing", "disabled"]))
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it is in that state."})
    waiting = fields.Integer(required=True, metadata={"description": "Records that it is to get."})
    delivered = fields.Integer(required=True, metadata={"description": "Records that it got, ever."})
    dead = fields.Integer(required=True, metadata={"description": "Records that were given up on."})
    oldest_waiting_seconds = fields.Float(required=True, metadata={"description": "For how long the oldest waits."})


class Workers(Schema):
    """The worker processes heard of lately."""

    running = fields.Integer(required=True)
    threads = fields.Integer(required=True)


class LedgerAge(Schema):
    """Since when there is this ledger."""

    created_at = moment("When it was begun.", required=True)
    new = fields.Boolean(required=True, metadata={"description": "Within the last day: did Redis lose its data?"})


class StatusProblem(Schema):
    """Something that keeps calls from flowing."""

    about = fields.String(
        required=True, metadata={"description": "`redis`, `workers`, `account <SID>`, `sink <name>`, `dead`…"}
    )
    severity = fields.String(
        required=True,
        validate=validate.OneOf([severity.value for severity in Severity]),
        metadata={"description": "`error`: some calls do not flow at all. `warning`: they are late, or will be."},
    )
    text = fields.String(required=True, metadata={"description": "How it stands, and what to do."})


class Status(Schema):
    """How all of it stands; what `legwork status --json` prints."""

    calls = fields.Nested(Totals(), required=True)
    accounts = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(AccountStatus()),
        required=True,
        metadata={"description": "Each by its SID."},
    )
    sinks = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(SinkStatus()),
        required=True,
        metadata={"description": "Each by its name."},
    )
    workers = fields.Nested(Workers(), required=True)
    ledger = fields.Nested(LedgerAge(), required=True)
    problems = fields.List(
        fields.Nested(StatusProblem()),
        required=True,
        metadata={"description": "What keeps calls from flowing, the worst first; what was given up on comes last."},
    )


class Minute(Schema):
    """What happened within a minute."""

    at = fields.String(required=True, metadata={"format": "date-time", "description": "When it began."})
    received = fields.Integer(required=True)
    fetched = fields.Integer(required=True)
    delivered = fields.Integer(required=True)


class HowMany(Schema):
    """How many minutes are wanted."""

    minutes = fields.Integer(
        load_default=60,
        validate=validate.Range(1, MINUTES_KEPT),
        metadata={"description": "So many of the last ones."},
    )
