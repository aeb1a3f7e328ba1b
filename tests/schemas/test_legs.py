import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from marshmallow import ValidationError
from payloads.answers import SID, answer, leg, load
from payloads.samples import ANSWERS


def load_leg(**fields):
    (loaded,) = load(answer(leg(**fields))).legs
    return loaded


def test_the_published_answer_is_understood_to_the_last_key():
    loaded = load(ANSWERS["S1"].body)
    assert (loaded.total, loaded.count, len(loaded.legs)) == (3, 3, 3)
    first, _, last = loaded.legs
    assert (first.call_sid, first.account_sid, first.sid) == (SID, "acme1m", "0a1b2c3d4e5f60718293a4b5c6d71a9g")
    assert (first.number_raw, first.status, first.origin) == ("09000000001", "completed", "outbound")
    assert (first.last_action, first.started_at, first.ended_at) == (None, None, None)
    assert first.created_at == datetime(2026, 9, 16, 5, 42, 39, tzinfo=UTC)
    assert first.uri.endswith("/Legs/" + first.sid)
    assert (last.exophone, last.backup_exophone) == ("04000000001", "04000000002")
    assert last.ended_at == datetime(2026, 9, 16, 5, 43, 8, tzinfo=UTC)
    assert [leg.on_call_seconds for leg in loaded.legs] == [25, 5, 4]
    assert [leg.extra for leg in loaded.legs] == [{}, {}, {}]


def test_text_for_a_duration_unknown_keys_and_a_sip_number_are_understood():
    sip, supervisor = load(ANSWERS["S2"].body).legs[2:]
    assert (sip.number_raw, sip.on_call_seconds) == ("sip:agentone1a2b3c", 20)
    assert (supervisor.origin, supervisor.last_action, supervisor.extra) == ("monitor", "listen", {"FutureField": "x"})


def test_xml_gives_what_json_would_have_given():
    (loaded,) = load(ANSWERS["S3"].body).legs
    assert (loaded.status, loaded.origin, loaded.on_call_seconds) == ("no-answer", "outbound", 0)
    assert (loaded.last_action, loaded.created_at) == (None, datetime(2026, 9, 15, 13, 10, 2, tzinfo=UTC))


XML_LEG = b"<%b><sid>leg1</sid><STATUS>Busy</STATUS></%b>"


@pytest.mark.parametrize(
    ("body", "legs"),
    [
        (b"<r><legs>%b</legs></r>" % (XML_LEG % (b"leg", b"leg")), 1),
        (b"<r><Legs>%b</Legs></r>" % (XML_LEG % (b"Leg", b"Leg") * 3), 3),
        (b"<Response><LEGS>%b</LEGS></Response>" % (XML_LEG % (b"item", b"item") * 2), 2),
        (b"<Legs>%b</Legs>" % (XML_LEG % (b"Leg", b"Leg") * 2), 2),
        (b"<Legs>%b</Legs>" % (XML_LEG % (b"Leg", b"Leg")), 1),
        (b"<r>%b</r>" % (XML_LEG % (b"Legs", b"Legs")), 1),
        (b"<r><Legs/></r>", 0),
        (b"<r><Legs>\n" + b" " * 100 + b"</Legs></r>", 0),
        (b"\xef\xbb\xbf<r><Legs>%b</Legs></r>" % (XML_LEG % (b"Leg", b"Leg")), 1),
    ],
)
def test_a_list_in_xml_is_a_list_whatever_its_names_and_length(body, legs):
    loaded = load(body).legs
    assert [leg.sid for leg in loaded] == ["leg1"] * legs
    assert all(leg.status == "busy" for leg in loaded)


@pytest.mark.parametrize("root", ["MetaData", "Metadata", "metadata", "META_DATA"])
def test_keys_come_in_any_case(root):
    document = {root: {"TOTAL": "1", "count": 1}, "LEGS": [{"SID": "x", "phonenumber": "1", "date_created": ""}]}
    loaded = load(document)
    assert (loaded.total, loaded.count, loaded.legs[0].number_raw) == (1, 1, "1")


def test_the_misspelt_and_the_right_key_are_one():
    assert load_leg(BackupEcoPhone="1").backup_exophone == "1"
    assert load_leg(BackupExoPhone="2").backup_exophone == "2"


def test_of_two_spellings_of_one_key_the_first_counts_and_the_other_is_kept():
    loaded = load_leg(BackupEcoPhone="1", BackupExoPhone="2")
    assert (loaded.backup_exophone, loaded.extra) == ("1", {"BackupExoPhone": "2"})


@pytest.mark.parametrize("legs", [[{"Leg": leg()}], {"Leg": [leg()]}, {"Leg": leg()}, leg(), {"0": leg()}])
def test_wrapped_legs_are_unwrapped(legs):
    assert [loaded.sid for loaded in load({"legs": legs}).legs] == ["leg1"]


@pytest.mark.parametrize("nothing", [[], {}, None, "", "null"])
def test_no_legs_are_no_error(nothing):
    assert load({"legs": nothing}).legs == ()


NOTHINGS = [None, "", "null", "1970-01-01 05:30:00", "0000-00-00 00:00:00", "0001-01-01T00:00:00Z"]


OPTIONAL = {
    "CallSid": "call_sid",
    "AccountSid": "account_sid",
    "PhoneNumber": "number_raw",
    "Status": "status",
    "Origin": "origin",
    "LastAction": "last_action",
    "DateCreated": "created_at",
    "DateUpdated": "updated_at",
    "StartTime": "started_at",
    "EndTime": "ended_at",
    "ExoPhone": "exophone",
    "BackupExoPhone": "backup_exophone",
    "Uri": "uri",
}


