"""Read the head of an HTTP response: its status line, and the header lines that can be parsed.

A line that does not follow RFC 9112 is ignored, and the response is still used: the status line alone gives the result.
"""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import BinaryIO

# In bytes, ten times a proxy's long list of cookies. Nothing after it is read.
MOST_BYTES = 1024 * 1024
# A longer line is skipped.
MOST_LINE_BYTES = 64 * 1024
# A blank line before a response belongs to the previous one (RFC 9112, 2.2 says so for requests).
MOST_BLANK_LINES = 4

_STATUS_LINE = re.compile(rb"(HTTP/\d{1,3}(?:\.\d{1,3})?)[ \t]+(\d{3})(?:[ \t](.*))?", re.DOTALL)
# RFC 9110, 5.6.2; whitespace between a name and its colon is not part of it (RFC 9112, 5.1).
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)([ \t]*):[ \t]*(.*?)[ \t]*", re.DOTALL)


class StatusLine(NamedTuple):
    """The version as written, the status code and the reason."""

    version: str
    code: int
    reason: str


class Head(NamedTuple):
    """The headers in order, duplicates included. `whole`: the final blank line was read; `plain`: all lines were valid."""

    fields: list[tuple[str, str]]
    whole: bool
    plain: bool

    def values(self, name: str) -> list[str]:
        """Return all values of a header that is a list (RFC 9110, 5.6.1)."""
        found = [value for known_as, value in self.fields if known_as.lower() == name]
        return [part.strip(" \t") for value in found for part in value.split(",")]


def read_status_line(file: BinaryIO) -> StatusLine:
    """Return the status line, skipping blank lines before it.

    Raises http.client.RemoteDisconnected if nothing is received, http.client.BadStatusLine, or OSError.
    """
    for _ in range(MOST_BLANK_LINES):
        line = file.readline(MOST_LINE_BYTES)
        if not line:
            raise http.client.RemoteDisconnected("Remote end closed connection without response")
        if line.strip(b"\r\n"):
            break
    if len(line) == MOST_LINE_BYTES:
        _pass_over(file, MOST_BYTES)
    found = as_status_line(line)
    if found is None:
        raise http.client.BadStatusLine(repr(line[:80]))
    return found


def as_status_line(line: bytes) -> StatusLine | None:
    """Return a line parsed as a status line; None if it is not one."""
    found = _STATUS_LINE.fullmatch(line.rstrip(b"\r\n"))
    if found is None:
        return None
    version, code, reason = (part.decode("latin-1") for part in found.groups(default=b""))
    return StatusLine(version, int(code), reason.strip())


def read_head(file: BinaryIO) -> Head:
    """Return the headers up to the blank line. Raises nothing: an incomplete head is not `whole`."""
    fields: list[tuple[str, str]] = []
    plain, left = True, MOST_BYTES
    while left > 0:
        try:
            line = file.readline(MOST_LINE_BYTES)
        except OSError:
            break
        left -= len(line)
        if line in {b"\r\n", b"\n"}:
            return Head(fields, whole=True, plain=plain and line == b"\r\n")
        if not line.endswith(b"\n"):
            if len(line) < MOST_LINE_BYTES:  # incomplete, so its value is unknown
                break
            plain, left = False, left - _pass_over(file, left)
            continue
        plain = _take(line, fields) and plain
    return Head(fields, whole=False, plain=False)


def _pass_over(file: BinaryIO, most: int) -> int:
    """Read the rest of a line; return its length."""
    read = 0
    while read < most:
        try:
            piece = file.readline(MOST_LINE_BYTES)
        except OSError:
            break
        read += len(piece)
        if not piece or piece.endswith(b"\n"):
            break
    return read


def _take(line: bytes, fields: list[tuple[str, str]]) -> bool:
    """Add a header line to the fields; return True if it is well-formed."""
    text = line.rstrip(b"\r\n")
    if text[:1] in {b" ", b"\t"}:  # goes on with the one before (RFC 9112, 5.2)
        if fields:
            known_as, before = fields[-1]
            more = text.strip(b" \t").decode("latin-1")
            fields[-1] = (known_as, f"{before} {more}".strip())
        return False
    found = _FIELD.fullmatch(text)
    if found is None:
        return False
    name, blank, value = found.groups()
    fields.append((name.decode("latin-1"), value.decode("latin-1")))
    return not blank and line.endswith(b"\r\n") and not any(control in value for control in (b"\r", b"\0"))
