"""A number is taken out in every form in which it is written; everything else stays as it was."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads.records import AGENT, VALIDATOR, build, callback, legs_of

from worker.numbers.erasure import ERASED, Eraser, Erasure, known_as

NUMBER = "+919000000001"
FORMS = [
    "+919000000001",
    "919000000001",
    "00919000000001",
    "09000000001",
    "9000000001",
    "+91 90000 00001",
    "+91-9000000001",
    "+91 (0) 9000000001",
    "090000.00001",
    "%2B919000000001",
    "%2B91+90000+00001",
    "90000%2D00001",
    "%252B91%252090000%252000001",
    "%252B91%2B90000%2B00001",
    "90000\u201100001",
    "+91\u202f90000\u00a000001",
    "\uff19\u0966\u0966\u0966\u0966\u09660001",
]
OTHERS = ["+919000000002", "59000000001", "90000000012", "+92 9000000001", "+929000000001", "2026-09-16", "0900XXXX001"]
IN_INDIA = Erasure(NUMBER, "IN")

# Shapes of parameters that mention nobody, with holes for the number.
_PLAIN = st.none() | st.booleans() | st.integers(-999, 999) | st.sampled_from(OTHERS) | st.text("abc é:", max_size=8)
_AROUND = st.sampled_from(
    [
        "{}",
        "sip:{}@pbx.example",
        "https://h/?From={}&x=1",
        "https://h/?text=call%20{}%22",
        "%7B%22phone%22%3A%22{}%22%7D",
        "tel:{};x",
        " {} ",
        '{{"phone": "{}"}}',
    ]
)
_MENTIONS = st.builds(lambda around, form: around.format(form), _AROUND, st.sampled_from(FORMS)) | st.sampled_from(
    [9000000001, 919000000001, 9000000001.0]
)
_SHAPES = st.recursive(
    _PLAIN | _MENTIONS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("kxyz", min_size=1, max_size=5) | st.sampled_from(FORMS), inner, max_size=4)
    ),
    max_leaves=15,
)


def bare(document):
    """The document as one text, without what people put between digits, and without the numbers of others."""
    text = orjson.dumps(document).decode()
    for other in OTHERS:
        text = text.replace(other, "")
    text = re.sub(r"%(?:25)*(?:2[02BD])|%22|%7[BD]|%3A", "", text, flags=re.IGNORECASE)
    text = re.sub("[ ().+/\u00a0\u2011\u202f-]", "", text)
    return "".join(str(unicodedata.decimal(one, one)) for one in text)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_number(form):
    assert IN_INDIA.text(form) == ERASED
    assert IN_INDIA.text(f"call {form}, please") == f"call {ERASED}, please"


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_another_number_or_none_stays(other):
    assert IN_INDIA.text(f"x {other} y") == f"x {other} y"


def test_a_number_that_other_people_write_in_the_same_digits_is_theirs():
    american = Erasure(NUMBER, "US")
    assert american.text("9000000001") == "9000000001"
    assert american.text("011 91 90000 00001") == ERASED
    assert Erasure("+14155550123", "IN").text("4155550123, +1 415 555 0123") == f"4155550123, {ERASED}"


@given(_SHAPES)
def test_whatever_mentions_it_no_form_of_it_remains_and_the_rest_is_as_it_was(shape):
    without = IN_INDIA.document(shape)
    assert "9000000001" not in bare(without)
    assert IN_INDIA.document(without) == without, "there is nothing left to be erased"
    assert_same_elsewhere(shape, without)


def assert_same_elsewhere(before, after):
    """What does not mention the number has not changed, and nothing was lost."""
    if isinstance(before, dict):
        assert len(before) == len(after)
        for (name, value), (new_name, new_value) in zip(before.items(), after.items(), strict=True):
            assert new_name == name or name in FORMS
            assert_same_elsewhere(value, new_value)
    elif isinstance(before, list):
        for value, new_value in zip(before, after, strict=True):
            assert_same_elsewhere(value, new_value)
    elif before in OTHERS or before is None or isinstance(before, bool) or "9000000001" not in bare(before):
        assert (type(after), after) == (type(before), before)
    else:
        assert ERASED in after


def test_what_does_not_mention_it_comes_back_equal():
    document = {"From": "09000000002", "n": [1, None, True, 2.5], "d": {"e": "नमस्ते"}}
    assert IN_INDIA.document(document) == document


def test_a_record_stays_valid_and_keeps_its_ids_its_times_and_its_counts():
    legs = legs_of(("outbound", AGENT, "completed", 25), ("outbound-dial", "09000000011", "busy", 0))
    before = build(legs, [callback(From=AGENT, To="09000000011", Legs=[{"Who": 9000000001}])])
    after = IN_INDIA.record(before)
    VALIDATOR.validate(after)
    assert (after["id"], after["time"], after["subject"]) == (before["id"], before["time"], before["subject"])
    assert before["data"]["agent"] == NUMBER
    assert (after["data"]["agent"], after["data"]["customer"]) == (None, "+919000000011")
    assert [(agent["number"], agent["number_raw"]) for agent in before["data"]["agents"]] == [(NUMBER, AGENT)]
    assert [(agent["number"], agent["number_raw"]) for agent in after["data"]["agents"]] == [(None, ERASED)]
    ours, theirs = after["data"]["legs"]
    assert (ours["number"], ours["number_raw"], ours["number_kind"], ours["on_call_seconds"]) == (
        None,
        ERASED,
        "phone",
        25,
    )
    assert theirs == before["data"]["legs"][1]
    assert after["data"]["participant_count"] == before["data"]["participant_count"]
    params = after["data"]["callbacks"][0]["params"]
    assert (params["From"], params["To"], params["Legs"]) == (ERASED, "09000000011", [{"Who": ERASED}])
    assert "9000000001" not in bare(after)


def test_json_within_a_text_stays_json():
    text = IN_INDIA.text('{"phone": 9000000001, "note": "x"}')
    assert json.loads(text) == {"phone": ERASED, "note": "x"}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"legs": [{"PhoneNumber": 9000000001}]}', b'{"legs":[{"PhoneNumber":"erased"}]}'),
        (b"<PhoneNumber>09000000001</PhoneNumber>\xff", b"<PhoneNumber>erased</PhoneNumber>\xff"),
        (b'{"legs": []}', b'{"legs": []}'),
    ],
)
def test_an_answer_of_exotel_stays_readable(body, left):
    assert IN_INDIA.body(body) == left


def test_two_names_that_become_the_same_both_stay():
    assert IN_INDIA.document({"9000000001": 1, "09000000001": 2}) == {"erased": 1, "erased 2": 2}


@pytest.mark.parametrize(
    ("given", "known"),
    [
        (" 090000 00001\n", NUMBER),
        ("sip:09000000001@pbx.example", NUMBER),
        ("sip:agentone1a2b3c", "sip:agentone1a2b3c"),
        ("hello", None),
        ("0900XXXX001", None),
    ],
)
def test_a_number_is_read_as_people_write_it(given, known):
    assert known_as(given, "IN") == known


def test_a_sip_address_without_a_number_can_be_forgotten_too():
    erasure = Erasure("sip:agentone1a2b3c", "IN")
    assert erasure.text("SIP:agentone1a2b3c@pbx, sip:agentone1a2b3cd") == "erased@pbx, sip:agentone1a2b3cd"


def test_a_line_is_read_by_the_account_it_is_of():
    eraser = Eraser(NUMBER, {"acme1m": "IN", "us1m": "US"}, "IN")
    lines = [
        orjson.dumps({"source": f"/exotel/accounts/{sid}", "id": "evt_1", "data": {"x": "9000000001"}}) + b"\n"
        for sid in ("acme1m", "us1m")
    ]
    assert ERASED.encode() in eraser.line(lines[0])
    assert eraser.line(lines[1]) is lines[1]
    assert eraser.line(b"not JSON 09000000001\n") == b"not JSON erased\n"


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("before", [" ", '"', "(", "\t", "call "])
def test_a_number_in_a_url_is_found_behind_a_quoted_character(before, levels):
    """`text=call%209000000001` kept its number: the 20 was taken for digits of a longer one."""
    inner = f"{before}9000000001"
    for _ in range(levels):
        inner = quote(inner, safe="")
    without = IN_INDIA.text(f"https://h/?text={inner}&x=1")
    assert "9000000001" not in without
    assert without.endswith(f"{ERASED}&x=1")


def test_quoted_digits_are_digits():
    assert IN_INDIA.text("?From=%39000000001&x") == f"?From={ERASED}&x"
    for other in ("?From=%389000000001", "?From=9000000001%38"):
        assert IN_INDIA.text(other) == other, "a longer number is somebody else's"


@pytest.mark.parametrize(
    "moment",
    [
        "2026-09-16 12:31:59",
        "https://h/?StartTime=2026-09-16%2012:31:59",
        "https://h/?Call=from%202026-09-16%2012:31:59",
        "2026-09-16+12%3A31%3A59",
        "2026-09-16-12-31-59.mp3",
        "2026/09/16 12:31",
        "16-09-2026 12:31",
    ],
)
def test_a_moment_is_no_number_though_it_has_its_digits(moment):
    """Whoever was forgotten with a number in Pune, 020 2609 1612, took the times of everybody's calls at that hour along."""
    for number in ("+912026091612", "+911609202612"):
        assert Erasure(number, "IN").text(moment) == moment
    assert Erasure("+912026091612", "IN").text("020 2609 1612 and 2026-091-612") == f"{ERASED} and {ERASED}"


