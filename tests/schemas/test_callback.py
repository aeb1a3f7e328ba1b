from datetime import UTC, timedelta, timezone

import pytest
from marshmallow import ValidationError
from payloads.reading import NOW, OTHER, SID, load, load_one, load_sample
from payloads.samples import CALLBACKS

from schemas.callback import MAX_CALLS, MAX_PARAMETERS, is_batch, load_callbacks
from schemas.named_parameters import NamedParameters
from schemas.plain import MAX_DEPTH


@pytest.mark.parametrize("sample", CALLBACKS.values(), ids=lambda sample: sample.name)
def test_every_sample_is_understood(sample):
    callback = load_sample(sample)
    assert (callback.call_sid, callback.event, callback.ended) == (sample.call_sid, sample.event, sample.ended)
    assert (callback.kind, callback.received_at) == (sample.to, NOW)


def test_a_passthru_keeps_its_values_untouched():
    params = load_sample(CALLBACKS["S15"]).params
    assert params["digits"] == '"215250"'
    assert params["EndTime"] == "1970-01-01 05:30:00"
    assert params["DialWhomNumber"] == ""
    assert params["Created"] == "Wed, 16 Sep 2026 16:42:56"


def test_brackets_become_lists_and_mappings():
    assert load_sample(CALLBACKS["S16"]).params["Legs"] == [
        {
            "Number": "09000000009",
            "Type": "single",
            "OnCallDuration": "10",
            "CallerId": "04000000001",
            "CauseCode": "NORMAL_CLEARING",
            "Cause": "16",
        }
    ]
    assert load_sample(CALLBACKS["S22"]).params["Stream"]["DisconnectedBy"] == "bot"


def test_json_stays_as_it_is():
    assert load_sample(CALLBACKS["S28"]).params == CALLBACKS["S28"].document


@pytest.mark.parametrize(
    ("pairs", "document"),
    [
        ([("CallSid", SID)], None),
        ([("callsid", SID)], None),
        ([("CALLSID", SID)], None),
        ([("call_sid", SID)], None),
        ([("Call_Sid", SID)], None),
        ([("Call.Sid", SID)], None),
        ([("call.sid", SID)], None),
        ([("Call[Sid]", SID)], None),
        ([("CALL[SID]", SID)], None),
        ([], {"CallSid": SID}),
        ([], {"call_sid": SID}),
        ([], {"Call": {"Sid": SID}}),
        ([], {"call": {"sid": SID, "From": "09000000001"}}),
        ([], {"Call.Sid": SID}),
        ([], {"Call[Sid]": SID}),
        ([("order", "17")], {"CallSid": SID}),
    ],
)
def test_the_call_sid_is_found_wherever_exotel_puts_it(pairs, document):
    assert load_one(pairs, document).call_sid == SID


def test_digits_alone_may_be_a_number():
    assert load_one([], {"CallSid": 1234567890}).call_sid == "1234567890"


@pytest.mark.parametrize(
    ("pairs", "document"),
    [
        ([("call_sids[]", SID), ("call_sids[]", OTHER)], None),
        ([("call_sids[3]", SID), ("call_sids[4]", OTHER)], None),
        ([("call_sids", SID), ("call_sids", OTHER)], None),
        ([], {"call_sids": [SID, OTHER], "to": "09000000001"}),
        ([], {"CallSids": [SID, OTHER, SID]}),
        ([], {"call_sids": [SID, None, "!", {}, OTHER]}),
    ],
)
def test_a_list_of_call_sids_is_a_callback_for_each(pairs, document):
    callbacks = load(pairs, document)
    assert [callback.call_sid for callback in callbacks] == [SID, OTHER]
    assert all(map(is_batch, callbacks))


def test_a_list_of_one_is_still_a_list():
    assert is_batch(load_one([], {"call_sids": [SID]}))
    assert not is_batch(load_one([], {"CallSid": SID}))
    assert not is_batch(load_one([], {"CallSid": SID, "call_sids": [OTHER]}))


def test_a_single_call_sid_goes_before_a_list():
    assert load_one([("CallSid", SID), ("call_sids[]", OTHER)]).call_sid == SID


def test_of_several_call_sids_the_last_usable_one_counts_as_exotels_come_after_the_urls_own():
    assert load_one([("CallSid", "{CallSid}"), ("CallSid", SID)]).call_sid == SID
    assert load_one([("CallSid", OTHER), ("CallSid", SID)]).call_sid == SID
    assert load_one([("CallSid", OTHER)], {"CallSid": SID}).call_sid == SID
    assert load_one([("CallSid", SID), ("CallSid", "")]).call_sid == SID


