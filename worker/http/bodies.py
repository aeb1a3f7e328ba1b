"""Reads the body of an HTTP answer, bounded in bytes; in time it is bounded by the session (`worker/http/client.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
import urllib3.exceptions

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

_PIECE_BYTES = 64 * 1024


def read_body(response: requests.Response, *, most: int) -> bytes:
    """Return the body, unpacked, or its first `most` bytes where it is longer.

    Raises requests.Timeout, or another requests.RequestException where the body breaks off. Wants `stream=True`.
    """
    raw: HTTPResponse = response.raw
    body = bytearray()
    try:
        # `read1` takes what is there, so that no more than `most` is ever waited for.
        while len(body) < most and (piece := raw.read1(min(_PIECE_BYTES, most - len(body)), decode_content=True)):
            body += piece
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout(str(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(str(error)) from error
    return bytes(body)
