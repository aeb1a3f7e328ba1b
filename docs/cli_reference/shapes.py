"""Schemas of the commands' output under `--json`, except those that the API declares for its own responses."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook.api.shapes import calls, dead, sinks
from webhook.api.shapes.fields import timestamp
from webhook.cli.completion import INSTALLED_BY
from webhook.operations.call_export import COLUMNS
from webhook.operations.finding import Verdict
from worker.ledger.operations.erasing import PLACES
from worker.ledger.registry.tokens import Scope


class ExportedCall(calls.ListedCall):
    """A call as it is exported: with these keys alone, in this order."""

    class Meta:
        fields = COLUMNS

    started_at = timestamp("When the call began; if that is not known, when it was first heard of.", required=True)
    wait_seconds = fields.Float(required=True, allow_none=True)
    exophone = fields.String(required=True, allow_none=True, metadata={"description": "The virtual number."})
    recording_url = fields.String(required=True, allow_none=True)


class Letter(dead.Letter):
    """A failed call or dead letter. The command line identifies it by its CallSid."""

    class Meta:
        """Omit the API's `id`."""

        exclude = ("id",)


class DeadList(Schema):
    """Failed calls and dead letters."""

    count = fields.Integer(required=True, metadata={"description": "How many there are in all."})
    reasons = fields.List(
        fields.Nested(dead.Reason()), required=True, metadata={"description": "The most frequent first."}
    )
    dead = fields.List(fields.Nested(Letter()), required=True, metadata={"description": "The last ones."})


class ChangedCounts(Schema):
    """How many were retried, or dropped."""

    calls = fields.Integer(required=True)
    deliveries = fields.Integer(required=True)
    wrong = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, metadata={"description": "By CallSid: why not."}
    )


class ListedSink(sinks.Sink):
    """A sink, or the pending deliveries of one that is no longer in the settings."""

    source = fields.String(
        required=True,
        validate=validate.OneOf(["settings", "added", "left behind"]),
        metadata={"description": "Of one left behind there are only `name`, `source` and `waiting`."},
    )
    state = fields.String(validate=validate.OneOf(["active", "failing", "disabled", "unusable"]))


class Ping(sinks.Exchange):
    """The result of a sink's test."""

    name = fields.String(required=True)


class Key(Schema):
    """A new key."""

    key = fields.String(required=True)


class Token(Schema):
    """A token's scope and validity."""

    name = fields.String(required=True)
    scope = fields.String(required=True, validate=validate.OneOf([scope.value for scope in Scope]))
    expires = timestamp("null: never.", required=True)


class MadeToken(Token):
    """A new token."""

    token = fields.String(required=True, metadata={"description": "It is shown this once."})


class ListedToken(Token):
    """A token, without the token itself."""

    created = fields.String(required=True, metadata={"format": "date-time"})
    last_used = timestamp("null: never.", required=True)
    expired = fields.Boolean(required=True)


class RevokedToken(Schema):
    """A revoked token."""

    name = fields.String(required=True)
    revoked = fields.Boolean(required=True)


class Erased(Schema):
    """How often a number was found."""

    found = fields.Integer(required=True)
    erased = fields.Integer(required=True)


class ErasedFile(Erased):
    """Data of a sink on this host."""

    sink = fields.String(required=True)
    path = fields.String(required=True)
    missing = fields.Boolean(required=True, metadata={"description": "It is not on this host."})
    problem = fields.String(required=True, allow_none=True, metadata={"description": "Why it could not be rewritten."})


class UnfinishedCall(Schema):
    """A call in which the number may appear again."""

    account_sid = fields.String(required=True)
    call_sid = fields.String(required=True)


class KeptElsewhere(Schema):
    """A sink that stores its records elsewhere."""

    sink = fields.String(required=True)
    calls = fields.List(fields.String(), required=True, metadata={"description": "The CallSids it got records of."})


Places = Schema.from_dict({place: fields.Nested(Erased(), required=True) for place in PLACES}, name="Places")


class Receipt(Schema):
    """The receipt: what contained a person's number, and what was done."""

    number = fields.String(required=True, metadata={"description": "Its last four digits."})
    at = fields.String(required=True, metadata={"format": "date-time"})
    dry_run = fields.Boolean(required=True, metadata={"description": "Then nothing is erased."})
    complete = fields.Boolean(required=True, metadata={"description": "Is nothing left to be done here?"})
    accounts = fields.List(fields.String(), required=True)
    ledger = fields.Nested(Places(), required=True)
    files = fields.List(fields.Nested(ErasedFile()), required=True)
    unfinished = fields.List(fields.Nested(UnfinishedCall()), required=True)
    elsewhere = fields.List(fields.Nested(KeptElsewhere()), required=True)
    other_hosts = fields.List(fields.String(), required=True, metadata={"description": "Run it there, too."})
    append_only_file = fields.String(required=True)


class Script(Schema):
    """A shell's completion script."""

    shell = fields.String(required=True, validate=validate.OneOf(list(INSTALLED_BY)))
    install = fields.String(required=True, metadata={"description": "The line that keeps it."})
    script = fields.String(required=True)


class Finding(Schema):
    """The result of one of `check`'s tests."""

    about = fields.String(
        required=True, metadata={"description": "`settings`, `redis`, `exotel <SID>`, `sink <name>`…"}
    )
    verdict = fields.String(required=True, validate=validate.OneOf([verdict.value for verdict in Verdict]))
    text = fields.String(required=True, metadata={"description": "How it stands, and what to change."})


class Problems(Schema):
    """The error that ends a command, on standard error."""

    exit_code = fields.Integer(required=True)
    problems = fields.List(fields.String(), required=True, metadata={"description": "A line each."})


class Note(Schema):
    """A message besides the output, on standard error."""

    note = fields.String(required=True)


class UrlsOfAccount(Schema):
    """The callback URLs of an account. They hold its callback token."""

    passthru = fields.String(required=True, metadata={"description": "For Passthru applets."})
    status = fields.String(required=True, metadata={"description": "For the StatusCallback of outbound calls."})


class CallbackUrls(Schema):
    """The callback URLs to paste into Exotel."""

    public_url = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "PUBLIC_URL; null: the URLs work on this machine only."},
    )
    callback_urls = fields.Dict(keys=fields.String(), values=fields.Nested(UrlsOfAccount()), required=True)
