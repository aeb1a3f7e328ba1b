"""The requests of a test driver, field by field; anything else is refused with a reason."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from sandbox.faults import KINDS
from sandbox.scenarios import BY_NAME, SCENARIOS

# At this size, one request keeps the process busy for a second or two at most.
MOST_CALLS_AT_ONCE = 50_000
MOST_ROWS = 10_000

_NUMBER = validate.Regexp(r"^(\+?[0-9]{2,15}|sip:[0-9A-Za-z._-]{1,64})$")
_URL = validate.URL(require_tld=False, schemes={"http", "https"})


class _ScenarioName(fields.Field[str]):
    """A scenario's name, or its code as text or number."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        del attr, data, kwargs
        if isinstance(value, str) and value in BY_NAME:
            return value
        if str(value).isdecimal() and int(value) in SCENARIOS:
            return SCENARIOS[int(value)].name
        raise ValidationError("no such scenario; GET / lists them")


class PlaceOrder(Schema):
    """Calls to place; without scenario and number, every scenario in turn."""

    scenario = _ScenarioName()
    number = fields.String(validate=_NUMBER)
    from_ = fields.String(data_key="from", attribute="from", validate=_NUMBER)
    to = fields.String(validate=_NUMBER)
    account = fields.String()
    count = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, MOST_CALLS_AT_ONCE))
    over_seconds = fields.Float(load_default=0.0, validate=validate.Range(0, 86_400))
    ended_ago = fields.Float(validate=validate.Range(0, 180 * 86_400))
    callbacks = fields.Boolean(attribute="with_callbacks")
    custom_field = fields.String(validate=validate.Length(max=128))
    passthru_url = fields.String(validate=_URL)
    status_url = fields.String(validate=_URL)


class FaultOrder(Schema):
    """A fault to switch on; see `sandbox.faults.KINDS`."""

    fault = fields.String(required=True, validate=validate.OneOf(KINDS))
    account = fields.String()
    for_seconds = fields.Float(validate=validate.Range(0, min_inclusive=False))
    share = fields.Float(validate=validate.Range(0, 1, min_inclusive=False))
    seconds = fields.Float(validate=validate.Range(0, 600))
    status = fields.Integer(strict=True)
    retry_after = fields.Float(validate=validate.Range(0, 86_400))
    form = fields.String(validate=validate.OneOf(["seconds", "date", "none"]))
    per_second = fields.Float(validate=validate.Range(0, 10_000, min_inclusive=False))

    @validates_schema
    def fits_together(self, order: dict[str, Any], **_: Any) -> None:
        kind, status = order["fault"], order.get("status")
        if kind == "error" and status not in range(500, 600):
            raise ValidationError("a server error has a status from 500 to 599", "status")
        if kind == "revoked" and status not in (401, 402, 403):
            raise ValidationError("credentials are refused with 401, 402 or 403", "status")
        if kind == "eat" and "per_second" not in order:
            raise ValidationError("required: how many requests a second the other client sends", "per_second")


class PageOrder(Schema):
    """Which calls to show, counted from the newest."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, MOST_ROWS))
    offset = fields.Integer(load_default=0, validate=validate.Range(0))


class RequestsOrder(Schema):
    """Which arrivals to show."""

    since = fields.Integer(load_default=0, validate=validate.Range(0))
    limit = fields.Integer(load_default=1000, validate=validate.Range(1, MOST_ROWS))
    call_sid = fields.String(load_default="")
