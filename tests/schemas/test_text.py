"""A byte that belongs to no charset costs a character, and not the document."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads.samples import ANSWERS

from schemas.legs import load_error, load_legs
from schemas.text import in_utf_8, text_of

KOLKATA = ZoneInfo("Asia/Kolkata")
NAME = "naïve 😀 हिंदी"


def legs_of(body, charset=None):
    return load_legs(body, timezone=KOLKATA, charset=charset).legs


def with_name(name):
    return json.dumps({"legs": [{"Sid": "a", "Note": name}]}, ensure_ascii=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("charset", [None, "utf-8", "iso-8859-1", "klingon", "utf-16", "punycode", "base64", ""])
def test_unicode_is_known_by_its_bytes_whatever_was_declared(encoding, charset):
    """Servers put `charset=iso-8859-1` on every page, whatever is in it."""
    (leg,) = legs_of(with_name(NAME).encode(encoding), charset)
    assert leg.extra == {"Note": NAME}


@pytest.mark.parametrize(
    ("body", "charset", "name"),
    [
        (b"caf\xe9", "iso-8859-1", "café"),
        (b"caf\xe9 \x80", "Windows-1252", "café €"),
        (b"caf\xe9", None, "caf\ufffd"),
        (b"caf\xe9", "utf-8", "caf\ufffd"),
        (b"caf\xe9", "klingon", "caf\ufffd"),
        (b"\xed\xa0\x80 half a pair", None, "\ufffd\ufffd\ufffd half a pair"),
        (b"tab\tand zero\x00", None, "tab\tand zero\x00"),
    ],
)
def test_in_a_text_it_costs_that_character(body, charset, name):
    """One byte that is no UTF-8 in the answer to a call made it "Neither JSON nor XML", to the end of the schedule."""
    (leg,) = legs_of(b'{"legs": [{"Sid": "a", "Note": "' + body + b'"}]}', charset)
    assert leg.extra == {"Note": name}


@pytest.mark.parametrize("at", [0, 1, -1, None])
def test_between_two_tokens_it_costs_nothing(at):
    body = with_name("a").encode()
    at = len(body) if at is None else at
    assert [leg.sid for leg in legs_of(body[:at] + b"\xff" + body[at:])] == ["a"]


def test_half_a_character_of_utf_16_costs_nothing_either():
    assert [leg.extra for leg in legs_of(with_name("é").encode("utf-16") + b"\x20")] == [{"Note": "é"}]


@pytest.mark.parametrize("charset", [None, "iso-8859-1"])
def test_an_xml_declaration_comes_before_the_header(charset):
    body = '<?xml version="1.0" encoding="ISO-8859-1"?><r><Legs><Leg><Sid>Ã©</Sid></Leg></Legs></r>'.encode("latin-1")
    assert legs_of(body, charset)[0].sid == "Ã©"
    plain = "<r><Legs><Leg><Sid>é</Sid></Leg></Legs></r>".encode("latin-1")
    assert legs_of(plain, charset)[0].sid == ("é" if charset else "\ufffd")


def test_what_an_error_says_is_read_too():
    assert load_error(b'{"RestException": {"Message": "caf\xe9"}}') == "caf\ufffd"


SAMPLES = [sample.body for name, sample in sorted(ANSWERS.items()) if name in {"S1", "S2", "S3"}]


@given(st.sampled_from(SAMPLES), st.data())
def test_any_byte_of_any_text_may_be_broken(body, data):
    """Wherever a letter of a value stands, a byte of another charset in its place leaves all legs."""
    quoted = [at for at in range(1, len(body) - 1) if body[at - 1 : at + 2].isalpha() and _in_value(body, at)]
    at = data.draw(st.sampled_from(quoted))
    broken = body[:at] + bytes([data.draw(st.integers(0x80, 0xFF))]) + body[at + 1 :]
    assert len(legs_of(broken)) == len(legs_of(body))


def _in_value(body, at):
    if body.lstrip().startswith(b"<"):
        return body.rfind(b">", 0, at) > body.rfind(b"<", 0, at)
    before = body[:at]
    return before.count(b'"') % 2 == 1 and before[: before.rfind(b'"')].rstrip().endswith(b":")


@given(st.binary(), st.none() | st.text(max_size=20))
def test_there_is_always_a_text(body, charset):
    assert isinstance(text_of(body, charset=charset), str)


@given(
    st.text(st.characters(exclude_characters="\ufeff", exclude_categories=["Cs"])),
    st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]),
)
def test_what_is_written_in_utf_8_reads_the_same(name, encoding):
    body = with_name(name).encode(encoding)
    kept = in_utf_8(body)
    assert text_of(kept) == text_of(body)
    assert kept.decode("utf-8-sig") == with_name(name)
    assert in_utf_8(kept) == kept


def test_what_was_changed_does_not_read_as_it_was_declared_before():
    body = '<?xml version="1.0" encoding="ISO-8859-1"?><r><Legs><Leg><Sid>é</Sid></Leg></Legs></r>'.encode("latin-1")
    assert legs_of(in_utf_8(body)) == legs_of(body)
    assert legs_of(in_utf_8(b'{"legs": [{"Sid": "\xe9"}]}', charset="latin-1"))[0].sid == "é"


@given(st.text())
def test_utf_8_is_read_to_the_letter(text):
    assert text_of(b'{"' + text.encode()) == '{"' + text
