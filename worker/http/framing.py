"""Tells where the body of an answer ends (RFC 9112, 6.3), and whether the connection may be used for another one."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from worker.http.head import Head

# More digits than these are no length of anything.
_LENGTH = re.compile(r"[0-9]{1,15}")
_INFORMATIONAL = 1


class Framing(NamedTuple):
    """Where the body ends: with its chunks, after `length` bytes, or (neither) with the connection.

    `certain`: the headers say it, and say it once. `again`: another answer may come by the same connection.
    """

    chunked: bool
    length: int | None
    certain: bool
    again: bool


def framing_of(head: Head, *, version: str, code: int, method: str | None) -> Framing:
    """Read the headers that frame a body.

    Whatever is doubtful about any of them costs the connection: what one side takes for the body of this answer, the other
    may mean as the answer to the next request, and a refusal would count as taken.
    """
    told = [coding.lower() for coding in head.values("transfer-encoding")]
    # Which was once the way to say that there is none (RFC 2616, 3.6).
    codings = [coding for coding in told if coding not in {"", "identity"}]
    lengths = head.values("content-length")
    options = {option.lower() for option in head.values("connection")}
    again = head.whole and head.plain and version == "HTTP/1.1" and "close" not in options and codings == told
    if _has_no_body(code, method):
        # A length of nought is said often, and there is no doubt about it. After a 101 another protocol is spoken.
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
        # Where they differ, nothing that was meant is left out.
        length=max(usable, default=None),
        certain=head.whole and agree,
        again=again and agree and len(lengths) == 1,
    )


def _has_no_body(code: int, method: str | None) -> bool:
    return method == "HEAD" or code // 100 == _INFORMATIONAL or code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
