"""Responses of `/api/status`, `/api/accounts` and `/api/minutes`."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook.api.shapes.fields import timestamp
from webhook.operations.accounts import ANSWERS
from webhook.operations.problem import Severity

# In minutes.
_DAY = 24 * 60


class Totals(Schema):
    """Counts of calls by state."""

    received = fields.Integer(required=True, metadata={"description": "Received in total."})
    waiting = fields.Integer(required=True, metadata={"description": "Waiting to be fetched."})
    fetching = fields.Integer(required=True, metadata={"description": "In progress: a worker has it."})
    settled = fields.Integer(required=True, metadata={"description": "Fetched and final, in total."})
    dead = fields.Integer(required=True, metadata={"description": "Failed: retries are exhausted."})


class Quota(Schema):
    """An account's quota of requests to Exotel, and its use."""

    limit = fields.Integer(required=True, metadata={"description": "Requests per window, as configured."})
    seconds = fields.Float(required=True, metadata={"description": "Length of the window."})
    in_force = fields.Integer(
        required=True, metadata={"description": "Effective limit; below `limit` while another program uses the quota."}
    )
    used = fields.Integer(required=True, metadata={"description": "Requests that count against it now."})
    paused_until = timestamp("End of the pause after a 429.", required=True)
    refused = fields.Integer(required=True, metadata={"description": "429 responses in total."})


class AccountStatus(Totals):
    """An account's state."""

    state = fields.String(
        required=True,
        validate=validate.OneOf(["active", "paused", "yielding", "suspended"]),
        metadata={"description": "`paused` after a 429, `yielding` while another program uses the quota."},
    )
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it is suspended."})
    oldest_waiting_seconds = fields.Float(required=True, metadata={"description": "Age of the oldest waiting call."})
    eta_seconds = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Estimated time until the backlog is fetched; null while the account is suspended."},
    )
    quota = fields.Nested(Quota(), required=True)


class Account(AccountStatus):
    """An account's state, with its SID."""

    account_sid = fields.String(required=True)


class RetriedAccount(Schema):
    """What Exotel said of an account."""

    account_sid = fields.String(required=True)
    answer = fields.String(
        required=True,
        validate=validate.OneOf(ANSWERS),
        metadata={
            "description": "`accepted`, `refused` (401, 402, 403), `throttled` (429), `unreachable`, or `not_asked`."
        },
    )
    text = fields.String(required=True, metadata={"description": "Exotel's answer, or why there is none."})
    state = fields.String(required=True, metadata={"description": "The account's state now."})


class SinkStatus(Schema):
    """A sink's state."""

    state = fields.String(required=True, validate=validate.OneOf(["active", "failing", "disabled"]))
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it is in that state."})
    waiting = fields.Integer(required=True, metadata={"description": "Records that wait for delivery."})
    delivered = fields.Integer(required=True, metadata={"description": "Records delivered in total."})
    dead = fields.Integer(required=True, metadata={"description": "Dead letters."})
    oldest_waiting_seconds = fields.Float(required=True, metadata={"description": "Age of the oldest waiting record."})


class Workers(Schema):
    """The worker processes with a recent heartbeat."""

    running = fields.Integer(required=True)
    threads = fields.Integer(required=True)


class LedgerAge(Schema):
    """The ledger's age."""

    created_at = timestamp("When the ledger was created.", required=True)
    new = fields.Boolean(
        required=True,
        metadata={"description": "Created within the last day; if that is unexpected, Redis lost its data."},
    )


class StatusProblem(Schema):
    """Something that keeps calls from flowing."""

    about = fields.String(
        required=True, metadata={"description": "`redis`, `workers`, `account <SID>`, `sink <name>`, `dead`…"}
    )
    severity = fields.String(
        required=True,
        validate=validate.OneOf([severity.value for severity in Severity]),
        metadata={"description": "`error`: some calls are stopped. `warning`: they are delayed, or will be."},
    )
    text = fields.String(required=True, metadata={"description": "What is wrong and what to do."})


class Status(Schema):
    """The state of the whole system; the same as `legwork status --json`."""

    calls = fields.Nested(Totals(), required=True)
    accounts = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(AccountStatus()),
        required=True,
        metadata={"description": "The accounts by SID."},
    )
    sinks = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(SinkStatus()),
        required=True,
        metadata={"description": "The sinks by name."},
    )
    workers = fields.Nested(Workers(), required=True)
    ledger = fields.Nested(LedgerAge(), required=True)
    problems = fields.List(
        fields.Nested(StatusProblem()),
        required=True,
        metadata={"description": "What keeps calls from flowing, worst first; failures come last."},
    )


class Minute(Schema):
    """The activity of one minute."""

    at = fields.String(required=True, metadata={"format": "date-time", "description": "Start of the minute."})
    received = fields.Integer(required=True)
    fetched = fields.Integer(required=True)
    delivered = fields.Integer(required=True)


class HowMany(Schema):
    """How many minutes to return."""

    minutes = fields.Integer(
        load_default=60,
        validate=validate.Range(1, _DAY),
        metadata={"description": "Number of minutes, up to a day."},
    )
