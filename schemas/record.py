"""Declare the record of a call, which is what sinks receive (contract section 5)."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from schemas.fields import Instant, Seconds

TYPE_COMPLETED = "legwork.call.completed"
TYPE_CORRECTED = "legwork.call.corrected"
TYPE_UNAVAILABLE = "legwork.call.unavailable"
TYPES = (TYPE_COMPLETED, TYPE_CORRECTED, TYPE_UNAVAILABLE)

DATASCHEMA = "https://github.com/legwork/legwork/schemas/call-record/v1"

DIRECTIONS = ("inbound", "outbound")
ROLES = ("caller", "callee", "supervisor", "unknown")
NUMBER_KINDS = ("phone", "sip", "unknown")
OUTCOMES = ("answered", "missed", "busy", "failed")
SCENARIOS = ("direct", "multi_party", "unanswered", "unknown")
CALLBACK_KINDS = ("passthru", "status")

_E164 = validate.Regexp(r"^\+[1-9][0-9]+$")


def _always(kind: type[fields.Field[Any]], doc: str, **options: Any) -> Any:
    return kind(required=True, metadata={"doc": doc}, **options)


def _or_null(kind: type[fields.Field[Any]], doc: str, **options: Any) -> Any:
    return kind(required=True, allow_none=True, metadata={"doc": doc}, **options)


def _one_of(words: tuple[str, ...], doc: str) -> Any:
    return _always(fields.String, doc, validate=validate.OneOf(words))


def _list_of(schema: type[Schema], doc: str) -> Any:
    return fields.List(fields.Nested(schema), required=True, metadata={"doc": doc})


class LegSchema(Schema):
    """One leg: one party's part in the call."""

    sid = _always(fields.String, "Exotel's id of the leg.")
    role = _one_of(
        ROLES,
        "caller (its origin is inbound or outbound), callee (outbound-dial), supervisor (monitor) or unknown.",
    )
    number = _or_null(fields.String, "The party's number in E.164, null if it has none.", validate=_E164)
    number_raw = _or_null(fields.String, "The party's number as Exotel wrote it.")
    number_kind = _one_of(NUMBER_KINDS, "What number_raw is.")
    status = _or_null(
        fields.String,
        "Exotel's status in lower case: completed, busy, no-answer, failed, canceled, queued, ringing, "
        "in-progress, or a value unknown to Legwork.",
    )
    origin = _or_null(
        fields.String,
        "Exotel's origin in lower case: inbound, outbound, outbound-dial, monitor, or a value unknown to Legwork.",
    )
    last_action = _or_null(fields.String, "What a supervisor last did: listen, whisper or barge.")
    created_at = _or_null(Instant, "When Exotel created the leg.")
    updated_at = _or_null(Instant, "When Exotel last updated the leg.")
    started_at = _or_null(Instant, "When the leg started, if Exotel says so.")
    ended_at = _or_null(Instant, "When the leg ended, if Exotel says so.")
    on_call_seconds = _always(Seconds, "How long the party was on the call, ringing not counted; 0 if unknown.")
    exophone = _or_null(fields.String, "The virtual number used, in E.164.", validate=_E164)
    backup_exophone = _or_null(fields.String, "The virtual number kept in reserve, in E.164.", validate=_E164)
    uri = _or_null(fields.String, "Exotel's path of the leg.")
    extra = _always(
        fields.Dict,
        "Everything else in Exotel's leg, unchanged: unknown keys and unreadable values.",
    )


class AgentSchema(Schema):
    """An agent who was tried, in all legs of the call; who was rung twice is one entry."""

    number = _or_null(fields.String, "The agent's number in E.164, null where it has none.", validate=_E164)
    number_raw = _or_null(fields.String, "The agent's number as Exotel wrote it, such as a softphone's sip: address.")
    number_kind = _one_of(NUMBER_KINDS, "What number_raw is.")
    status = _or_null(
        fields.String,
        "completed if the agent talked, else the most informative status of the legs, as in the call's status.",
    )
    on_call_seconds = _always(Seconds, "How long the agent was on the call, all legs together.")


class CallbackSchema(Schema):
    """One callback about the call, which is not signed and so only a hint."""

    kind = _one_of(CALLBACK_KINDS, "Which of the two URLs it came to.")
    received_at = _always(Instant, "When it was received.")
    event = _or_null(fields.String, "The name of the event in lower case, such as terminal.")
    params = _always(fields.Dict, "All parameters: brackets nested, lists in order of index, values unchanged.")


class WaitedSchema(Schema):
    """What the time between the first callback and the record was spent on."""

    settle = _always(fields.Float, "Seconds spent waiting for Exotel's answer to become final, retries included.")
    quota = _always(fields.Float, "Seconds spent waiting for quota.")
    fetch = _always(fields.Float, "Seconds spent in requests.")


