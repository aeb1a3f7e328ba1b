"""Read the body of an HTTP response up to a number of bytes; the session bounds the time (`worker/http/answer.py`)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import urllib3
import urllib3.exceptions

from worker.http.answer import LengthInDoubt

if TYPE_CHECKING:
    import requests

_PIECE_BYTES = 64 * 1024


class Body(NamedTuple):
    """The decompressed body, or its first bytes if it is longer; `broken` says why it is incomplete, or is None."""

    data: bytes
    broken: str | None = None


def read_body(response: requests.Response, *, most: int) -> Body:
    """Return the body, or its first `most` bytes. Raises nothing; wants `stream=True`.

    A body that cannot be decompressed as its header says is returned unchanged.
    """
    raw: urllib3.HTTPResponse = response.raw
    data, broken = bytearray(), None
    try:
        # `read1` returns what is available, so there is no wait for more than `most`.
        while len(data) < most and (piece := raw.read1(min(_PIECE_BYTES, most - len(data)), decode_content=False)):
            data += piece
    except urllib3.exceptions.ReadTimeoutError:
        broken = f"broke off after {len(data)} bytes: nothing more came in time"
    except (urllib3.exceptions.HTTPError, OSError) as error:
        doubt = isinstance(error.__cause__, LengthInDoubt)
        broken = "has no length that can be relied on" if doubt else f"broke off after {len(data)} bytes"
    return Body(_unpacked(bytes(data), response.headers.get("Content-Encoding"), most=most), broken)


def _unpacked(data: bytes, coding: str | None, *, most: int) -> bytes:
    if not coding or not data:
        return data
    packed = urllib3.HTTPResponse(
        io.BytesIO(data), headers={"Content-Encoding": coding.strip()}, preload_content=False, decode_content=True
    )
    try:
        return packed.read(most)
    except urllib3.exceptions.HTTPError:
        return data
