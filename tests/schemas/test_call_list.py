"""A list of CallSids is read however somebody made it, and what is no list is told what would be right."""

from __future__ import annotations

import codecs
import csv
import io
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.call_list import MOST, TOLD, NoList, list_of, read_call_list

A, B, C = (f"3f9a1c7e5b2d4806a9c1e3f5b7d91a{end}" for end in ("9g", "9h", "9i"))

sids = st.from_regex(r"[0-9A-Za-z]{8,40}", fullmatch=True).filter(
    lambda text: text.lower() not in {"callsid", "call_sid"}
)
junk = st.sampled_from(["no", "with space", "é" * 9, "-" * 12, "+919000000001", "x" * 70])


def read(data):
    return read_call_list(io.BytesIO(data if isinstance(data, bytes) else data.encode()))


@pytest.mark.parametrize(
    "text",
    [
        f"{A}\n{B}\n",
        f"{A}\r\n{B}",
        f"\n\n  {A}  \n{B}\n\n",
        f"CallSid\n{A}\n{B}\n",
        f'"call_sid"\n"{A}"\n"{B}"\n',
        f"Status,Sid\ncompleted,{A}\nbusy,{B}\n",
        f"CALLSID;Name\n{A};x\n{B};y\n",
        f"id\tcall_sid\n1\t{A}\n2\t{B}\n",
        f'CallSid,Note\n{A},"two\nlines, and a comma"\n{B},\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_in_any_form_and_encoding(text, encoding):
    assert list(read(text.encode(encoding)).lines) == [A, B]


def test_a_line_is_told_by_its_number_and_the_others_are_used():
    found = read(f"{A}\nnot one\n\n{B}\n{'x' * 80}\n")
    assert list(found.lines.items()) == [(A, 1), (B, 4)]
    assert [(each.line, each.text) for each in found.unusable] == [(2, "not one"), (5, f"{'x' * 60}…")]
    of_csv = read(f"n,CallSid\n1,{A}\n2,oops\n3\n")
    assert [each.line for each in of_csv.unusable] == [3, 4]


def test_a_call_that_is_named_ten_thousand_times_is_one():
    assert list(read(f"{A}\n" * 10_000).lines) == [A]


def test_of_many_unusable_lines_the_first_are_told_and_all_counted():
    found = read("no\n" * 500)
    assert (len(found.unusable), found.unusable_count, found.lines) == (TOLD, 500, {})


@pytest.mark.parametrize(
    ("data", "right"),
    [
        (b"", "it is empty: give CallSids one a line"),
        (b"\n \n", "it is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not text in UTF-8"),
        (b"abcdefgh\x00ijkl\n", "zero byte"),
        (codecs.BOM_UTF16_LE + b"a", "is not text"),
        (
            b"Status,From\ncompleted,0900\n",
            "no column is named CallSid, Sid or call_sid; the first line has 'Status, From'",
        ),
        (b"x" * 200_000, "longer than 64 KiB"),
        (b'CallSid,b\n"' + b"x\n" * 150_000, "no CSV: field larger than field limit"),
    ],
)
def test_what_is_no_list_is_told_what_would_be_right(data, right):
    with pytest.raises(NoList, match=re.escape(right)):
        read(data)


def test_more_than_a_hundred_thousand_are_refused():
    with pytest.raises(NoList, match="more than 100,000"):
        read("".join(f"{number:032}\n" for number in range(MOST + 1)))
    assert len(list_of(f"{number:032}" for number in range(MOST)).lines) == MOST


class Endless(io.RawIOBase):
    """A gigabyte of it, of which nobody should read much."""

    def __init__(self, line):
        self.line, self.left = line, 1 << 30

    def read(self, size=-1):
        piece = (self.line * (size // len(self.line) + 1))[: min(size, self.left)]
        self.left -= len(piece)
        return piece


@pytest.mark.parametrize("line", [b"x", b"no\n"])
def test_a_file_of_a_gigabyte_is_refused_in_little_memory(line):
    file = Endless(line)
    tracemalloc.start()
    try:
        with pytest.raises(NoList):
            read_call_list(file)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert file.left > 1 << 29


def peak_beside_the_ids(count):
    """What reading holds beside the CallSids themselves, in bytes."""
    data = io.BytesIO("".join(f"{number:032}\n" for number in range(count)).encode())
    tracemalloc.start()
    try:
        kept = read_call_list(data)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept.lines) == count
    return peak - now


def test_reading_ten_times_as_many_holds_no_more_beside_them():
    assert peak_beside_the_ids(100_000) < peak_beside_the_ids(10_000) + (8 << 20), "the growing dict is copied once"


@given(st.lists(st.tuples(st.booleans(), sids, junk), max_size=40), st.sampled_from(["\n", "\r\n"]))
def test_every_line_is_a_call_or_told_by_its_number(rows, end):
    lines = [sid if good else bad for good, sid, bad in rows]
    text = end.join(["CallSid", *lines])
    expected = {}
    for number, (good, sid, _) in enumerate(rows, start=2):
        if good:
            expected.setdefault(sid, number)
    found = read(text)
    assert found.lines == expected
    assert [each.line for each in found.unusable] == [number for number, row in enumerate(rows, start=2) if not row[0]]


@given(st.lists(sids, min_size=1, max_size=20, unique=True), st.lists(st.text(max_size=12), min_size=1, max_size=3))
def test_a_csv_is_read_as_it_was_written(given_sids, others):
    others = [text.replace("\0", "").encode(errors="ignore").decode() for text in others]
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["CallSid", *(f"c{at}" for at in range(len(others)))])
    writer.writerows([[sid, *others] for sid in given_sids])
    assert list(read(written.getvalue().encode()).lines) == given_sids