class ProvenanceSchema(Schema):
    """Where the record comes from."""

    fetched_at = _or_null(Instant, "When Exotel sent the response that the record is made from.")
    fetches = _always(fields.Integer, "How many requests were made for the call so far.")
    response_sha256 = _or_null(fields.String, "SHA-256 of the response's bytes, in hexadecimal.")
    first_callback_at = _always(Instant, "When Legwork received the call's first callback.")
    waited_seconds = fields.Nested(WaitedSchema, required=True, metadata={"doc": WaitedSchema.__doc__})
    legwork_version = _always(fields.String, "The version of Legwork that built the record.")


class CallDataSchema(Schema):
    """A call: its outcome, its legs, the callbacks about it."""

    account_sid = _always(fields.String, "The Exotel account.")
    call_sid = _always(fields.String, "Exotel's id of the call.", validate=validate.Regexp(r"^[0-9A-Za-z]{8,64}$"))
    revision = _always(fields.Integer, "1, and one more for each correction.", validate=validate.Range(min=1))
    settled = _always(fields.Boolean, "True if Exotel's answer is final, as far as can be determined.")
    direction = _or_null(
        fields.String,
        "Who called: inbound or outbound, null if unknown.",
        validate=validate.OneOf(DIRECTIONS),
    )
    status = _or_null(
        fields.String,
        "The outcome: completed if a caller and a callee both talked, else the most informative status of the "
        "callee legs (busy, then no-answer, failed, canceled, then any other), else of the callers'.",
    )
    outcome = _or_null(
        fields.String,
        "How it went for the customer. Inbound: answered if a callee talked, else missed. Outbound, by the customer's leg: "
        "answered if it talked, busy, missed if nobody answered, else failed. Null where the legs do not tell.",
        validate=validate.OneOf(OUTCOMES),
    )
    started_at = _or_null(Instant, "The earliest creation or start of all legs.")
    ended_at = _or_null(Instant, "The latest end or update of all legs.")
    duration_seconds = _or_null(
        fields.Integer, "Whole seconds from started_at to ended_at.", validate=validate.Range(min=0)
    )
    answered_at = _or_null(
        Instant,
        "When the first callee began to talk: the end of the first callee leg that talked, less its on_call_seconds.",
    )
    wait_seconds = _or_null(Seconds, "Seconds from started_at to answered_at; null where nobody answered.")
    talk_seconds = _always(Seconds, "The sum of on_call_seconds over the callee legs.")
    participant_count = _always(
        fields.Integer,
        "Distinct parties, by number, that talked; supervisors not counted.",
        validate=validate.Range(min=0),
    )
    scenario = _one_of(
        SCENARIOS,
        "direct: one callee party talked; multi_party: several; unanswered: none; unknown: no callee leg.",
    )
    monitored = _always(fields.Boolean, "Did a supervisor listen, whisper or barge?")
    exophone = _or_null(fields.String, "The virtual number of the call, in E.164.", validate=_E164)
    customer = _or_null(
        fields.String,
        "The customer's number in E.164, null where it is not known; never guessed.",
        validate=_E164,
    )
    agent = _or_null(
        fields.String,
        "The agent's number in E.164, null where it is not known; never guessed.",
        validate=_E164,
    )
    agent_raw = _or_null(
        fields.String, "The same agent as Exotel wrote it, where the agent has no number in E.164, such as a softphone."
    )
    agents = _list_of(
        AgentSchema,
        "Every agent who was tried, by first leg: the callees of an inbound call, the caller of an outbound one.",
    )
    legs = _list_of(LegSchema, "Every leg, ordered by created_at, then sid.")
    callbacks = _list_of(CallbackSchema, "Every callback, in order of arrival.")
    custom_field = _or_null(fields.String, "The CustomField set when the call was placed.")
    recording_url = _or_null(fields.String, "The recording's URL in the latest callback that has one.")
    digits = _or_null(fields.String, "The digits that the caller pressed.")
    reason = fields.String(metadata={"doc": "Why there are no legs, or why the answer is not final; absent otherwise."})
    provenance = fields.Nested(ProvenanceSchema, required=True, metadata={"doc": ProvenanceSchema.__doc__})


class EventSchema(Schema):
    """A record: a CloudEvents 1.0 event in structured JSON."""

    specversion = _always(fields.String, "The version of CloudEvents.", validate=validate.Equal("1.0"))
    id = _always(
        fields.String,
        "Identical for the same account, call, revision and type, permanently.",
        validate=validate.Regexp(r"^[^.]+$"),
    )
    source = _always(fields.String, "/exotel/accounts/ and the account.")
    type = _one_of(TYPES, "completed; corrected, if a later fetch differed; unavailable, if the call failed.")
    subject = _always(fields.String, "The CallSid.")
    time = _always(Instant, "When the call ended, as far as known.")
    datacontenttype = _always(fields.String, "The type of data.", validate=validate.Equal("application/json"))
    dataschema = _always(fields.String, "The name of this schema.", validate=validate.Equal(DATASCHEMA))
    data = fields.Nested(CallDataSchema, required=True, metadata={"doc": CallDataSchema.__doc__})


EVENT = EventSchema()
