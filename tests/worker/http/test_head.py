"""A head is read whatever is in it; where its body ends is told once, or not relied on."""

from __future__ import annotations

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.http.framing import framing_of
from worker.http.head import MOST_BYTES, MOST_LINE_BYTES, read_head, read_status_line


def head_of(*lines):
    return read_head(io.BytesIO("\r\n".join([*lines, "", ""]).encode("latin-1")))


def framing(*lines, version="HTTP/1.1", code=200, method="POST"):
    return framing_of(head_of(*lines), version=version, code=code, method=method)


def test_headers_keep_their_order_and_come_twice():
    head = head_of("A: 1", "b:2", "A:  3 ")
    assert head == ([("A", "1"), ("b", "2"), ("A", "3")], True, True)
    assert head.values("a") == ["1", "3"]


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["no colon", "A: 1"], [("A", "1")]),
        ([": 1", "A: 1"], [("A", "1")]),
        (["A : 1"], [("A", "1")]),
        (["A: 1", " 2", "\t3"], [("A", "1 2 3")]),
        ([" 2", "A: 1"], [("A", "1")]),
        (["A: 1\r2"], [("A", "1\r2")]),
        (["A: 1\0"], [("A", "1\0")]),
        (["\xc4: 1", "A: \xc4"], [("A", "\xc4")]),
        (["A: " + "x" * MOST_LINE_BYTES, "B: 1"], [("B", "1")]),
    ],
)
def test_what_is_odd_costs_its_own_line_and_is_told(lines, fields):
    assert head_of(*lines) == (fields, True, False)


def test_what_goes_on_and_on_is_not_read_to_its_end():
    file = io.BytesIO(b"A: 1\r\n" * MOST_BYTES)
    assert not read_head(file).whole
    assert file.tell() <= MOST_BYTES + MOST_LINE_BYTES


@pytest.mark.parametrize(
    ("lines", "chunked", "length", "certain", "again"),
    [
        (["Content-Length: 2"], False, 2, True, True),
        (["Content-Length: 0"], False, 0, True, True),
        (["Content-Length: 2, 2"], False, 2, True, False),
        (["Content-Length: 2", "Content-Length: 7"], False, 7, False, False),
        (["Content-Length: 2", "Content-Length: x"], False, 2, False, False),
        (["Content-Length: +2"], False, None, False, False),
        (["Content-Length: 1_0"], False, None, False, False),
        (["Transfer-Encoding: Chunked"], True, None, True, True),
        (["Transfer-Encoding: chunked", "Content-Length: 2"], True, None, True, False),
        (["Transfer-Encoding: gzip, chunked"], True, None, False, False),
        (["Transfer-Encoding: chunked, gzip"], False, None, False, False),
        (["Transfer-Encoding: identity", "Content-Length: 2"], False, 2, True, False),
        (["Transfer-Encoding: \x0bchunked"], False, None, False, False),
        (["Content-Length: 2", "Connection: x, Close"], False, 2, True, False),
        ([], False, None, True, False),
    ],
)
def test_where_a_body_ends(lines, chunked, length, certain, again):
    assert framing(*lines) == (chunked, length, certain, again)


@pytest.mark.parametrize(
    ("options", "again"),
    [
        ({"code": 204}, True),
        ({"code": 304}, True),
        ({"method": "HEAD"}, True),
        ({"code": 101}, False),
        ({"code": 204, "version": "HTTP/1.0"}, False),
    ],
)
def test_what_has_no_body(options, again):
    assert framing(**options) == framing("Content-Length: 0", **options) == (False, 0, True, again)
    assert not framing("Content-Length: 2", **options).again
    assert not framing("Transfer-Encoding: chunked", **options).again


@given(st.binary(max_size=300))
def test_any_bytes_have_a_head(data):
    head = read_head(io.BytesIO(data))
    assert head.whole or not head.plain
    found = framing_of(head, version="HTTP/1.1", code=200, method="POST")
    assert found.length is None or found.length >= 0
    assert not found.again or (found.certain and head.whole)


@given(st.binary(max_size=60) | st.binary(max_size=30).map(lambda rest: b"HTTP/1.1 200" + rest))
def test_any_bytes_are_a_status_line_or_none(data):
    try:
        line = read_status_line(io.BytesIO(data))
    except (http.client.BadStatusLine, http.client.RemoteDisconnected):
        return
    assert 0 <= line.code <= 999
    assert data.lstrip(b"\r\n").startswith(b"HTTP/")
