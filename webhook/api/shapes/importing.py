"""Request and response of `/api/import`."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.call_list import MOST, TOLD
from webhook.api.shapes.fields import TrueOrFalse, TrueOrFalseInUrl


class CallsToImport(Schema):
    """The calls to import."""

    call_sids = fields.List(
        fields.String(),
        required=True,
        validate=validate.Length(1, MOST),
        metadata={"description": "The calls, by their CallSids; what is no CallSid is told in `unusable`."},
    )
    account = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "The account, by its SID; null if there is only one."},
    )
    dry_run = TrueOrFalse(load_default=False, metadata={"description": "Only count; change nothing."})


class HowToImport(Schema):
    """What accompanies a CSV, in the query."""

    account = fields.String(metadata={"description": "For `text/csv`: the account, by its SID, if there are several."})
    dry_run = TrueOrFalseInUrl(
        load_default=False, metadata={"description": "For `text/csv`: only count; change nothing."}
    )


class UnusableLine(Schema):
    """A line that is no call of the account."""

    line = fields.Integer(required=True, metadata={"description": "Counted from 1."})
    text = fields.String(required=True)
    reason = fields.String(required=True)


class Cost(Schema):
    """The least that fetching takes."""

    requests = fields.Integer(required=True)
    seconds = fields.Float(
        required=True, metadata={"description": "How long the account's quota takes for the requests."}
    )


class Imported(Schema):
    """The result of an import."""

    given = fields.Integer(required=True, metadata={"description": "Distinct CallSids that can be used."})
    known = fields.Integer(
        required=True, metadata={"description": "Those that the ledger knows; they are left as they are."}
    )
    new = fields.Integer(required=True)
    unusable = fields.List(
        fields.Nested(UnusableLine()),
        required=True,
        metadata={"description": f"The first {TOLD} lines that cannot be used."},
    )
    unusable_count = fields.Integer(required=True, metadata={"description": "How many there are in all."})
    cost = fields.Nested(Cost(), required=True)
    queued = fields.Integer(required=True, metadata={"description": "0 for a dry run."})
