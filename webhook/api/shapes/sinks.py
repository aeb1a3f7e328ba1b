"""Requests and responses of `/api/sinks`."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from webhook.api.shapes.fields import Instant, TrueOrFalse, TrueOrFalseInUrl, check_span


class Sink(Schema):
    """A sink and its state."""

    name = fields.String(required=True)
    source = fields.String(
        required=True,
        validate=validate.OneOf(["settings", "added"]),
        metadata={"description": "Where it was defined: `settings` (SINKS, legwork.toml), or `added` at run time."},
    )
    version = fields.String(
        allow_none=True,
        metadata={"description": "Another one after each change; also the `ETag`. null for a sink of the settings."},
    )
    where = fields.String(metadata={"description": "Its URL without user, password and query."})
    types = fields.List(fields.String())
    accounts = fields.List(fields.String())
    filter = fields.String(allow_none=True)
    projection = fields.String(allow_none=True)
    rate = fields.String(allow_none=True)
    concurrency = fields.Integer(allow_none=True)
    secrets = fields.Integer(metadata={"description": "Number of signing secrets; more than one while rotating."})
    public_keys = fields.List(
        fields.String(), metadata={"description": "The public keys (`whpk_…`) of its Ed25519 secrets."}
    )
    state = fields.String(required=True, validate=validate.OneOf(["active", "failing", "disabled", "unusable"]))
    reason = fields.String(allow_none=True, metadata={"description": "Why it is in that state."})
    since = fields.String(
        allow_none=True, metadata={"format": "date-time", "description": "When it entered that state."}
    )
    waiting = fields.Integer()
    delivered = fields.Integer()
    dead = fields.Integer()


class Asking(Schema):
    """Whether the URL is checked before the sink is stored."""

    check = TrueOrFalseInUrl(
        load_default=False,
        metadata={"description": "Refuse the sink (422) if nothing answers at its URL or the certificate is invalid."},
    )


class Precondition(Schema):
    """The version that a change is about."""

    if_match = fields.String(
        data_key="If-Match",
        metadata={
            "description": "The `ETag` that `GET` gave: refuse the change (412) if somebody has changed it since."
        },
    )


class AddedSink(Sink):
    """A sink just added."""

    secret = fields.String(
        allow_none=True, metadata={"description": "The signing secret created for it, shown only in this response."}
    )


class Secret(Schema):
    """A signing secret just made."""

    name = fields.String(required=True)
    secret = fields.String(required=True, metadata={"description": "Shown only in this response."})


class OutOfUse(Schema):
    """A rotation just finished."""

    name = fields.String(required=True)
    out_of_use = fields.Integer(required=True, metadata={"description": "Number of secrets that no longer sign."})


class Retried(Schema):
    """The waiting deliveries that were made due."""

    name = fields.String(required=True)
    brought_forward = fields.Integer(
        required=True, metadata={"description": "Number of deliveries that are due now instead of later."}
    )


class Removed(Schema):
    """A sink just removed."""

    name = fields.String(required=True)
    dropped = fields.Integer(required=True, metadata={"description": "Number of waiting deliveries that were dropped."})


class Exchange(Schema):
    """The result of a test: the ping and the sink's answer."""

    name = fields.String(required=True)
    delivered = fields.Boolean(
        required=True,
        metadata={"description": "Whether a webhook accepted the ping (2xx), or another sink's check succeeded."},
    )
    method = fields.String()
    url = fields.String()
    request_headers = fields.Dict(keys=fields.String(), values=fields.String())
    request_body = fields.String()
    status = fields.Integer(allow_none=True)
    answer_headers = fields.Dict(keys=fields.String(), values=fields.String())
    answer_body = fields.String(metadata={"description": "The first 2 KiB of the answer. Untrusted content."})
    seconds = fields.Float()
    error = fields.String(allow_none=True)
    check = fields.String(metadata={"description": "For a sink that is no webhook: the result of its own check."})


class Disabling(Schema):
    """Why a sink is disabled."""

    reason = fields.String(
        load_default="by the operator",
        validate=validate.Length(1, 200),
        metadata={"description": "The reason that the status shows."},
    )


class Span(Schema):
    """A time span."""

    since = Instant(
        required=True, metadata={"description": "The calls that became final or failed at or after this time."}
    )
    until = Instant(load_default=None, allow_none=True, metadata={"description": "null: now."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count; change nothing."})

    @validates_schema
    def _begins_before_it_ends(self, given: dict[str, Any], **_: Any) -> None:
        check_span(given["since"], given["until"])


class Recovered(Schema):
    """What a sink never received, and what of it was queued."""

    name = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    to_queue = fields.Integer(required=True, metadata={"description": "Number of records that it never received."})
    queued = fields.Integer(required=True, metadata={"description": "Number queued; 0 in a dry run."})
    waiting = fields.Integer(required=True, metadata={"description": "Number already waiting for it."})
    delivered = fields.Integer(required=True, metadata={"description": "Number that it has."})
