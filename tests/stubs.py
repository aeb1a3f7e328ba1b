"""An HTTP server on loopback that answers, byte for byte, what a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import parse_headers
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    # Writes to the connection; True if it may be used again.
    Reply = Callable[[socket.socket], bool]


@dataclass(frozen=True)
class Seen:
    """A request as it arrived, and when (`time.monotonic`)."""

    method: str
    target: str
    headers: Message
    body: bytes
    at: float


def answer(body=b"", status=200, **headers) -> Reply:
    """A whole answer; an underscore in a header's name is a dash."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = _head(status, {"Content-Length": str(len(data)), **headers})

    def write(connection):
        connection.sendall(head + data)
        return True

    return write


def dripping(body, *, pause, status=200) -> Reply:
    """An answer that comes a byte at a time: no single wait is long, the whole is."""

    def write(connection):
        connection.sendall(_head(status, {"Content-Length": str(len(body))}))
        for number in range(len(body)):
            connection.sendall(body[number : number + 1])
            time.sleep(pause)
        return True

    return write


def last(reply) -> Reply:
    """An answer after which the server closes the connection without having said so."""

    def write(connection):
        reply(connection)
        return False

    return write


def late(seconds, reply) -> Reply:
    """An answer that comes after a while."""

    def write(connection):
        time.sleep(seconds)
        return reply(connection)

    return write


def held(gate: threading.Event, reply) -> Reply:
    """An answer that comes once the test opens the gate."""

    def write(connection):
        gate.wait(30)
        return reply(connection)

    return write


def cut_off(body, *, promised, status=200) -> Reply:
    """An answer that ends before the number of bytes it promised."""

    def write(connection):
        connection.sendall(_head(status, {"Content-Length": str(promised)}) + body)
        return False

    return write


def reset(*, after=b"") -> Reply:
    """A connection that is reset, at once or after some bytes."""

    def write(connection):
        connection.sendall(after)
        time.sleep(0.05)  # a reset overtakes what is still under way
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return write


def chunked(*chunks, status=200) -> Reply:
    """An answer in chunks, of a length that nobody was told."""

    def write(connection):
        connection.sendall(_head(status, {"Transfer-Encoding": "chunked"}))
        for chunk in chunks:
            connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        return True

    return write


def _head(status, headers):
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class StubServer:
    """Give it replies with `then` (one request each, in order) and `always` (when there are no others), or choose one."""

    def __init__(self, always: Reply | None = None):
        self.seen: list[Seen] = []
        #: How many connections have been closed.
        self.closed = 0
        self._replies: deque[Reply] = deque()
        self._choose: Callable[[Seen], Reply] = lambda _: always or answer(status=404)
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._begin(self._accept)

    def then(self, *replies):
        self._replies.extend(replies)

    def always(self, reply):
        self._choose = lambda _: reply

    def choose(self, function):
        """Let a function choose the reply to each request that `then` has none for."""
        self._choose = function

    @property
    def targets(self):
        return [seen.target for seen in self.seen]

    @property
    def connections(self):
        """How many connections there have been."""
        return len(self._connections)

    def close(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _begin(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._begin(self._serve, connection)

    def _serve(self, connection):
        self._answer(connection)
        self.closed += 1

    def _answer(self, connection):
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while (seen := _read(stream)) is not None:
                self.seen.append(seen)
                reply = self._replies.popleft() if self._replies else self._choose(seen)
                if not reply(connection):
                    return


def _read(stream):
    line = stream.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = parse_headers(stream)
    body = stream.read(int(headers.get("Content-Length") or 0))
    return Seen(method, target, headers, body, time.monotonic())
