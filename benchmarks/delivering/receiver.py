"""A webhook receiver, as fast as possible in Python: it records when each record arrived and answers 204.

It also acts as Exotel: it returns the legs of a call, and records when.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import socket
import time
from typing import TYPE_CHECKING

import requests

from delivering.records import legs_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ASKED_FOR = re.compile(rb"GET /v1/Accounts/\w+/Calls/(\w+)/Legs")
_KNOWN_AS = re.compile(rb"\r\nwebhook-id: *(\S+)", re.IGNORECASE)


class Receiver:
    """The receiver, in a separate process, so that it shares no lock."""

    def __init__(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        self.port: int = ours.recv()
        self.url = f"http://127.0.0.1:{self.port}/"

    def take(self) -> dict[str, float]:
        """Return when each record (by id) and each fetch (by CallSid) first arrived since the last call.

        Times are of `time.monotonic`, which is the same in all processes.
        """
        return dict(requests.get(self.url, timeout=30).json())

    def close(self) -> None:
        self._process.terminate()
        self._process.join()


def _serve(parent: Connection) -> None:
    async def run() -> None:
        arrived: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Line(arrived), "127.0.0.1", 0, backlog=256)
        parent.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, arrived: dict[str, float]) -> None:
        self._arrived = arrived
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._data += data
        while True:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            length = int(said[1]) if (said := _LENGTH.search(head)) else 0
            if not found or len(rest) < length:
                return
            self._data = rest[length:]
            self._transport.write(self._answer(head, now))

    def _answer(self, head: bytes, now: float) -> bytes:
        if head.startswith(b"POST"):
            if known_as := _KNOWN_AS.search(head):
                self._arrived.setdefault(known_as[1].decode(), now)
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        if asked_for := _ASKED_FOR.match(head):
            call_sid = asked_for[1].decode()
            self._arrived.setdefault(call_sid, now)
            body = json.dumps({"MetaData": {"Total": 2, "Count": 2}, "legs": legs_of(call_sid)}).encode()
        else:
            body = json.dumps(self._arrived).encode()
            self._arrived.clear()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
