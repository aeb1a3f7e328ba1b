"""What `/api/sinks` takes and answers with."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from webhook.api.shapes.fields import Instant, TrueOrFalse, TrueOrFalseInUrl, check_span


class Sink(Schema):
    """A sink, and how it is."""

    name = fields.String(required=True)
    source = fields.String(
        required=True,
        validate=validate.OneOf(["settings", "added"]),
        metadata={"description": "Where it comes from: SINKS and legwork.toml, or added while all was running."},
    )
    where = fields.String(metadata={"description": "Its URL without user, password and query."})
    types = fields.List(fields.String())
    accounts = fields.List(fields.String())
    filter = fields.String(allow_none=True)
    projection = fields.String(allow_none=True)
    rate = fields.String(allow_none=True)
    concurrency = fields.Integer(allow_none=True)
    secrets = fields.Integer(metadata={"description": "How many secrets sign; more than one while rotating."})
    public_keys = fields.List(
        fields.String(), metadata={"description": "The `whpk_…` of its Ed25519 keys, which anybody may know."}
    )
    state = fields.String(required=True, validate=validate.OneOf(["active", "failing", "disabled", "unusable"]))
    reason = fields.String(allow_none=True, metadata={"description": "Why it is in that state."})
    since = fields.String(
        allow_none=True, metadata={"format": "date-time", "description": "Since when it has been in that state."}
    )
    waiting = fields.Integer()
    delivered = fields.Integer()
    dead = fields.Integer()


class Asking(Schema):
    """Whether the other side is asked before anything is kept."""

    check = TrueOrFalseInUrl(
        load_default=False,
        metadata={"description": "Refuse it (422) where nobody answers at its URL by a certificate that holds."},
    )


class AddedSink(Sink):
    """A sink just added."""

    secret = fields.String(
        allow_none=True, metadata={"description": "The signing secret made for it. It is shown this once."}
    )


class Secret(Schema):
    """A signing secret just made."""

    name = fields.String(required=True)
    secret = fields.String(required=True, metadata={"description": "It is shown this once."})


class OutOfUse(Schema):
    """A rotation just finished."""

    name = fields.String(required=True)
    out_of_use = fields.Integer(required=True, metadata={"description": "How many secrets sign no more."})


class Removed(Schema):
    """A sink just removed."""

    name = fields.String(required=True)
    dropped = fields.Integer(required=True, metadata={"description": "How many deliveries waited for it."})


class Exchange(Schema):
    """A ping, and all that came of it."""

    name = fields.String(required=True)
    delivered = fields.Boolean(
        required=True, metadata={"description": "Was it taken (2xx)? Of one that is no webhook: is it well?"}
    )
    method = fields.String()
    url = fields.String()
    request_headers = fields.Dict(keys=fields.String(), values=fields.String())
    request_body = fields.String()
    status = fields.Integer(allow_none=True)
    answer_headers = fields.Dict(keys=fields.String(), values=fields.String())
    answer_body = fields.String(metadata={"description": "Its first 2 KiB. A stranger wrote it."})
    seconds = fields.Float()
    error = fields.String(allow_none=True)
    check = fields.String(metadata={"description": "Of a sink that is no webhook: what its own check found."})


class Disabling(Schema):
    """Why a sink is disabled."""

    reason = fields.String(
        load_default="by the operator",
        validate=validate.Length(1, 200),
        metadata={"description": "What `status` is to say."},
    )


class Span(Schema):
    """A span of time."""

    since = Instant(required=True, metadata={"description": "The calls settled or given up on since then."})
    until = Instant(load_default=None, allow_none=True, metadata={"description": "null: now."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count."})

    @validates_schema
    def _begins_before_it_ends(self, given: dict[str, Any], **_: Any) -> None:
        check_span(given["since"], given["until"])


class Recovered(Schema):
    """What a sink never got, and what was queued of it."""

    name = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    to_queue = fields.Integer(required=True, metadata={"description": "How many it never got."})
    queued = fields.Integer(required=True, metadata={"description": "How many were queued; none in a dry run."})
    waiting = fields.Integer(required=True, metadata={"description": "How many wait for it already."})
    delivered = fields.Integer(required=True, metadata={"description": "How many it has."})
