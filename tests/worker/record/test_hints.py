"""What the callbacks add to a call, by contract section 5."""

import pytest
from payloads.reading import load_sample
from payloads.records import AGENT, CALLER, SECOND, build, callback, data, legs_of
from payloads.samples import CALLBACKS


@pytest.mark.parametrize(
    ("origin", "said", "direction"),
    [
        ("inbound", "outbound-api", "inbound"),
        ("outbound", "incoming", "outbound"),
        ("outbound-dial", "incoming", "inbound"),
        ("outbound-dial", "Inbound", "inbound"),
        ("outbound-dial", "outbound", "outbound"),
        ("outbound-dial", "outbound-dial", "outbound"),
        ("monitor", "outbound-api", "outbound"),
        ("outbound-dial", "sideways", None),
        ("outbound-dial", "null", None),
    ],
)
def test_the_direction_has_one_vocabulary_and_legs_know_it_best(origin, said, direction):
    assert data(legs_of((origin, AGENT, "completed", 9)), [callback(Direction=said)])["direction"] == direction


OUTBOUND = [("outbound", AGENT, "completed", 20), ("outbound-dial", SECOND, "completed", 9)]

FOUND = ("+919000000002", "+919000000001")


@pytest.mark.parametrize(
    ("callbacks", "found"),
    [
        ([{"From": AGENT, "To": SECOND}], FOUND),
        ([{"CallFrom": "9000000001", "To": "+919000000002"}], FOUND),
        ([{"FromNumber": "+919000000001", "ToNumber": SECOND}], FOUND),
        ([{"To": SECOND}], FOUND),
        ([{"From": AGENT, "To": SECOND}, {"From": "null", "To": ""}], FOUND),
        ([{"From": AGENT, "To": SECOND}, {"From": AGENT, "CallTo": "04000000001"}], FOUND),
        ([], (None, None)),
        ([{"From": AGENT}], (None, None)),
        ([{"From": AGENT, "To": "04000000001"}], (None, None)),
        ([{"From": SECOND, "To": AGENT}], (None, None)),
        ([{"From": "09000000077", "To": SECOND}], (None, None)),
        ([{"CallFrom": AGENT, "CallTo": SECOND}], (None, None)),
    ],
)
def test_who_is_who_in_an_outbound_call_is_matched_by_number_and_never_guessed(callbacks, found):
    call = data(legs_of(*OUTBOUND), [callback(at=at, **params) for at, params in enumerate(callbacks)])
    assert (call["customer"], call["agent"]) == found


def test_a_customer_behind_sip_is_matched_and_has_no_number():
    call = data(
        legs_of(OUTBOUND[0], ("outbound-dial", "sip:customer", "completed", 9)),
        [callback(From=AGENT, To="sip:customer")],
    )
    assert (call["customer"], call["agent"]) == (None, "+919000000001")


def test_without_a_direction_nobody_is_anybody():
    call = data(legs_of(("elsewhere", AGENT, "completed", 9)), [callback(From=AGENT, To=SECOND)])
    assert (call["direction"], call["customer"], call["agent"]) == (None, None, None)


@pytest.mark.parametrize(
    ("callbacks", "exophone"),
    [
        ([{"PhoneNumberSid": "04000000001"}], "+914000000001"),
        ([{"VirtualNumber": "+914000000001"}], "+914000000001"),
        ([{"OutgoingPhoneNumber": "04000000002"}], "+914000000002"),
        ([{"Direction": "incoming", "CallTo": "04000000001", "To": "04000000002"}], "+914000000001"),
        ([{"Direction": "inbound", "To": "+914000000001"}], "+914000000001"),
        ([{"Direction": "incoming", "CallTo": "sip:a", "To": "04000000001"}], "+914000000001"),
        ([{"Direction": "outbound-dial", "CallTo": SECOND, "To": SECOND}], None),
        ([{"CallTo": SECOND, "To": SECOND}], None),
        ([{"PhoneNumberSid": "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"}], None),
        ([{"PhoneNumberSid": "04000000001"}, {"PhoneNumberSid": ""}, {"PhoneNumberSid": "null"}], "+914000000001"),
        ([{"PhoneNumberSid": "04000000001"}, {"OutgoingPhoneNumber": "04000000002"}], "+914000000001"),
        ([], None),
    ],
)
def test_the_exophone_comes_from_the_fields_that_hold_it_in_their_dialect(callbacks, exophone):
    call = data(legs_of(CALLER), [callback(at=at, **params) for at, params in enumerate(callbacks)])
    assert call["exophone"] == exophone


def test_the_exophone_of_a_leg_goes_before_that_of_a_callback():
    call = data(legs_of({"ExoPhone": "04000000009"}), [callback(PhoneNumberSid="04000000001")])
    assert call["exophone"] == "+914000000009"


@pytest.mark.parametrize(
    ("name", "values", "field", "merged"),
    [
        ("CustomField", ["order_1", "", "null", None], "custom_field", "order_1"),
        ("CustomField", [" {} "], "custom_field", " {} "),
        ("CustomField", [12345], "custom_field", "12345"),
        ("CustomField", ["null"], "custom_field", None),
        ("CustomField", [{"order": 1}], "custom_field", None),
        ("RecordingUrl", ["https://a", None, ""], "recording_url", "https://a"),
        ("RecordingUrl", ["https://a", "https://b"], "recording_url", "https://b"),
        ("CallRecordings", ["https://a"], "recording_url", "https://a"),
        ("PreSignedRecordingUrl", ["https://a"], "recording_url", None),
        ("digits", ['"215250"'], "digits", "215250"),
        ("digits", ["215250", '""'], "digits", "215250"),
        ("digits", [7], "digits", "7"),
        ("digits", ['""'], "digits", None),
    ],
)
def test_a_later_callback_fills_gaps_and_never_erases(name, values, field, merged):
    callbacks = [callback(at=at, **{name: value}) for at, value in enumerate(values)]
    call = data(legs_of(CALLER), callbacks)
    assert call[field] == merged
    assert [entry["params"][name] for entry in call["callbacks"]] == values
    assert data(legs_of(CALLER), reversed(callbacks)) == call


def test_callbacks_stand_in_order_of_arrival_as_they_came():
    first = load_sample(CALLBACKS["S15"])
    (entry,) = data(legs_of(CALLER), [first])["callbacks"]
    assert entry == {
        "kind": "passthru",
        "received_at": "2026-09-16T07:02:26Z",
        "event": None,
        "params": first.params,
    }


@pytest.mark.parametrize(
    ("callbacks", "time"),
    [
        ([], "2026-09-16T05:48:00Z"),
        ([{"Status": "in-progress", "EndTime": "2026-09-16 11:00:00"}], "2026-09-16T05:50:00Z"),
        ([{"Status": "busy", "EndTime": "2026-09-16 11:00:00"}], "2026-09-16T05:30:00Z"),
        ([{"Status": "busy", "EndTime": "", "DateUpdated": "2026-09-16 11:00:00"}], "2026-09-16T05:30:00Z"),
        ([{"Status": "busy", "date_updated": "2026-09-16T13:30:00+08:00"}], "2026-09-16T05:30:00Z"),
        ([{"Status": "busy", "EndTime": "soon"}], "2026-09-16T05:50:00Z"),
        ([{"Status": "busy", "EndTime": "2026-09-16 11:00:00"}, {"Status": "free"}], "2026-09-16T05:30:00Z"),
    ],
)
def test_without_legs_the_call_ended_when_a_callback_says_so(callbacks, time):
    event = build(None, [callback(at=at, **params) for at, params in enumerate(callbacks)], settled=False)
    assert event["time"] == time
