"""Read a list of CallSids from a file that somebody made: one a line, or a column of a CSV (contract section 14)."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from marshmallow import ValidationError

from schemas.fields import CallSid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The most CallSids in one list.
MOST = 100_000
#: How many unusable lines are told one by one.
TOLD = 100
# A list with more lines is no list of up to MOST calls, whatever it repeats.
_MOST_LINES = 1_000_000
_LONGEST_LINE = 64 * 1024
_SHOWN = 60
# The names of the column, folded.
_COLUMNS = frozenset({"callsid", "sid"})
_DELIMITERS = (",", ";", "\t")
# The byte order marks (Unicode 16, 23.8); UTF-8 is read without one too.
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CALL_SID = CallSid()


class NoList(ValueError):
    """Raised for what is no list of CallSids; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A line that is no CallSid; `line` counts from 1."""

    line: int
    text: str
    reason: str


@dataclass(slots=True)
class CallList:
    """The CallSids of a list, each with the first line that it is in, and what could not be used."""

    lines: dict[str, int] = field(default_factory=dict)
    #: The first TOLD of them.
    unusable: list[Unusable] = field(default_factory=list)
    unusable_count: int = 0

    def take(self, text: str, line: int) -> None:
        """Add a CallSid, or note that it is none. Raises NoList above MOST."""
        try:
            call_sid = str(_CALL_SID.deserialize(text))
        except ValidationError:
            self.refuse(text, line, "not a CallSid: 8 to 64 letters and digits")
            return
        self.lines.setdefault(call_sid, line)
        if len(self.lines) > MOST:
            raise NoList(f"more than {MOST:,} CallSids: give them in several lists")

    def refuse(self, text: str, line: int, reason: str) -> None:
        """Note a line that cannot be used."""
        self.unusable_count += 1
        if len(self.unusable) < TOLD:
            shown = "".join(character if character.isprintable() else " " for character in text[:_SHOWN])
            self.unusable.append(Unusable(line, f"{shown}…" if len(text) > _SHOWN else shown, reason))


def list_of(call_sids: Iterable[str]) -> CallList:
    """Return the list of CallSids that were given one by one; the first one's line is 1. Raises NoList."""
    found = CallList()
    for line, call_sid in enumerate(call_sids, start=1):
        found.take(call_sid, line)
    return found


def read_call_list(stream: BinaryIO) -> CallList:
    """Read a list, line by line, in bounded memory. Raises NoList."""
    lines = _texts(stream)
    first = next(lines, None)
    while first is not None and not first[1].strip():
        first = next(lines, None)
    if first is None:
        raise NoList("it is empty: give CallSids one a line, or a CSV with a column CallSid")
    delimiter = max(_DELIMITERS, key=first[1].count)
    if delimiter in first[1] or _fold(first[1]) in _COLUMNS:
        return _of_column(first, lines, delimiter)
    found = CallList()
    for line, text in chain([first], lines):
        if text.strip():
            found.take(text.strip(), line)
    return found


def _of_column(first: tuple[int, str], lines: Iterator[tuple[int, str]], delimiter: str) -> CallList:
    """Read the column of a CSV whose first line names the columns."""
    before = first[0] - 1
    rows = csv.reader((text for _, text in chain([first], lines)), delimiter=delimiter)
    names = next(rows)
    column = next((at for at, name in enumerate(names) if _fold(name) in _COLUMNS), None)
    if column is None:
        there = ", ".join(name.strip()[:_SHOWN] for name in names[:20])
        raise NoList(f"no column is named CallSid, Sid or call_sid; the first line has {there!r}")
    found = CallList()
    try:
        for row in rows:
            line = before + rows.line_num
            if len(row) > column:
                found.take(row[column].strip(), line)
            elif any(cell.strip() for cell in row):
                found.refuse(delimiter.join(row), line, f"has no column {column + 1}")
    except csv.Error as error:
        raise NoList(f"line {before + rows.line_num}: no CSV: {error}") from None
    return found


def _fold(name: str) -> str:
    return name.strip().strip('"').replace("_", "").lower()


def _texts(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers. Raises NoList for what is no text, and for lines without end."""
    beginning = stream.read(4)
    mark, encoding = next(((mark, name) for mark, name in _MARKS if beginning.startswith(mark)), (b"", "utf-8"))
    for number, line in enumerate(_lines(stream, beginning.removeprefix(mark), encoding), start=1):
        if number > _MOST_LINES:
            raise NoList(f"more than {_MOST_LINES:,} lines: no list of calls is so long")
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            raise NoList(f"line {number} is not text in UTF-8: save it as CSV or as text in UTF-8") from None
        if "\0" in text:
            raise NoList(f"line {number} holds a zero byte: it is no text file")
        yield number, text


def _lines(stream: BinaryIO, kept: bytes, encoding: str) -> Iterator[bytes]:
    end = "\n".encode(encoding)
    while piece := stream.read(_LONGEST_LINE):
        kept += piece
        *whole, kept = _split(kept, end)
        yield from whole
        if len(kept) > _LONGEST_LINE:
            raise NoList(f"a line is longer than {_LONGEST_LINE // 1024} KiB: it is no list of CallSids")
    if kept:
        yield kept


def _split(data: bytes, end: bytes) -> list[bytes]:
    """Split at line ends; in UTF-16 only where one begins at a whole character."""
    if len(end) == 1:
        return data.split(end)
    lines, begin, at = [], 0, data.find(end)
    while at >= 0:
        if at % 2 == 0:
            lines.append(data[begin:at])
            begin = at + 2
        at = data.find(end, at + 1)
    return [*lines, data[begin:]]
