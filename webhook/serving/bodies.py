"""Reads request bodies: none before its sender is known, none beyond its limit, none for longer than its deadline.

The application is called without the body first. The blueprint's own guard refuses senders that may not send one, as it
does for every request. A view that reads the body is aborted there (BodyWanted) and called again once the body has
arrived. So a new route is safe by default: its body is read only when its own code asks for it, and no thread waits.
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
# For a whole body, from when it is wanted: a callback of a live call arrives at once or is of no use to it.
BODY_SECONDS = 10.0
# A body that is a little too long is read to its end; one that is far too long is no callback and is not waited for.
READ_ON_BYTES = 2 * 1024 * 1024
READ_ON_SECONDS = 5.0
_LIMIT = "legwork.body_limit"


class BodyWanted(BaseException):
    """The application needs the body. Not an Exception, so that no `except Exception` on the way catches it."""


class BodyRefused(Exception):
    """Raised for a body that is refused. The message is for its sender, `reason` for the log."""

    status: int
    reason: str


class TooSlow(BodyRefused):
    """The body did not arrive in time (RFC 9110, 15.5.9)."""

    status, reason = 408, "slow"


class TooLarge(BodyRefused):
    """The body is longer than its sender may send, and no header gave its length."""

    status, reason = 413, "large"


class CutOff(BodyRefused):
    """The sender went away in the middle of the body: half a CallSid may look like a whole one."""

    status, reason = 400, "cut off"


class NotYet:
    """A `wsgi.input` whose body has not been read from the connection yet."""

    def read(self, _size: int = -1) -> NoReturn:
        """Raise BodyWanted, as every way to read does."""
        raise BodyWanted

    readline = readlines = readinto = read

    def __iter__(self) -> NoReturn:
        """Raise BodyWanted."""
        raise BodyWanted


def limit_body(request: Request, most_bytes: int) -> None:
    """Limit this request's body; call it before the body is read. A longer one is a 413."""
    request.max_content_length = most_bytes
    request.environ[_LIMIT] = most_bytes


def limit_of(environ: Mapping[str, Any]) -> int:
    """Return the limit in bytes that the application set in its first call."""
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
    """Read and discard the rest of a body whose request was answered, within READ_ON_BYTES and READ_ON_SECONDS.

    A server that closes the connection while the peer is sending destroys its own answer (RFC 9112, 9.6): the peer sees a
    reset, a proxy turns it into a 502, and Exotel retries a StatusCallback that will never be accepted.
    """
    left = READ_ON_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_ON_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
