"""The callback URLs understand every dialect of Exotel's (contract, section 3)."""

from __future__ import annotations

import io
import json

import pytest
from web_app import OTHER, PASSTHRU, PROBLEM, SID, STATUS

LIMIT = 256 * 1024
MULTIPART = {"content_type": "multipart/form-data"}


# Dialects


FORM = {"CallSid": SID, "Status": "busy", "Legs[0][Status]": "completed", "Legs[1][Status]": "busy", "empty": ""}
NESTED = {"CallSid": SID, "Status": "busy", "Legs": [{"Status": "completed"}, {"Status": "busy"}], "empty": ""}


@pytest.mark.parametrize(
    "options",
    [
        {"query_string": FORM},
        {"data": FORM},
        {"data": FORM, **MULTIPART},
        {"json": NESTED},
        {"data": json.dumps(NESTED), "content_type": "text/plain"},
        {"data": json.dumps(NESTED)},
        {"data": json.dumps(NESTED).encode("utf-16"), "content_type": "application/json"},
    ],
    ids=["query", "form", "multipart", "json", "json as text", "json unnamed", "utf-16"],
)
def test_parameters_are_read_in_every_dialect(web, options):
    assert web.post(STATUS, **options).json["accepted"]
    assert web.params() == [NESTED]


@pytest.mark.parametrize("body", [{"data": {"Status": "busy", "b": "2"}}, {"json": {"Status": "busy", "b": "2"}}])
def test_the_query_and_the_body_are_merged(web, body):
    assert web.post(STATUS, query_string={"CallSid": SID, "order": "7"}, **body).json["accepted"]
    assert web.params() == [{"CallSid": SID, "order": "7", "Status": "busy", "b": "2"}]


def test_brackets_are_nested_whatever_the_index_and_unknown_parameters_are_kept(web):
    web.get(
        PASSTHRU,
        query_string={"CallSid": SID, "Legs[7][Insights][Status]": "x", "Legs[2][Number]": "1", "New_Thing": "n"},
    )
    assert web.params() == [
        {"CallSid": SID, "Legs": [{"Number": "1"}, {"Insights": {"Status": "x"}}], "New_Thing": "n"}
    ]


def test_values_are_kept_untouched(web):
    values = {
        "digits": '"215250"',
        "none": "null",
        "blank": "  ",
        "name": "नमस्ते 🙂",
        "plus": "+91 9",
        "percent": "100%",
        "nul": "\x00",
    }
    web.post(STATUS, data={"CallSid": SID, **values})
    web.post(STATUS, data={"CallSid": SID, **values, "n": "1"}, **MULTIPART)
    assert [{name: params[name] for name in values} for params in web.params()] == [values, values]


def test_a_name_that_comes_several_times_keeps_all_its_values(web):
    web.post(f"{STATUS}?a=1&a=2&CallSid={SID}", data={"a": "3"})
    assert web.params()[0]["a"] == ["1", "2", "3"]


def test_bytes_that_are_no_utf_8_cost_no_callback(web):
    assert (
        web.post(
            f"{STATUS}?CallSid={SID}&a=%ff", data=b"b=%fe&c=\xff", content_type="application/x-www-form-urlencoded"
        ).status_code
        == 200
    )
    assert set(web.params()[0]) == {"CallSid", "a", "b", "c"}


def test_a_file_in_a_form_is_kept_by_its_name(web):
    upload = {"CallSid": SID, "recording": (io.BytesIO(b"RIFF"), "a.mp3")}
    assert web.post(STATUS, data=upload, **MULTIPART).status_code == 200
    assert web.params()[0]["recording"] == "a.mp3"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{not json", "application/json"),
        (b"\x00\x01", "application/octet-stream"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"no boundary", "multipart/form-data"),
        (b"[" * 5000, "application/json"),
    ],
)
def test_a_body_that_is_not_what_it_claims_costs_no_callback_whose_call_is_in_the_query(web, body, content_type):
    assert web.post(f"{STATUS}?CallSid={SID}", data=body, content_type=content_type).status_code == 200
    assert web.params()[0]["CallSid"] == SID


# Where the CallSid is


@pytest.mark.parametrize(
    "options",
    [
        {"query_string": {"callsid": SID}},
        {"query_string": {"CALLSID": SID}},
        {"data": {"call_sid": SID}},
        {"json": {"call_sid": SID}},
        {"json": {"Call": {"Sid": SID}}},
        {"data": {"Call[Sid]": SID}},
        {"query_string": {"Call.Sid": SID}},
        {"query_string": {"CallSid": SID}, "json": {"Call": {"From": "x"}}},
    ],
)
def test_the_call_is_found_under_each_of_its_names(web, options):
    assert web.post(STATUS, **options).json == {"call_sid": SID, "accepted": True}


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"call_sids": [SID, OTHER]}},
        {"data": {"call_sids[0]": SID, "call_sids[1]": OTHER}},
        {"query_string": {"call_sids[]": [SID, OTHER]}},
    ],
    ids=["json", "form", "query and an empty body"],
)
def test_a_list_of_calls_is_answered_with_a_list(web, options):
    web.get(STATUS, query_string={"CallSid": OTHER})
    answer = web.post(STATUS, **options)
    calls = [{"call_sid": SID, "accepted": True}, {"call_sid": OTHER, "accepted": False}]
    assert (answer.status_code, answer.json) == (200, {"calls": calls})


def test_a_list_of_one_is_a_list(web):
    assert web.post(STATUS, json={"call_sids": [SID]}).json == {"calls": [{"call_sid": SID, "accepted": True}]}


@pytest.mark.parametrize("sid", ["abcdefgh", "A1" * 32, "0" * 8])
def test_any_callsid_of_8_to_64_letters_and_digits_is_usable(web, sid):
    assert web.get(STATUS, query_string={"CallSid": sid}).json == {"call_sid": sid, "accepted": True}


@pytest.mark.parametrize(
    "sid",
    ["", "short12", "a" * 65, "with-dash-0", "with space", "null", "../../etc", "abcdefgh\n", "naïve0000", "١٢٣٤٥٦٧٨"],
)
def test_no_other_is_and_the_answer_names_the_field(web, sid):
    answer = web.get(STATUS, query_string={"CallSid": sid})
    assert (answer.status_code, answer.content_type) == (400, PROBLEM)
    assert list(answer.json["errors"]) == ["CallSid"]
    assert web.is_empty()


@pytest.mark.parametrize(
    "options",
    [{"data": {"Status": "completed"}}, {"json": {}}, {"json": []}, {"data": b"null"}, {"json": 7}, {"data": b"what"}],
)
def test_without_a_callsid_there_is_nothing_to_note(web, options):
    answer = web.post(STATUS, **options)
    assert (answer.status_code, answer.content_type) == (400, PROBLEM)
    assert "CallSid" in answer.json["errors"]
    assert web.is_empty()


def test_a_get_without_a_callsid_is_no_ping(web):
    assert web.get(STATUS).status_code == 400


@pytest.mark.parametrize("path", [STATUS, PASSTHRU])
@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_an_empty_post_without_a_call_is_an_interim_ping(web, path, body):
    answer = web.post(path, query_string={"order": "7"}, data=body, content_type="application/json")
    assert (answer.status_code, answer.json) == (200, {"accepted": False})
    assert web.is_empty()