def test_a_day_is_no_number_where_numbers_have_eight_digits():
    assert Erasure("+4720260916", "NO").text("2026-09-16") == "2026-09-16"


def test_ids_keep_the_digits_that_they_hold_by_chance():
    for some_id in (
        "12345678-1234-1234-1234-919000000001",
        "3f9a9000000001b2c3d4e5f6071829ag",
        "0b" * 20 + "c9000000001d",
    ):
        url = f"https://recordings.example/acme1m/{some_id}.mp3"
        assert (IN_INDIA.text(some_id), IN_INDIA.text(url)) == (some_id, url)
        assert IN_INDIA.text(f"?u={quote(url, safe='')}") == f"?u={quote(url, safe='')}"
    assert IN_INDIA.text("recording_9000000001_agent9000000001.mp3") == "recording_erased_agenterased.mp3"


def test_a_number_of_jsons_with_a_fraction_is_an_amount():
    """0.9000000001 read as a text is how some write a number with 0 in front, and was erased."""
    amounts = {"price": 0.9000000001, "rate": 91.9000000001}
    assert IN_INDIA.document({**amounts, "From": 9000000001.0}) == {**amounts, "From": ERASED}


@pytest.mark.parametrize("depth", [300, 600, 5000])
def test_json_within_a_text_that_is_nested_too_deep_is_erased_as_a_text(depth):
    """A CustomField of 300 brackets ended the whole run with a traceback, and whoever calls may send one."""
    without = IN_INDIA.document({"CustomField": "[" * depth + '"9000000001"' + "]" * depth})
    assert without == {"CustomField": "[" * depth + f'"{ERASED}"' + "]" * depth}


