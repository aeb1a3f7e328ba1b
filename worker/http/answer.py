"""An HTTP response with a time limit for the whole, whose status counts even if the rest is broken."""

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

# Interim responses (RFC 9110, 15.2); http.client knows only the first one.
_INFORMATIONAL = 1
# A socket closed with this option discards unsent data.
_NO_LINGER = struct.pack("ii", 1, 0)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?(\r?\n)")


class LengthInDoubt(http.client.HTTPException):
    """Raised at the end of a body if it is not certain that the body is complete."""


class Answer(http.client.HTTPResponse):
    """A response that must be read completely within the time-out: headers, body, and anything before or after.

    A socket's time-out covers a single wait, so a slow trickle of bytes could last for ever. Interim responses (102, 103) are
    skipped: taken for the response, they would leave the real one to the connection's next request.

    After the status line, nothing invalidates the response. Malformed parts are left out, or end the body, and the connection
    is closed.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._asked_by: str | None = kwargs.get("method")
        self._raw = _InTime(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._raw)
        self._sock = sock
        #: The headers as received; urllib3 gets only some of them.
        self.fields: list[tuple[str, str]] = []
        # Until the head is read, which never happens for a proxy's response to CONNECT.
        self._begun = False
        self._certain = self._again = True
        self._is_over = False

    def _read_status(self) -> tuple[str, int, str]:
        # http.client calls this method, for a proxy's response too.
        line = read_status_line(self.fp)
        while line.code // 100 == _INFORMATIONAL and line.code != HTTPStatus.SWITCHING_PROTOCOLS:
            line = self._pass_over_interim() or read_status_line(self.fp)
        return line

    def _pass_over_interim(self) -> StatusLine | None:
        """Read the headers of an interim response, to their end or to a status line in place of the end."""
        while (text := self.fp.readline(MOST_LINE_BYTES)) not in {b"\r\n", b"\n", b""}:
            if line := as_status_line(text):
                return line
        return None

    def begin(self) -> None:
        """Read the head. Raises http.client.HTTPException or OSError if there is no status line."""
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
        # Incomplete headers may lack what frames the body.
        self.length = framing.length if head.whole else 0
        self._certain, self._again = framing.certain, framing.again
        self.will_close = not framing.again
        self._begun = True

    def read1(self, n: int = -1) -> bytes:
        """Return the available bytes. Raises http.client.HTTPException if the body is, or may be, incomplete."""
        data = super().read1(n)
        self._see_to_the_end(is_end=not data and n != 0)
        return data

    def read(self, amt: int | None = None) -> bytes:
        """Return `amt` bytes, or all. Raises http.client.HTTPException if the body is, or may be, incomplete."""
        data = super().read(amt)
        self._see_to_the_end(is_end=amt is None or (not data and amt != 0))
        return data

    def _see_to_the_end(self, *, is_end: bool) -> None:
        if is_end and not self._certain:
            raise LengthInDoubt("nothing that can be relied on says where the body ends")

    def _get_chunk_left(self) -> int | None:
        # http.client accepts -5, 0x5 and 5_0 as sizes, and anything between two chunks as the end of one.
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
        """Release the connection: for another request only if this response is complete and no data follows it."""
        if self._begun and not self.will_close:
            is_over = self._is_over if self.chunked else self.length == 0
            if not (is_over and self._again) or self._stands_more_behind():
                with suppress(OSError, AttributeError):
                    self._sock.shutdown(socket.SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]

    def _stands_more_behind(self) -> bool:
        self._raw.is_dry = True
        pending = getattr(self._sock, "pending", lambda: 0)  # what TLS has already decrypted
        with suppress(ValueError):  # closed
            return bool(self.fp.peek() or pending())
        return True


def _message(head: Head, *, length: int | None) -> http.client.HTTPMessage:
    """Return the headers for urllib3, which would refuse the whole response if lengths differ."""
    message = http.client.HTTPMessage()
    for name, value in head.fields:
        if name.lower() != "content-length":
            message[name] = value
    if length is not None and "Transfer-Encoding" not in message:
        message["Content-Length"] = str(length)
    return message


class _InTime(io.RawIOBase):
    """The data of a socket, until the socket's time-out, counted from the creation of this object, is over."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._wait = sock.gettimeout()
        self._until = None if self._wait is None else time.monotonic() + self._wait
        #: True at the end of the data.
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
            # Checked first: a server that sends without a pause would never cause a wait.
            self._sock.settimeout(_in_time(left))
            found = self._raw.readinto(buffer)
        except TimeoutError:
            # A network that recovers later must not deliver the request when it has been abandoned: by then its token is
            # free again. (urllib3's socket for TLS within TLS has no such option.)
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
