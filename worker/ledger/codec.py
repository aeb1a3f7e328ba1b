"""Pack callbacks and records for Redis: JSON, deflated with a dictionary of what callbacks have in common.

A minimal callback shrinks from some 200 bytes to under 80, a full Passthru from 1,100 to under 400: so
100,000 waiting calls take tens of megabytes.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.callback import Callback

# The first byte of everything packed. A change of DICTIONARY or of the format needs a new one besides the old.
_CALLBACK_V1 = b"\x01"
_EVENT_V1 = b"\x02"

# What callbacks of all formats share, the most frequent last (deflate prefers what is near the end).
DICTIONARY = (
    b'"AccountDomain":"AppId":"AppUserID":"CallDetail":"terminal","CallRecordings":"CallState":"terminal",'
    b'"FromNumber":"sip:"ToNumber":"TotalDuration":"VirtualNumber":"campaign_sid":"call_sid":"date_created":"+05:30'
    b'"Stream":{"StreamSID":"Duration":"StreamUrl":"wss://"DisconnectedBy":"Insights":{"DetailedStatus":"RingingDuration":'
    b'"AgentEmail":"EventType":"Dial"Answered"Terminal"Status":"busy"free"'
    b'"EventType":"answered","in-progress","PhoneNumberSid":"ConversationDuration":"outbound-api","CustomField":"'
    b'"AnsweredBy":"NA"HUMAN"}]"Legs":[{"OnCallDuration":"0","Status":"no-answer"canceled"failed"'
    b'"client-hangup"incomplete"call-attempt"voicemail"RING_TIMEOUT","Cause":"1003"USER_BUSY"'
    b'{"k":"passthru","t":1790000000.,"e":null,"p":{"CallSid":"","CallFrom":"0900000","CallTo":"0400000",'
    b'"Direction":"incoming","ForwardedFrom":"null","Created":"Wed, 16 Sep 2026 12:00:00","DialCallDuration":"0",'
    b'"RecordingUrl":"https://recordings.exotel.com/exotelrecordings/.mp3","StartTime":"2026-11-16 12:00:00",'
    b'"EndTime":"1970-01-01 05:30:00","DialCallStatus":"completed","CallType":"completed","DialWhomNumber":"0",'
    b'"ProcessStatus":"null","flow_id":"","tenant_id":"","From":"0","To":"0",'
    b'"RecordingAvailableBy":"Wed, 16 Sep 2026 12:00:00","CurrentTime":"2026-11-16 12:00:00","OutgoingPhoneNumber":"0",'
    b'"digits":"\\"","Legs":[{"Number":"0","Type":"single","OnCallDuration":"1","CallerId":"0",'
    b'"CauseCode":"NORMAL_CLEARING","Cause":"16"}]}}'
    b'{"k":"status","t":1790000000.,"e":"terminal","x":1,"p":{"CallSid":"","EventType":"terminal","DateCreated":"2026-11-'
    b'"DateUpdated":"2026-11-","Status":"completed","RecordingUrl":"https://recordings.exotel.com/'
    b'","Status":"completed","DateUpdated":"2026-'
)


def _deflate(data: bytes, dictionary: bytes) -> bytes:
    # Raw deflate: zlib's header and checksum would cost 6 bytes per callback, and Redis guards integrity anyway.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=dictionary)
    return packer.compress(data) + packer.flush()


def _inflate(data: bytes, dictionary: bytes) -> bytes:
    return zlib.decompressobj(-15, zdict=dictionary).decompress(data)


def _dictionary_for(call_sid: str) -> bytes:
    # The CallSid is in nearly every callback, often twice (recording URL), and known wherever one is unpacked.
    return DICTIONARY + call_sid.encode()


def pack_callback(callback: Callback) -> bytes:
    """Return the callback as bytes for the ledger; `unpack_callback` is its inverse."""
    document: dict[str, Any] = {
        "k": callback.kind,
        "t": callback.received_at.timestamp(),
        "e": callback.event,
    }
    if callback.ended:
        document["x"] = 1
    document["p"] = callback.params
    return _CALLBACK_V1 + _deflate(orjson.dumps(document), _dictionary_for(callback.call_sid))


def unpack_callback(packed: bytes, call_sid: str) -> Callback:
    """Return the callback that `pack_callback` packed.

    Raises ValueError for a version unknown to this Legwork.
    """
    document = orjson.loads(callback_text(packed, call_sid))
    return Callback(
        kind=document["k"],
        call_sid=call_sid,
        received_at=datetime.fromtimestamp(document["t"], UTC),
        event=document["e"],
        ended="x" in document,
        params=document["p"],
    )


def callback_text(packed: bytes, call_sid: str) -> bytes:
    """Return the JSON of a callback that `pack_callback` packed. Raises ValueError for an unknown version."""
    if packed[:1] != _CALLBACK_V1:
        raise ValueError(f"a callback packed in an unknown version ({packed[:1].hex()}): written by a newer Legwork?")
    return _inflate(packed[1:], _dictionary_for(call_sid))


def pack_event(event: dict[str, Any]) -> bytes:
    """Return a record (a CloudEvent as a JSON-ready mapping) as bytes for the ledger."""
    return _EVENT_V1 + _deflate(orjson.dumps(event), DICTIONARY)


def unpack_event(packed: bytes) -> dict[str, Any]:
    """Return the record that `pack_event` packed. Raises ValueError for an unknown version."""
    event: dict[str, Any] = orjson.loads(event_text(packed))
    return event


def event_text(packed: bytes) -> bytes:
    """Return the JSON of a record that `pack_event` packed. Raises ValueError for an unknown version."""
    if packed[:1] != _EVENT_V1:
        raise ValueError(f"a record packed in an unknown version ({packed[:1].hex()}): written by a newer Legwork?")
    return _inflate(packed[1:], DICTIONARY)


def pack_body(body: bytes) -> bytes:
    """Return a raw response of Exotel, deflated."""
    return zlib.compress(body)


def unpack_body(packed: bytes) -> bytes:
    """Return the raw response that `pack_body` packed."""
    return zlib.decompress(packed)