@pytest.mark.parametrize("nothing", NOTHINGS)
@pytest.mark.parametrize("key", OPTIONAL)
def test_nothing_is_none_in_every_key(key, nothing):
    loaded = load_leg(**{key: nothing})
    assert (getattr(loaded, OPTIONAL[key]), loaded.extra) == (None, {})


def test_a_leg_needs_no_more_than_its_sid():
    (loaded,) = load({"legs": [{"Sid": "leg1", "Status": None}]}).legs
    assert {getattr(loaded, name) for name in OPTIONAL.values()} == {None}
    assert (loaded.on_call_seconds, loaded.extra) == (0, {})


@pytest.mark.parametrize(
    ("key", "value", "name", "instead"),
    [
        ("OnCallDuration", "soon", "on_call_seconds", 0),
        ("OnCallDuration", -5, "on_call_seconds", 0),
        ("OnCallDuration", True, "on_call_seconds", 0),
        ("OnCallDuration", [20], "on_call_seconds", 0),
        ("StartTime", "yesterday", "started_at", None),
        ("DateCreated", 1789538400, "created_at", None),
        ("Status", {"code": 1}, "status", None),
        ("PhoneNumber", ["09000000001"], "number_raw", None),
    ],
)
def test_what_cannot_be_read_is_not_told_but_kept(key, value, name, instead):
    loaded = load_leg(**{key: value})
    assert (getattr(loaded, name), loaded.extra) == (instead, {key: value})
    assert loaded.origin == "inbound"


@pytest.mark.parametrize(
    ("text", "extra"),
    [("NaN", "nan"), ("-Infinity", "-inf"), ("1e999", "inf"), ("1" + "0" * 40, "1" + "0" * 40)],
)
def test_numbers_that_others_cannot_read_become_text(text, extra):
    (loaded,) = load(b'{"legs": [{"Sid": "leg1", "OnCallDuration": %b}]}' % text.encode()).legs
    assert (loaded.on_call_seconds, loaded.extra) == (0, {"OnCallDuration": extra})


@pytest.mark.parametrize(
    ("seconds", "read"), [(20, 20), ("20", 20), (20.0, 20), ("20.5", 20.5), (None, 0), ("", 0), ("null", 0)]
)
def test_durations_are_numbers_or_text(seconds, read):
    loaded = load_leg(OnCallDuration=seconds)
    assert (loaded.on_call_seconds, loaded.extra) == (read, {})


def test_words_are_folded_and_new_ones_pass():
    loaded = load_leg(Status="Teleported", Origin="Outbound-Dial")
    assert (loaded.status, loaded.origin) == ("teleported", "outbound-dial")
    assert load_leg(Status="Cancelled").status == "canceled"


def test_times_without_a_zone_are_the_accounts_and_offsets_count():
    for text, zone in (
        ("2026-09-16 11:12:39", "Asia/Kolkata"),
        ("2026-09-16 13:42:39", "Asia/Singapore"),
        ("2026-09-16T13:42:39+08:00", "Asia/Kolkata"),
        ("2026-09-16T05:42:39Z", "Asia/Kolkata"),
    ):
        (loaded,) = load(answer(leg(StartTime=text)), ZoneInfo(zone)).legs
        assert loaded.started_at == datetime(2026, 9, 16, 5, 42, 39, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_comes_in_any_utf_with_or_without_a_mark(encoding):
    loaded = load(json.dumps(answer(leg(Name="é")), ensure_ascii=False).encode(encoding))
    assert loaded.legs[0].extra == {"Name": "é"}


def test_xml_comes_in_utf_16_too():
    assert load("<r><Legs><Leg><Sid>é</Sid></Leg></Legs></r>".encode("utf-16")).legs[0].sid == "é"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"legs"',
        b"17",
        b"{}",
        b'{"legs": "x"}',
        b'{"legs": 1}',
        b'{"legs": [1]}',
        b'{"legs": [[]]}',
        b'{"legs": [{}]}',
        b'{"legs": [{"Sid": null}]}',
        b'{"legs": [{"Sid": ""}]}',
        b'{"legs": [{"Sid": {}}]}',
        b'{"legs": [{"Status": "completed"}]}',
        b'{"legs": [',
        b'{"legs": []',
        b"\xff\xfe\xff",
        b"\xff\xfe<\x00",
        b"[" * 100_000,
        b'{"legs": [{"Sid": "a", "x": ' + b"[" * 500 + b"]" * 500 + b"}]}",
        b'{"legs": [{"Sid": "a", "x": ' + b"9" * 5000 + b"}]}",
        b"<html><body><h1>502 Bad Gateway</h1></body></html>",
        b"<!DOCTYPE html><html><body>502<br></body></html>",
        b'<!DOCTYPE r [<!ENTITY e "x">]><r><Legs><Leg><Sid>&e;</Sid></Leg></Legs></r>',
        b"<r><Legs><Leg/></Legs></r>",
        b"<r><Legs><Leg><Sid/></Leg></Legs></r>",
        b"upstream connect error",
        *(ANSWERS[name].body for name in ("S4", "S9", "S10", "S12", "S13")),
    ],
)
def test_everything_else_is_a_validation_error(body):
    with pytest.raises(ValidationError) as refusal:
        load(body)
    assert refusal.value.messages_dict
