"""Schemas of the commands' output under `--json`, except those that the API declares for its own responses."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook.api.shapes import dead, sinks
from webhook.api.shapes.fields import moment
from webhook.cli.completion import INSTALLED_BY
from webhook.operations.finding import Verdict
from worker.ledger.operations.erasing import PLACES
from worker.ledger.registry.tokens import Scope


class Letter(dead.Letter):
    """Something given up on. The command line names it by its CallSid."""

    class Meta:
        """The API's letters have an id of their own."""

        exclude = ("id",)


class DeadList(Schema):
    """What was given up on."""

    count = fields.Integer(required=True, metadata={"description": "How many there are in all."})
    reasons = fields.List(
        fields.Nested(dead.Reason()), required=True, metadata={"description": "The most frequent first."}
    )
    dead = fields.List(fields.Nested(Letter()), required=True, metadata={"description": "The last ones."})


class ChangedCounts(Schema):
    """How many were tried again, or dropped."""

    calls = fields.Integer(required=True)
    deliveries = fields.Integer(required=True)
    wrong = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, metadata={"description": "By CallSid: why not."}
    )


class ListedSink(sinks.Sink):
    """A sink, or what waits for one that has left the settings."""

    source = fields.String(
        required=True,
        validate=validate.OneOf(["settings", "added", "left behind"]),
        metadata={"description": "Of one left behind there are only `name`, `source` and `waiting`."},
    )
    state = fields.String(validate=validate.OneOf(["active", "failing", "disabled", "unusable"]))


class Ping(sinks.Exchange):
    """What came of trying a sink."""

    name = fields.String(required=True)


class Key(Schema):
    """A key just made."""

    key = fields.String(required=True)


class Token(Schema):
    """What a token is good for."""

    name = fields.String(required=True)
    scope = fields.String(required=True, validate=validate.OneOf([scope.value for scope in Scope]))
    expires = moment("null: never.", required=True)


class MadeToken(Token):
    """A token just made."""

    token = fields.String(required=True, metadata={"description": "It is shown this once."})


class ListedToken(Token):
    """A token, without the token itself."""

    created = fields.String(required=True, metadata={"format": "date-time"})
    last_used = moment("null: never.", required=True)
    expired = fields.Boolean(required=True)


class RevokedToken(Schema):
    """A token that lets nobody in any more."""

    name = fields.String(required=True)
    revoked = fields.Boolean(required=True)


class Erased(Schema):
    """How often a number was there."""

    found = fields.Integer(required=True)
    erased = fields.Integer(required=True)


class ErasedFile(Erased):
    """What a sink keeps on this host."""

    sink = fields.String(required=True)
    path = fields.String(required=True)
    missing = fields.Boolean(required=True, metadata={"description": "It is not on this host."})
    problem = fields.String(required=True, allow_none=True, metadata={"description": "Why it could not be rewritten."})


class UnfinishedCall(Schema):
    """A call to which the number may come back."""

    account_sid = fields.String(required=True)
    call_sid = fields.String(required=True)


class KeptElsewhere(Schema):
    """A sink that keeps what it gets out of reach."""

    sink = fields.String(required=True)
    calls = fields.List(fields.String(), required=True, metadata={"description": "The CallSids it got records of."})


Places = Schema.from_dict({place: fields.Nested(Erased(), required=True) for place in PLACES}, name="Places")


class Receipt(Schema):
    """What held a person's number, and what became of it."""

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
    """How a shell learns to complete commands."""

    shell = fields.String(required=True, validate=validate.OneOf(list(INSTALLED_BY)))
    install = fields.String(required=True, metadata={"description": "The line that keeps it."})
    script = fields.String(required=True)


class Finding(Schema):
    """What `check` found out about one thing."""

    about = fields.String(
        required=True, metadata={"description": "`settings`, `redis`, `exotel <SID>`, `sink <name>`…"}
    )
    verdict = fields.String(required=True, validate=validate.OneOf([verdict.value for verdict in Verdict]))
    text = fields.String(required=True, metadata={"description": "How it stands, and what to change."})


class Problems(Schema):
    """What ends a command, on standard error."""

    exit_code = fields.Integer(required=True)
    problems = fields.List(fields.String(), required=True, metadata={"description": "A line each."})


class Note(Schema):
    """What is said beside the answer, on standard error."""

    note = fields.String(required=True)
