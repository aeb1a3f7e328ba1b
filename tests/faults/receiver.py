"""A webhook receiver: records every delivery, and can be down, slow, refuse, or disconnect without a response."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

from faults.records import Arrived, arrived


@dataclass
class Receiver:
    """Listens on its own port. `taken` has the records that it answered with 2xx, in order of arrival."""

    port: int = 0
    status: int = 200
    retry_after: int | None = None
    delay: float = 0.0
    #: It reads and records a delivery, and disconnects without a response.
    speechless: bool = False
    taken: list[Arrived] = field(default_factory=list)
    unanswered: list[Arrived] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/records?allow_private=true"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Be down: refuse new connections, and close existing ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._take(reader, writer):
                pass
        except (OSError, EOFError):
            self.counts["broken off"] += 1
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").lower().split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if not body:
            return await self._answer(writer, 200)
        delivery = arrived(json.loads(body), at=time.monotonic())
        if headers.get("webhook-id") != delivery.id:
            self.counts["id and header differ"] += 1
        if self.delay:
            self.counts["slow"] += 1
            await asyncio.sleep(self.delay)
        if self.speechless:
            self.counts["speechless"] += 1
            self.unanswered.append(delivery)
            return False
        if self.status // 100 != 2:
            self.counts[str(self.status)] += 1
            return await self._answer(writer, self.status)
        # Recorded before the response: a sender that dies in between sends it again.
        self.taken.append(delivery)
        return await self._answer(writer, self.status)

    async def _answer(self, writer: asyncio.StreamWriter, status: int) -> bool:
        later = f"Retry-After: {self.retry_after}\r\n" if self.retry_after is not None else ""
        writer.write(f"HTTP/1.1 {status} Whatever\r\n{later}Content-Length: 0\r\n\r\n".encode())
        await writer.drain()
        return True
