"""Lets a peer that still sends hear why it was refused.

A server that closes a connection under what is being sent takes its own answer back with it (RFC 9112 section 9.6): the
peer sees a reset, a proxy makes a 502 of it, and Exotel sends a StatusCallback that nobody will ever take again and again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Request

# What is a little too long is read to its end. What is far too long is not waited for: it is no callback.
READ_ON_BYTES = 2 * 1024 * 1024
_PIECE_BYTES = 64 * 1024


def read_on(request: Request) -> None:
    """Read what is left of a body, unless that is more than READ_ON_BYTES, and forget it."""
    if (request.content_length or 0) > READ_ON_BYTES or not request.environ.get("wsgi.input_terminated"):
        return
    stream, left = request.environ["wsgi.input"], READ_ON_BYTES
    with suppress(OSError):  # it went away, and hears nothing anyhow
        while left > 0 and (piece := stream.read(_PIECE_BYTES)):
            left -= len(piece)
