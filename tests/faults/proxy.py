"""A TCP proxy that can refuse, stay silent, cut replies short and be slow: the network between Legwork and Redis."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from enum import Enum


class Mood(Enum):
    """How the proxy treats its traffic."""

    OPEN = "open"
    SILENT = "silent"  # connections are accepted, nothing passes
    CUT = "cut"  # requests pass; each reply is cut in half, then the connection is closed
    REFUSE = "refuse"  # no listener, and existing connections are closed


class Proxy:
    """Forwards one port of loopback to another. `counts` counts its interventions."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.mood = Mood.OPEN
        self.delay = 0.0
        self.counts: Counter[str] = Counter()
        self.pairs: set[Pair] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the previous port if there was one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Near(self), "127.0.0.1", self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for pair in list(self.pairs):
            pair.abort()

    async def turn(self, mood: Mood, *, forget: bool = False) -> None:
        """Change the mode.

        After SILENT, the data held back is forwarded late; with `forget` the old connections stay silent for
        ever, as behind a firewall that has lost their state.
        """
        before, self.mood = self.mood, mood
        if mood is Mood.REFUSE:
            self.counts["aborted"] += len(self.pairs)
            self.close()
        elif before is Mood.REFUSE:
            await self.open()
        if before is Mood.SILENT:
            for pair in list(self.pairs):
                if forget:
                    pair.deaf = True
                    self.counts["forgotten"] += 1
                else:
                    pair.flush()


class Pair:
    """A connection through the proxy: its two ends, and the data held back."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.near: asyncio.Transport | None = None
        self.far: asyncio.Transport | None = None
        self.deaf = False
        self._held: list[tuple[bytes, bool]] = []
        self._near_gone = self._over = self._connecting = False
        proxy.pairs.add(self)

    @property
    def _silent(self) -> bool:
        return self.proxy.mood is Mood.SILENT

    def begin(self, near: asyncio.Transport) -> None:
        self.near = near
        self.proxy.counts["connections"] += 1
        if not self._silent:
            self._connect()

    def pass_on(self, data: bytes, *, to_far: bool) -> None:
        proxy = self.proxy
        if self.deaf:
            proxy.counts["swallowed"] += 1
        elif self._silent or (to_far and self.far is None):
            proxy.counts["held"] += self._silent
            self._held.append((data, to_far))
        elif proxy.mood is Mood.CUT and not to_far:
            proxy.counts["cut"] += 1
            self._write(data[: len(data) // 2], to_far=False)
            self.abort()
        elif proxy.delay:
            asyncio.get_running_loop().call_later(proxy.delay, self._write, data, to_far)
        else:
            self._write(data, to_far)

    def flush(self) -> None:
        """Forward the data held back."""
        if self.far is None:
            self._connect()
            return
        held, self._held = self._held, []
        for data, to_far in held:
            self._write(data, to_far)
        if self._near_gone:
            # Data that a client sent before it gave up still arrives, followed by its close.
            self.far.close()

    def near_lost(self) -> None:
        if self._silent and not self.deaf:
            self._near_gone = True
        else:
            self.abort()

    def far_lost(self) -> None:
        if not self._silent and not self.deaf:
            self.abort()

    def abort(self) -> None:
        self._over = True
        self.proxy.pairs.discard(self)
        for end in (self.near, self.far):
            if end is not None:
                end.abort()

    def _connect(self) -> None:
        if not self._connecting:
            self._connecting = True
            self._task = asyncio.get_running_loop().create_task(self._reach_the_target())

    async def _reach_the_target(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            far, _ = await loop.create_connection(lambda: Far(self), "127.0.0.1", self.proxy.target_port)
        except OSError:
            self.proxy.counts["nobody there"] += 1
            self.abort()
            return
        self.far = far
        if self._over:
            far.abort()
        elif not self._silent and not self.deaf:
            self.flush()

    def _write(self, data: bytes, to_far: bool) -> None:
        end = self.far if to_far else self.near
        if end is not None and not end.is_closing():
            end.write(data)


class Near(asyncio.Protocol):
    """The client's end."""

    def __init__(self, proxy: Proxy) -> None:
        self._pair = Pair(proxy)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._pair.begin(transport)

    def data_received(self, data: bytes) -> None:
        self._pair.pass_on(data, to_far=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pair.near_lost()


class Far(asyncio.Protocol):
    """The server's end."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    def data_received(self, data: bytes) -> None:
        self._pair.pass_on(data, to_far=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pair.far_lost()


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
