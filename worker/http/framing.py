"""Determine where a response's body ends (RFC 9112, 6.3), and whether its connection can be reused."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from worker.http.head import Head

# Maximum digits of a length.
_LENGTH = re.compile(r"[0-9]{1,15}")
_INFORMATIONAL = 1


class Framing(NamedTuple):
    """Where the body ends: with its chunks, after `length` bytes, or (neither) with the connection.

    `certain`: the headers say it unambiguously. `again`: the connection may be used for another response.
    """

    chunked: bool
    length: int | None
    certain: bool
    again: bool


def framing_of(head: Head, *, version: str, code: int, method: str | None) -> Framing:
    """Return the framing of a body from its headers.

    Any ambiguity means that the connection is closed: otherwise part of this body could be taken for the response to the next
    request, and a refused record would count as delivered.
    """
    told = [coding.lower() for coding in head.values("transfer-encoding")]
    # `identity` once meant no transfer coding (RFC 2616, 3.6).
    codings = [coding for coding in told if coding not in {"", "identity"}]
    lengths = head.values("content-length")
    options = {option.lower() for option in head.values("connection")}
    again = head.whole and head.plain and version == "HTTP/1.1" and "close" not in options and codings == told
    if _has_no_body(code, method):
        # A length of zero is common and unambiguous. After a 101 the protocol changes.
        again = again and not codings and set(lengths) <= {"0"} and code // 100 != _INFORMATIONAL
        return Framing(chunked=False, length=0, certain=head.whole, again=again)
    if codings:
        chunked = codings[-1] == "chunked"
        only = codings == ["chunked"]
        return Framing(chunked=chunked, length=None, certain=head.whole and only, again=again and only and not lengths)
    if not lengths:
        return Framing(chunked=False, length=None, certain=head.whole, again=False)
    usable = [int(length) for length in lengths if _LENGTH.fullmatch(length)]
    agree = len(usable) == len(lengths) and len(set(usable)) == 1
    return Framing(
        chunked=False,
        # If they differ, the longest is used, so that nothing is cut off.
        length=max(usable, default=None),
        certain=head.whole and agree,
        again=again and agree and len(lengths) == 1,
    )


def _has_no_body(code: int, method: str | None) -> bool:
    return method == "HEAD" or code // 100 == _INFORMATIONAL or code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
