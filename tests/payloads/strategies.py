"""Anything that may arrive: plausible, odd and hostile, for hypothesis to draw from."""

import json

from hypothesis import strategies as st

from schemas.no_value import is_nothing

SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"

# Lone surrogates and all: json.loads makes them out of "\ud800".
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
NOTHINGS = st.sampled_from([None, "", "null", "1970-01-01 05:30:00", "0000-00-00 00:00:00", "0001-01-01T00:00:00Z"])
NUMBERS = st.sampled_from(
    [
        "09000000001",
        "+919000000001",
        "919000000002",
        "9000000003",
        "sip:agentone1a2b3c",
        "0014155550123",
        "0900XXXX",
        "7",
    ]
)
TIMES = st.sampled_from(
    ["2026-09-16 11:12:39", "2026-09-16 11:13:08", "2026-09-14 11:01:20+05:30", "2026-09-16T05:43:08.5Z"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | NOTHINGS
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)

_NAMES = [
    "CallSid", "call_sid", "Call[Sid]", "Call", "call_sids[]", "call_sids", "EventType", "CallState", "CallDetail",
    "Status", "Direction", "From", "To", "CallFrom", "CallTo", "PhoneNumberSid", "VirtualNumber", "RecordingUrl",
    "OutgoingPhoneNumber", "CustomField", "digits", "EndTime", "DateUpdated", "Legs[0][Status]", "Legs[7][Status]",
]  # fmt: skip
_WORDS = ["terminal", "answered", "Dial", "free", "busy", "completed", "incoming", "outbound-api", '"215250"', '""']
_VALUES = st.sampled_from(_WORDS) | NUMBERS | TIMES | st.just(SID) | ANY_TEXT

PAIRS = st.lists(st.tuples(st.sampled_from(_NAMES) | ANY_TEXT | st.text("ab[]0", max_size=9), _VALUES), max_size=15)
BODIES = DOCUMENTS | st.dictionaries(st.sampled_from(_NAMES) | ANY_TEXT, _VALUES | DOCUMENTS, max_size=8)

_LEG = {
    "CallSid": st.just(SID),
    "PhoneNumber": NUMBERS,
    "Status": st.sampled_from(["completed", "Busy", "no-answer", "cancelled", "failed", "ringing", "teleported"]),
    "Origin": st.sampled_from(["inbound", "outbound", "Outbound-dial", "monitor", "elsewhere"]),
    "LastAction": st.sampled_from(["", "listen"]),
    "DateCreated": TIMES,
    "DateUpdated": TIMES,
    "StartTime": TIMES,
    "EndTime": TIMES,
    "OnCallDuration": st.integers(0, 14400) | st.sampled_from(["20", "0", "2.5", 1.25]),
    "ExoPhone": NUMBERS,
    "BackupEcoPhone": NUMBERS,
    "FutureField": DOCUMENTS,
}
LEGS = st.fixed_dictionaries(
    {"Sid": st.sampled_from("abcdef") | ANY_TEXT.filter(lambda text: not is_nothing(text))},
    optional={key: plausible | NOTHINGS | SCALARS | DOCUMENTS for key, plausible in _LEG.items()},
)


@st.composite
def answers(draw, legs=LEGS):
    """An answer of the Legs API as bytes: mostly well-formed, its values anything."""
    listed = draw(st.lists(legs, max_size=5))
    meta = {"Total": draw(st.just(len(listed)) | SCALARS), "Count": draw(st.just(str(len(listed))) | SCALARS)}
    return json.dumps({"MetaData": meta, "legs": listed}).encode()