@pytest.mark.parametrize(
    ("pairs", "document", "field"),
    [
        ([], None, "CallSid"),
        ([("order", "17")], None, "CallSid"),
        ([("CallSid", "")], None, "CallSid"),
        ([("CallSid", "null")], None, "CallSid"),
        ([("CallSid", "short")], None, "CallSid"),
        ([("CallSid", SID + "\n")], None, "CallSid"),
        ([("CallSid", "../../etc/passwd")], None, "CallSid"),
        ([("CallSid[x]", SID)], None, "CallSid"),
        ([], {"CallSid": {"Sid": SID}}, "CallSid"),
        ([], {"CallSid": None}, "CallSid"),
        ([], {"CallSid": True}, "CallSid"),
        ([], {"Call": SID}, "CallSid"),
        ([], {"ParentCallSid": SID}, "CallSid"),
        ([], {"call_sids": []}, "CallSid"),
        ([], {"call_sids": ["short"]}, "call_sids"),
        ([], [SID], "CallSid"),
        ([], SID, "CallSid"),
        ([], [], "CallSid"),
    ],
)
def test_without_a_usable_call_sid_the_error_names_the_field(pairs, document, field):
    with pytest.raises(ValidationError) as refusal:
        load(pairs, document)
    assert list(refusal.value.messages_dict) == [field]


def test_query_form_and_json_are_merged_in_this_order_and_lose_nothing():
    pairs = [("order", "17"), ("Status", "in-progress"), ("CallSid", SID), ("Status", "completed")]
    callback = load_one(pairs, {"Status": "busy", "Extra": {"a": [1]}})
    assert callback.params == {
        "order": "17",
        "Status": ["in-progress", "completed", "busy"],
        "CallSid": SID,
        "Extra": {"a": [1]},
    }


def test_a_body_without_names_is_kept_too():
    assert load_one([("CallSid", SID)], ["x"]).params == {"CallSid": SID, "body": ["x"]}


def test_the_time_of_receipt_is_in_utc():
    east = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    (callback,) = load_callbacks("status", [("CallSid", SID)], received_at=east)
    assert (callback.received_at, callback.received_at.tzinfo) == (NOW, UTC)


def test_the_number_of_parameters_has_a_limit_that_the_error_names():
    pairs = [("CallSid", SID), *((f"p{number}", "x") for number in range(MAX_PARAMETERS - 1))]
    assert load(pairs)
    for too_much in ([*pairs, ("one", "more")],):
        with pytest.raises(ValidationError, match=str(MAX_PARAMETERS)):
            load(too_much)
    for document in ({"a": list(range(MAX_PARAMETERS))}, {"a": [[]] * MAX_PARAMETERS}):
        with pytest.raises(ValidationError, match=str(MAX_PARAMETERS)):
            load([("CallSid", SID)], document)


def test_the_depth_has_a_limit_that_the_error_names():
    deep = {"x": 1}
    for _ in range(2000):
        deep = {"x": deep}
    for pairs, document in (([("CallSid", SID)], deep), ([("CallSid", SID), ("a" + "[b]" * 2000, "x")], None)):
        with pytest.raises(ValidationError, match=str(MAX_DEPTH)):
            load(pairs, document)


def test_a_huge_index_costs_nothing():
    callback = load_one([("CallSid", SID), ("Legs[4294967296][Status]", "busy")])
    assert callback.params["Legs"] == [{"Status": "busy"}]


def test_parameters_are_looked_up_in_any_case_and_the_last_known_value_counts():
    found = NamedParameters({"RecordingUrl": ["https://a", "null"], "recording_url": "", "flag": True, "n": 7})
    assert found.text("RECORDINGURL") == "https://a"
    assert found.text("Missing", "n") == "7"
    assert found.text("flag") is None
    assert found.all("Flag") == [True]


def test_a_list_of_more_calls_than_anybody_would_name_is_refused():
    sids = [f"call{number:06}" for number in range(MAX_CALLS + 1)]
    assert len(load([], {"call_sids": sids[:-1]})) == MAX_CALLS
    with pytest.raises(ValidationError, match="call_sids"):
        load([], {"call_sids": sids})
