"""An HTTP answer: whole in time, what its status line says whatever follows, and never the answer to another request."""

from __future__ import annotations

import http.client
import io
import re
import socket
import struct
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from worker.http.framing import framing_of
from worker.http.head import MOST_LINE_BYTES, Head, as_status_line, read_head, read_status_line

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from worker.http.head import StatusLine

# Interim answers (RFC 9110, 15.2), of which http.client knows the first one only.
_INFORMATIONAL = 1
# Closed with this, a socket forgets what it has not sent yet.
_NO_LINGER = struct.pack("ii", 1, 0)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?(\r?\n)")


class LengthInDoubt(http.client.HTTPException):
    """Raised at the end of a body of which nobody can say whether that is its end."""


class Answer(http.client.HTTPResponse):
    """An answer that is read within the time-out as a whole: its headers, its body, and whatever comes before or after.

    A time-out of a socket is for a single wait, so a byte now and then would go on for ever. Interim answers (102, 103) are
    passed over: taken for the answer, they would leave the real one to the next request of the connection.

    Once the status line is there, nothing that follows it makes this no answer. What is odd about the rest is left out, or
    breaks off the body, and costs the connection.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._asked_by: str | None = kwargs.get("method")
        self._raw = _InTime(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._raw)
        self._sock = sock
        #: The headers as they came; urllib3 is not given all of them.
        self.fields: list[tuple[str, str]] = []
        # Until the head is read, which nobody does of a proxy's answer to CONNECT.
        self._begun = False
        self._certain = self._again = True
        self._is_over = False

    def _read_status(self) -> tuple[str, int, str]:
        # By this name http.client asks for it, of a proxy's answer too.
        line = read_status_line(self.fp)
        while line.code // 100 == _INFORMATIONAL and line.code != HTTPStatus.SWITCHING_PROTOCOLS:
            line = self._pass_over_interim() or read_status_line(self.fp)
        return line

    def _pass_over_interim(self) -> StatusLine | None:
        """Read the headers of an interim answer, to their end or to the status line that stands in its place."""
        while (text := self.fp.readline(MOST_LINE_BYTES)) not in {b"\r\n", b"\n", b""}:
            if line := as_status_line(text):
                return line
        return None

    def begin(self) -> None:
        """Read the head. Raises http.client.HTTPException or OSError where there is no status line."""
        if self._begun:
            return
        version, self.status, self.reason = self._read_status()
        self.code = self.status
        self.version = 11 if version == "HTTP/1.1" else 10
        head = read_head(self.fp)
        self.fields = head.fields
        framing = framing_of(head, version=version, code=self.status, method=self._asked_by)
        self.headers = self.msg = _message(head, length=framing.length if framing.certain else None)
        self.chunked, self.chunk_left = framing.chunked and head.whole, None
        # Of headers that broke off nobody knows what they would have said of the body.
        self.length = framing.length if head.whole else 0
        self._certain, self._again = framing.certain, framing.again
        self.will_close = not framing.again
        self._begun = True

    def read1(self, n: int = -1) -> bytes:
        """Read what is there. Raises http.client.HTTPException where the body breaks off, or may have."""
        data = super().read1(n)
        self._see_to_the_end(is_end=not data and n != 0)
        return data

    def read(self, amt: int | None = None) -> bytes:
        """Read so much, or all. Raises http.client.HTTPException where the body breaks off, or may have."""
        data = super().read(amt)
        self._see_to_the_end(is_end=amt is None or (not data and amt != 0))
        return data

    def _see_to_the_end(self, *, is_end: bool) -> None:
        if is_end and not self._certain:
            raise LengthInDoubt("nothing that can be relied on says where the body ends")

    def _get_chunk_left(self) -> int | None:
        # http.client takes -5, 0x5 and 5_0 for sizes, and whatever stands between two chunks for the end of one.
        if self.chunk_left:
            return self.chunk_left
        if self.chunk_left is not None:
            self._end_line(self.fp.readline(3))
        found = _CHUNK_SIZE.fullmatch(self.fp.readline(MOST_LINE_BYTES))
        if found is None:
            raise http.client.IncompleteRead(b"")
        self._end_line(found[2])
        self.chunk_left = int(found[1], 16) or None
        if self.chunk_left is None:
            self._again = read_head(self.fp).plain and self._again
            self._is_over = True
            self._close_conn()
        return self.chunk_left

    def _end_line(self, end: bytes) -> None:
        if end not in {b"\r\n", b"\n"}:
            raise http.client.IncompleteRead(b"")
        self._again = self._again and end == b"\r\n"

    def _close_conn(self) -> None:
        """Let go of the connection: for another request only where this answer is over, and nothing stands behind it."""
        if self._begun and not self.will_close:
            is_over = self._is_over if self.chunked else self.length == 0
            if not (is_over and self._again) or self._stands_more_behind():
                with suppress(OSError, AttributeError):
                    self._sock.shutdown(socket.SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]

    def _stands_more_behind(self) -> bool:
        self._raw.is_dry = True
        pending = getattr(self._sock, "pending", lambda: 0)  # what TLS has unpacked already
        with suppress(ValueError):  # closed
            return bool(self.fp.peek() or pending())
        return True


def _message(head: Head, *, length: int | None) -> http.client.HTTPMessage:
    """Return the headers as urllib3 takes them, who refuses the whole answer over lengths that differ."""
    message = http.client.HTTPMessage()
    for name, value in head.fields:
        if name.lower() != "content-length":
            message[name] = value
    if length is not None and "Transfer-Encoding" not in message:
        message["Content-Length"] = str(length)
    return message


class _InTime(io.RawIOBase):
    """What a socket brings, until the time is over that the socket waits at most when this is made."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._wait = sock.gettimeout()
        self._until = None if self._wait is None else time.monotonic() + self._wait
        #: Is nothing more to be read?
        self.is_dry = False

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self.is_dry:
            return None
        if self._until is None:
            return self._raw.readinto(buffer)
        left = self._until - time.monotonic()
        try:
            # Looked at first: whoever sends without a pause would never be waited for.
            self._sock.settimeout(_in_time(left))
            found = self._raw.readinto(buffer)
        except TimeoutError:
            # A network that comes back later must not bring the request to the other side when nobody waits any more: by
            # then its token is back. (A socket of urllib3's for TLS within TLS has no such option.)
            with suppress(OSError, AttributeError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            raise
        finally:
            with suppress(OSError):
                self._sock.settimeout(self._wait)
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


def _in_time(left: float) -> float:
    if left <= 0:
        raise TimeoutError("timed out")
    return left
