"""The adapter's side of the server: connections that it is handed, and a loop whose clock is fast."""

from __future__ import annotations

import asyncio
import selectors

from webhook.serving.bodies import BODY_SECONDS

SCOPE = {
    "raw_path": b"/",
    "query_string": b"",
    "method": "POST",
    "http_version": "1.1",
    "scheme": "http",
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 1),
    "headers": [(b"host", b"x"), (b"content-length", b"5")],
}


class Connection:
    """What the server hands to an application, and what keeps a connection open as long as somebody has it."""

    def __init__(self):
        self.said = []

    def __call__(self, message):
        self.said.append(message)

    async def receive(self):
        return {"type": "http.disconnect"}


class Hurried(selectors.DefaultSelector):
    """Waits a hundredth of the time, as the clock of a loop that is a hundred times as fast wants it."""

    def select(self, timeout=None):
        return super().select(timeout and timeout / 100)


class HurriedLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__(Hurried())

    def time(self):
        return super().time() * 100


class Slow(Connection):
    """A peer that sends the first byte and then nothing, until its server has waited long enough."""

    def __init__(self):
        super().__init__()
        self.pieces = [{"type": "http.request", "body": b"C", "more_body": True}]

    async def receive(self):
        if not self.pieces:
            await asyncio.sleep(2 * BODY_SECONDS)
        return self.pieces.pop(0) if self.pieces else {"type": "http.disconnect"}


class Endless(Connection):
    async def receive(self):
        return {"type": "http.request", "body": b"x" * 300_000, "more_body": len(self.said) == 0}
