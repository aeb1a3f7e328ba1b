"""Requests and responses of `/api/reports`."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook.api.shapes.calls import Numbers
from webhook.api.shapes.fields import Instant, timestamp


def _party(description: str) -> fields.String:
    told = {"description": f"{description} `…` and the last four characters unless `numbers` is true."}
    return fields.String(required=True, metadata=told)


def _count(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description})


def _seconds(description: str, *, allow_none: bool = True) -> fields.Float:
    return fields.Float(required=True, allow_none=allow_none, metadata={"description": description})


class AgentRow(Schema):
    """An agent, in inbound and outbound calls."""

    agent = _party("The agent; a softphone by its SIP address.")
    tried = _count("Calls in which the agent was tried.")
    answered = _count("Of these, those in which the agent talked.")
    missed = _count("Of these, the others.")
    talk_seconds = _seconds("How long the agent was on calls.", allow_none=False)
    longest_wait_seconds = _seconds("The longest wait of a customer in the inbound calls that the agent answered.")


class MissedRow(Schema):
    """A customer whose inbound calls were missed."""

    customer = _party("The customer.")
    missed = _count("Missed calls.")
    last_missed_at = timestamp("When the last one began.", required=True)
    answered_since = fields.Boolean(
        required=True, metadata={"description": "Whether a later inbound call of the customer was answered."}
    )
    called_back_since = fields.Boolean(
        required=True, metadata={"description": "Whether the customer answered a later outbound call."}
    )


class HourRow(Schema):
    """An hour of the day in the account's time zone; inbound calls that began in it."""

    hour = fields.Integer(required=True, validate=validate.Range(0, 23))
    calls = _count("Inbound calls.")
    answered = _count("Of these, answered ones.")
    missed = _count("Of these, missed ones.")
    wait_median_seconds = _seconds("The wait that half of the answered calls did not exceed; null without any.")
    wait_p90_seconds = _seconds("The wait that nine in ten answered calls did not exceed; null without any.")


class CallerRow(Schema):
    """A customer's inbound calls."""

    customer = _party("The customer.")
    calls = _count("Inbound calls.")
    answered = _count("Of these, answered ones.")
    missed = _count("Of these, missed ones.")


class WhichReport(Numbers):
    """Which calls a report is of."""

    account = fields.String(metadata={"description": "Only calls of this account, by its SID."})
    since = Instant(metadata={"description": "Only calls that began at or after this time."})
    until = Instant(metadata={"description": "Only calls that began before this time."})