def test_json_within_a_text_is_erased_as_a_text_where_a_name_stands_twice():
    """A reader sees the last of them alone: the number under the first one stayed."""
    without = IN_INDIA.document({"CustomField": '{"phone": "+919000000001", "phone": "none"}'})
    assert without == {"CustomField": f'{{"phone": "{ERASED}", "phone": "none"}}'}


def test_json_within_a_text_keeps_its_other_numbers_as_they_are():
    """An order of 24 digits came back as 1.2345678901234569e+23."""
    text = '{"phone": 9000000001, "order": 123456789012345678901234, "name": "\\ud800 \\u00e9"}'
    assert json.loads(IN_INDIA.text(text)) == json.loads(text) | {"phone": ERASED}
    assert IN_INDIA.text(' {"phone": 9000000001, "name": "é"}') == '{"phone":"erased","name":"é"}'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://h/?To=sip%3Aagentone1a2b3c&x", "https://h/?To=erased&x"),
        ("https://h/?text=to%20sip:agentone1a2b3c", "https://h/?text=to%20erased"),
        ("call sip:agentone1a2b3c.", "call erased."),
        ("sip:agentone1a2b3c.two@pbx", "sip:agentone1a2b3c.two@pbx"),
        ("sip:agentone1a2b3c-two", "sip:agentone1a2b3c-two"),
    ],
)
def test_a_sip_address_is_found_in_urls_and_a_longer_one_is_somebody_elses(text, left):
    assert Erasure("sip:agentone1a2b3c", "IN").text(text) == left


@pytest.mark.parametrize(
    "text",
    ["9000000001 " * 20_000, "%25" * 80_000 + "9000000001", "2026-09-16 9000000001 " * 10_000, "+1 " * 80_000 + "90"],
    ids=["numbers", "percent", "days", "plus"],
)
def test_a_long_text_takes_no_longer_than_its_length(text):
    """Some 0.2 s each; what grows with the square of the length takes minutes."""
    began = time.process_time()
    assert "9000000001" not in IN_INDIA.text(text)
    assert time.process_time() - began < 5


def test_a_line_that_was_torn_off_is_read_by_its_account_too():
    eraser = Eraser(NUMBER, {"acme1m": "IN", "us1m": "US"}, "IN")
    torn = b'{"specversion":"1.0","source":"/exotel/accounts/%s","data":{"x":"9000000001'
    assert eraser.line(torn % b"acme1m").endswith(b'"x":"erased')
    assert eraser.line(torn % b"us1m") == torn % b"us1m"
