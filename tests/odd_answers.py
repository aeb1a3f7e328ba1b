"""Answers whose status line is plain and whose rest is odd: what HTTP libraries have been seen to trip over."""

from __future__ import annotations

import gzip
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stubs import Reply

_OK = b"Content-Length: 2\r\n"

#: What stands behind the status line, by what is odd about it.
RESTS: dict[str, bytes] = {
    "nothing": b"",
    "cut off in a name": b"Content-Le",
    "cut off in a value": b"Content-Length: 2",
    "cut off before the blank line": _OK,
    "two lengths that differ": b"Content-Length: 2\r\nContent-Length: 7\r\n\r\nok",
    "two lengths in one line": b"Content-Length: 2, 7\r\n\r\nok",
    "two lengths that agree": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "a length in words": b"Content-Length: two\r\n\r\nok",
    "a length below nought": b"Content-Length: -2\r\n\r\nok",
    "a length of many digits": b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nok",
    "an empty length": b"Content-Length:\r\n\r\nok",
    "a length that is too long": b"Content-Length: 9\r\n\r\nok",
    "a length that is too short": b"Content-Length: 1\r\n\r\nok and more",
    "a length and chunks": _OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks that are none": b"Transfer-Encoding: chunked\r\n\r\nok",
    "chunks without an end": b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    "a chunk that is cut off": b"Transfer-Encoding: chunked\r\n\r\n9\r\nok",
    "a chunk that is too long": b"Transfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
    "a chunk below nought": b"Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
    "chunks without CR": b"Transfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "a coding that nobody knows": b"Transfer-Encoding: klingon\r\n\r\nok",
    "no gzip": _OK + b"Content-Encoding: gzip\r\n\r\nok",
    "gzip that is cut off": b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n"
    + gzip.compress(b"ok", mtime=0)[:12],
    "gzip of gzip of gzip": _OK + b"Content-Encoding: " + b", ".join([b"gzip"] * 20) + b"\r\n\r\nok",
    "no deflate": _OK + b"Content-Encoding: deflate\r\n\r\nok",
    "a packing that nobody knows": _OK + b"Content-Encoding: klingon\r\n\r\nok",
    "a line without a colon": _OK + b"this is no header\r\n\r\nok",
    "a line that begins with a colon": _OK + b": nameless\r\n\r\nok",
    "a blank before the colon": b"Content-Length : 2\r\n\r\nok",
    "lines that end without CR": b"Content-Length: 2\nX-Odd: 1\n\nok",
    "a CR in a value": _OK + b"X-Odd: a\rContent-Length: 7\r\n\r\nok",
    "a folded value": _OK + b"X-Odd: a\r\n b\r\n\tc\r\n\r\nok",
    "a fold before any header": b" folded\r\n" + _OK + b"\r\nok",
    "latin-1 in a value": _OK + b"X-Odd: caf\xe9\r\n\r\nok",
    "latin-1 in a name": _OK + b"X-\xd6dd: 1\r\n\r\nok",
    "a zero in a value": _OK + b"X-Odd: a\0b\r\n\r\nok",
    "a zero in a name": _OK + b"X-\0dd: 1\r\n\r\nok",
    "150 headers": b"".join(b"X-%d: 1\r\n" % number for number in range(150)) + _OK + b"\r\nok",
    "a header of 100 kB": b"X-Long: " + b"x" * 100_000 + b"\r\n" + _OK + b"\r\nok",
    "a header of 2 MB": b"X-Long: " + b"x" * 2_000_000 + b"\r\n" + _OK + b"\r\nok",
    "a charset without a value": _OK + b"Content-Type: text/html; charset\r\n\r\nok",
    "a charset that nobody knows": _OK + b"Content-Type: text/html; charset=klingon\r\n\r\nok",
    "a type that is none": _OK + b"Content-Type: ;;;=\r\n\r\nok",
    "a cookie that is none": _OK
    + b"Set-Cookie: =;;=\r\nSet-Cookie: a=b; Expires=never; Max-Age=x; Domain=..\r\n\r\nok",
    "a place to go": _OK + b"Location: http://[oops\r\n\r\nok",
    "a close that is none": _OK + b"Connection: close\r\n\r\nok",
    "keeping alive and a close": _OK + b"Connection: keep-alive\r\nConnection: close\r\n\r\nok",
    "bytes after the answer": _OK + b"\r\nok\r\n\r\nnot asked for",
    "no length at all": b"X-Odd: 1\r\n\r\nok",
}

#: Whole answers of 200, by what is odd about their status line, or what stands before it.
STATUS_LINES: dict[str, bytes] = {
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "a blank and no reason": b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    "two blanks": b"HTTP/1.1  200  OK\r\nContent-Length: 0\r\n\r\n",
    "a reason in latin-1": b"HTTP/1.1 200 \xd6K\0\r\nContent-Length: 0\r\n\r\n",
    "a CR in the reason": b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
    "a reason of 100 kB": b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "no CR": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "no end of the line": b"HTTP/1.1 200 OK",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 that is kept": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/2": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    "blank lines before it": b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "100 before it": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "100 without a blank line": b"HTTP/1.1 100 Continue\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "odd headers in a 103": b"HTTP/1.1 103 X\r\nno colon\r\n" + b"L: 1\r\n" * 150 + b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    "204 with a body": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "204 with a body of no length": b"HTTP/1.1 204 No Content\r\n\r\nok",
    "204 in chunks": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "205 with a body": b"HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok",
    "206": b"HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n\r\n",
    "226": b"HTTP/1.1 226 IM Used\r\nContent-Length: 0\r\n\r\n",
    "299": b"HTTP/1.1 299 Whatever\r\nContent-Length: 0\r\n\r\n",
}

#: What is no status line, and so no answer.
NO_STATUS_LINE: dict[str, bytes] = {
    "nothing": b"",
    "blank lines": b"\r\n\r\n",
    "no HTTP": b"200 OK\r\n\r\n",
    "a status that is cut off": b"HTTP/1.1 20",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status in words": b"HTTP/1.1 OK\r\n\r\n",
    "100 and no more": b"HTTP/1.1 100 Continue\r\n\r\n",
    "no version": b"HTTP 200 OK\r\n\r\n",
    "a page": b"<html>200 OK</html>",
}


def saying(*parts: bytes, then: str = "close") -> Reply:
    """These bytes; then the connection is closed, or kept for the next request."""

    def write(connection):
        with suppress(OSError):  # nobody reads to the end what is too much
            connection.sendall(b"".join(parts))
        return then == "kept"

    return write
