"""Bodies that are not what they are declared to be, or that were packed on their way: the call in them is not lost."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from web_app import PROBLEM, SID, STATUS
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from schemas.callback import load_callbacks
from webhook.callbacks.parameters import read
from webhook.callbacks.unpacking import CannotUnpack

LIMIT = 256 * 1024
FORM = "application/x-www-form-urlencoded"
AT = datetime(2026, 9, 16, tzinfo=UTC)
PAIRS = {"CallSid": SID, "Status": "completed", "CustomField": '{"a": "b&c=d"}', "note": "naïve 😀", "empty": ""}


def multipart(pairs, boundary="----5d1f", line="\r\n"):
    parts = [
        f'--{boundary}{line}Content-Disposition: form-data; name="{name}"{line}{line}{value}{line}'
        for name, value in pairs.items()
    ]
    return "".join([*parts, f"--{boundary}--{line}"]).encode()


def form(pairs):
    return urlencode(pairs).encode()


def as_json(pairs):
    return json.dumps(pairs, ensure_ascii=False).encode()


WRITERS = {"form": form, "multipart": multipart, "json": as_json}
DECLARED = [
    None,
    FORM,
    f"{FORM}; charset=UTF-8",
    "text/plain",
    "application/json",
    "application/octet-stream",
    "multipart/form-data",
    "multipart/form-data; boundary=another",
    "multipart/form-data; boundary=----5d1",
    "multipart/mixed; boundary=----5d1f",
    "not a type",
]


def calls_of(body, content_type, **headers):
    """What a request is read as: each call, and the parameters."""
    builder = EnvironBuilder(method="POST", path=STATUS, input_stream=io.BytesIO(body), headers=headers)
    builder.content_type, builder.content_length = content_type, len(body)
    request = Request(builder.get_environ())
    request.max_content_length = LIMIT
    found = read(request)
    return [(one.call_sid, one.params) for one in load_callbacks("status", found.pairs, found.document, received_at=AT)]


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_whatever_a_body_is_declared_to_be_it_is_read_as_what_it_is(writer, declared):
    """JSON under the type of forms is what `curl -d '{…}'` sends; it was 400, CallSid missing."""
    assert calls_of(writer(PAIRS), declared) == [(SID, PAIRS)]


NAMES = st.sampled_from(["Status", "note", "New_Thing", "RecordingUrl", "CustomField", "x"])
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30).filter(
    lambda text: "\ufeff" not in text
)
ON_THE_WAY = {
    "as it was": (lambda body: body, {}),
    "a line break at its end": (lambda body: body + b"\n", {}),
    "one of Windows": (lambda body: body + b"\r\n", {}),
    "a byte order mark": (lambda body: b"\xef\xbb\xbf" + body, {}),
    "in UTF-16": (lambda body: body.decode().encode("utf-16"), {}),
    "packed by gzip": (gzip.compress, {"Content-Encoding": "gzip"}),
    "packed by gzip, unsaid": (gzip.compress, {}),
    "packed by zlib": (zlib.compress, {"Content-Encoding": "deflate"}),
    "packed bare": (lambda body: zlib.compress(body, wbits=-15), {"Content-Encoding": "Deflate"}),
    "unpacked, and said to be packed": (lambda body: body, {"Content-Encoding": "gzip"}),
    "unpacked, and said to be deflated": (lambda body: body, {"Content-Encoding": "deflate"}),
    "a charset in the wrong place": (lambda body: body, {"Content-Encoding": "UTF-8"}),
}


@given(
    more=st.dictionaries(NAMES, VALUES, max_size=5),
    writer=st.sampled_from(list(WRITERS.values())),
    declared=st.sampled_from(DECLARED),
    way=st.sampled_from(list(ON_THE_WAY)),
)
def test_any_callback_in_any_dialect_comes_through_any_wrong_declaration(more, writer, declared, way):
    change, headers = ON_THE_WAY[way]
    pairs = {**more, "CallSid": SID}
    assert calls_of(change(writer(pairs)), declared, **headers) == [(SID, pairs)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (quote(as_json(PAIRS)).encode(), FORM),  # curl --data-urlencode '{…}'
        (quote(as_json(PAIRS)).encode() + b"=", FORM),
        (json.dumps(json.dumps(PAIRS)).encode(), "application/json"),  # made a text twice
        (multipart(PAIRS, line="\n"), "multipart/form-data; boundary=----5d1f"),
        (b"preamble\r\n" + multipart(PAIRS), "multipart/form-data; boundary=----5d1f"),
        (b"\r\n" + multipart(PAIRS), None),
        (quote(form(PAIRS)).encode(), FORM),  # encoded twice
        (as_json(PAIRS).decode().encode("utf-16-le"), FORM),
        (as_json(PAIRS).decode().encode("utf-32"), "application/json; charset=utf-32"),
    ],
)
def test_more_that_clients_do(body, content_type):
    assert calls_of(body, content_type) == [(SID, PAIRS)]


def test_a_form_that_a_browser_sends_as_text():
    pairs = {"CallSid": SID, "note": "100% of it + more", "empty": ""}
    body = "".join(f"{name}={value}\r\n" for name, value in pairs.items()).encode()
    assert calls_of(body, "text/plain; charset=UTF-8") == [(SID, pairs)]


def test_a_broken_multipart_body_keeps_what_came_before():
    cut = multipart(PAIRS)[: multipart(PAIRS).index(b'name="note"')]
    ((call_sid, params),) = calls_of(cut, "multipart/form-data; boundary=----5d1f")
    assert (call_sid, params["Status"]) == (SID, "completed")


def test_a_line_break_within_a_value_is_kept():
    assert calls_of(b"CallSid=" + SID.encode() + b"&note=a%0A%0D%0A", FORM) == [
        (SID, {"CallSid": SID, "note": "a\n\r\n"})
    ]


@pytest.mark.parametrize(
    ("body", "kept"),
    [(b"\x00\x01\x02", 1), (b"<Call Sid='x'>", 1), (b"what", 1), (b"--x\r\nbroken", 1), (b"[" * 5000, 1), (b"7", 1)],
)
def test_what_is_none_of_them_is_kept_as_text_and_costs_nothing(web, body, kept):
    assert web.post(f"{STATUS}?CallSid={SID}", data=body, content_type="text/plain").status_code == 200
    assert len(web.params()[0]) == 1 + kept


# Packed


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_packed_body_is_read(web, coding, pack):
    """It was 400, CallSid missing."""
    answer = web.post(STATUS, data=pack(form(PAIRS)), content_type=FORM, headers={"Content-Encoding": coding})
    assert (answer.status_code, answer.json["accepted"]) == (200, True)
    assert web.params() == [PAIRS]


def test_in_several_members(web):
    body = gzip.compress(form(PAIRS)[:20]) + gzip.compress(form(PAIRS)[20:])
    assert web.post(STATUS, data=body, content_type=FORM, headers={"Content-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "nonsense"])
def test_a_coding_that_is_unknown_is_refused_with_words(web, coding):
    answer = web.post(STATUS, data=b"\x0b\x02\x80", content_type=FORM, headers={"Content-Encoding": coding})
    assert (answer.status_code, answer.content_type) == (415, PROBLEM)
    assert answer.headers["Accept-Encoding"] == "gzip, deflate"
    assert "gzip" in answer.json["detail"]
    assert web.is_empty()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (400 * LIMIT, 413)])
def test_it_may_be_as_long_as_any_other_once_it_is_unpacked(web, pack, size, status):
    text = f"CallSid={SID}&x="
    body = pack((text + "x" * (size - len(text))).encode())
    coding = "gzip" if pack is gzip.compress else "deflate"
    assert len(body) < LIMIT + 1
    assert web.post(STATUS, data=body, content_type=FORM, headers={"Content-Encoding": coding}).status_code == status


@pytest.mark.parametrize(
    "break_", [lambda body: body[:-9], lambda body: body[:12] + b"\xff" * 40], ids=["cut off", "broken"]
)
def test_one_that_is_cut_off_or_broken_is_400_with_words(web, break_):
    body = break_(gzip.compress(form(PAIRS)))
    answer = web.post(STATUS, data=body, content_type=FORM, headers={"Content-Encoding": "gzip"})
    assert (
        answer.status_code,
        "compressed" in answer.json["detail"],
    ) == (400, True)
    assert web.is_empty()


@pytest.mark.parametrize(("body", "coding"), [(b"\x1f\x8bbroken", "gzip"), (b"\x0b\x02\x80", "br")])
def test_nor_does_it_cost_a_callback_whose_call_is_in_the_query(web, body, coding):
    answer = web.post(f"{STATUS}?CallSid={SID}", data=body, headers={"Content-Encoding": coding})
    assert answer.status_code == 200
    assert web.params()[0]["CallSid"] == SID


PIECES = st.sampled_from(
    [
        *(
            b"--",
            b"\r\n",
            b"\n",
            b"=",
            b"&",
            b"%7B",
            b"%3D",
            b"{",
            b'"',
            b"\x1f\x8b",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\x00",
        ),
        *(b'Content-Disposition: form-data; name="a"\r\n\r\n', b"----5d1f", b"--\xff\r\n", b"CallSid=" + SID.encode()),
    ]
)


@given(
    body=st.lists(PIECES | st.binary(max_size=9), max_size=12).map(b"".join),
    declared=st.sampled_from(
        [*DECLARED, "multipart/form-data; boundary=\xff", "multipart/form-data; boundary=----5d1f"]
    ),
    coding=st.sampled_from(["", "gzip", "deflate", "UTF-8"]),
)
def test_no_body_is_too_odd_to_be_answered(body, declared, coding):
    with suppress(ValidationError, CannotUnpack):
        calls_of(body, declared, **({"Content-Encoding": coding} if coding else {}))
