"""Reads bodies: none before its sender is known, none beyond its limit, none for longer than its deadline.

The application is asked without the body first. Whoever may not send one is refused by the room's own gate, as every
request is, and a view that comes to need the body is left where it reads (BodyWanted), to be asked anew when the body is
there. So a route that nobody thought of here is safe: its body is read when its own code wants it, and by no thread.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from flask import Request

    Receive = Callable[[], Awaitable[Mapping[str, Any]]]

# Contract section 3. The longest callback known, a Passthru after a dozen dial attempts, is some 6 KB.
MAX_BODY_BYTES = 256 * 1024
# For the whole of a body, from when it is wanted: what is due in a live call comes at once, or is of no use to it.
BODY_SECONDS = 10.0
# What is a little too long is read to its end. What is far too long is not waited for: it is no callback.
READ_ON_BYTES = 2 * 1024 * 1024
READ_ON_SECONDS = 5.0
_LIMIT = "legwork.body_limit"


class BodyWanted(BaseException):
    """The application needs the body. No Exception: whoever catches those on the way means errors."""


class BodyRefused(Exception):
    """Raised for a body that is not taken. The message is for its sender, `reason` for the log."""

    status: int
    reason: str


class TooSlow(BodyRefused):
    """The body was not there in time (RFC 9110, 15.5.9)."""

    status, reason = 408, "slow"


class TooLarge(BodyRefused):
    """The body is longer than its sender may send, and its length was told by no header."""

    status, reason = 413, "large"


class CutOff(BodyRefused):
    """The sender went away in the middle of the body: half a CallSid may look like a whole one."""

    status, reason = 400, "cut off"


class NotYet:
    """A `wsgi.input` that nobody has read from the connection yet."""

    def read(self, _size: int = -1) -> NoReturn:
        """Raise BodyWanted, as every way to read does."""
        raise BodyWanted

    readline = readlines = readinto = read

    def __iter__(self) -> NoReturn:
        """Raise BodyWanted."""
        raise BodyWanted


def limit_body(request: Request, most_bytes: int) -> None:
    """Take no body of more than so many bytes for this request; to be said before it is read. More is a 413."""
    request.max_content_length = most_bytes
    request.environ[_LIMIT] = most_bytes


def limit_of(environ: Mapping[str, Any]) -> int:
    """Return how many bytes the application, when it was asked first, found enough."""
    found: int = environ.get(_LIMIT, MAX_BODY_BYTES)
    return found


async def read_body(receive: Receive, most_bytes: int) -> bytes:
    """Return a body. Raises TooLarge, TooSlow after BODY_SECONDS, CutOff."""
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise CutOff("The body ends too soon.")
                piece = message.get("body", b"")
                size += len(piece)
                if size > most_bytes:
                    raise TooLarge(f"The body is larger than {most_bytes // 1024} KiB.")
                pieces.append(piece)
                if not message.get("more_body"):
                    return b"".join(pieces)
    except TimeoutError as error:
        raise TooSlow("The body did not come in time.") from error


async def read_on(receive: Receive) -> None:
    """Read what is still coming of a body whose request was answered, and forget it, within READ_ON_BYTES and _SECONDS.

    A server that closes a connection under what is being sent takes its own answer back with it (RFC 9112, 9.6): the peer
    sees a reset, a proxy makes a 502 of it, and Exotel sends a StatusCallback that nobody will ever take again and again.
    """
    left = READ_ON_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_ON_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
