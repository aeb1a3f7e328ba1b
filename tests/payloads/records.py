"""Records out of a few words, each held to its JSON Schema whatever the test is about."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
from jsonschema import Draft202012Validator
from payloads.samples import ANSWERS

from schemas.callback import load_callbacks
from schemas.json_schema import json_schema
from schemas.legs import load_legs
from worker.record.build import Provenance, build_record

SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"

KOLKATA = ZoneInfo("Asia/Kolkata")

NOW = datetime(2026, 9, 16, 5, 50, tzinfo=UTC)

CALLER = ("inbound", "09000000011", "completed", 40)

AGENT, SECOND = "09000000001", "09000000002"

VALIDATOR = Draft202012Validator(json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)

PROVENANCE = Provenance(
    fetched_at=NOW + timedelta(milliseconds=250),
    fetches=1,
    response_sha256="0" * 64,
    first_callback_at=NOW - timedelta(seconds=120),
    waited_seconds={"settle": 120.0, "quota": 0.3, "fetch": 0.2},
)


def build(answer=None, callbacks=(), **changes):
    event = build_record(
        **{
            "account_sid": "acme1m",
            "call_sid": SID,
            "revision": 1,
            "settled": True,
            "callbacks": list(callbacks),
            "answer": answer,
            "provenance": PROVENANCE,
            "timezone": KOLKATA,
            **changes,
        }
    )
    VALIDATOR.validate(event)
    VALIDATOR.validate(event["data"])
    assert orjson.loads(orjson.dumps(event)) == event
    return event


def data(*args, **changes):
    return build(*args, **changes)["data"]


def answer_of(sample):
    return load_legs(ANSWERS[sample].body, timezone=KOLKATA)


def legs_of(*legs):
    """An answer with these legs, each given as (origin, number, status, seconds) or as a mapping."""
    keys = ("Origin", "PhoneNumber", "Status", "OnCallDuration")
    listed = [
        {
            "Sid": f"leg{place}",
            "DateCreated": f"2026-09-16 11:12:{place:02}",
            **(leg if isinstance(leg, dict) else dict(zip(keys, leg, strict=False))),
        }
        for place, leg in enumerate(legs)
    ]
    return load_legs(json.dumps({"legs": listed}).encode(), timezone=KOLKATA)


def callback(*, at=0, kind="status", **params):
    (loaded,) = load_callbacks(kind, [], {"CallSid": SID, **params}, received_at=NOW + timedelta(seconds=at))
    return loaded
