"""Reads the body of an HTTP answer, however slowly it drips: bounded in bytes and in seconds as a whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

_PIECE_BYTES = 64 * 1024


def read_body(response: requests.Response, *, most: int, until: float) -> bytes:
    """Return the body, unpacked, or its first `most` bytes where it is longer.

    Gives up at `until` (of `time.monotonic`), a wait later at most.
    Raises requests.Timeout, or another requests.RequestException where the body breaks off. Wants `stream=True`.
    """
    raw: HTTPResponse = response.raw
    body = bytearray()
    try:
        # `read1` takes what is there; `iter_content` would wait for a whole piece, each byte renewing its time-out.
        while len(body) < most and (piece := raw.read1(min(_PIECE_BYTES, most - len(body)), decode_content=True)):
            body += piece
            if time.monotonic() > until:
                raise requests.ReadTimeout("the body did not end in time")
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout(str(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(str(error)) from error
    return bytes(body)
