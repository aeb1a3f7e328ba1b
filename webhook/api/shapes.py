"""What the API answers with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema


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
    reason = fields.String(allow_none=True)
    since = fields.String(allow_none=True, metadata={"format": "date-time"})
    waiting = fields.Integer()
    delivered = fields.Integer()
    dead = fields.Integer()


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

    delivered = fields.Boolean(required=True)
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


class TrueOrFalse(fields.Boolean):
    """One of the two, and not what else might stand for them: `off` would be false, and `none` an error."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Disabling(Schema):
    """Why a sink is disabled."""

    reason = fields.String(load_default="by the operator", validate=validate.Length(1, 200))


class Span(Schema):
    """A span of time."""

    since = fields.AwareDateTime(required=True)
    until = fields.AwareDateTime(load_default=None, allow_none=True, metadata={"description": "null: now."})
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count."})

    @validates_schema
    def _begins_before_it_ends(self, given: dict[str, Any], **_: Any) -> None:
        if (given["until"] or datetime.now(UTC)) <= given["since"]:
            raise ValidationError("Has to be before `until`, which is now if it is not given.", "since")


class Recovered(Schema):
    """What a sink never got, and what was queued of it."""

    name = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    to_queue = fields.Integer(required=True)
    queued = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    delivered = fields.Integer(required=True)
