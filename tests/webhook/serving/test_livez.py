"""`/livez` tells that a process takes requests, whatever its threads wait for."""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import threading
from contextlib import ExitStack

import pytest
from asgi_kit import SCOPE
from serving import WebServer
from web_app import STATUS

from webhook.server import PROCESSES, THREADS
from webhook.serving.adapter import Adapter
from worker.process import embedded_redis

PROBE = {**SCOPE, "raw_path": b"/livez", "method": "GET", "headers": [(b"host", b"localhost")]}
LONG_ENOUGH = 20


async def said_to(adapter, **scope):
    """The messages of an answer."""
    said = []
    await asyncio.wait_for(adapter({**PROBE, **scope}, None, said.append), LONG_ENOUGH)
    return said


def test_it_is_answered_while_every_thread_waits(web):
    waits, may_go_on = threading.Event(), threading.Event()

    def app(environ, start_response):
        if environ["PATH_INFO"] != "/livez":
            waits.set()
            may_go_on.wait(LONG_ENOUGH)
        return web.app(environ, start_response)

    async def ask():
        adapter = Adapter(app, threads=1, without_thread=["/livez"])
        held = asyncio.create_task(said_to(adapter, raw_path=b"/no/such/page"))
        assert await asyncio.to_thread(waits.wait, LONG_ENOUGH)
        start, body = await said_to(adapter)
        assert not held.done()
        may_go_on.set()
        assert (await held)[0]["status"] == 404
        return start["status"], body["body"].strip()

    assert asyncio.run(ask()) == (200, b'{"status":"alive"}')


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("query", [b"", b"x=1"])
def test_it_is_answered_as_the_view_answers(web, method, query):
    async def ask(**how):
        return await said_to(Adapter(web.app, threads=1, **how), method=method, query_string=query)

    assert asyncio.run(ask(without_thread=["/livez"])) == asyncio.run(ask())


@pytest.mark.slow
def test_a_redis_that_hangs_makes_no_dead_web(tmp_path):
    """It accepts connections and says nothing: every callback waits for its time-out, and the probe waited behind them."""
    server = embedded_redis.start(tmp_path / "redis", settings='appendonly no\nsave ""\n')
    door = WebServer(tmp_path, server.url)
    connections = ExitStack()

    def ask(path):
        connection = connections.enter_context(socket.create_connection(("127.0.0.1", door.port), timeout=LONG_ENOUGH))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return connection

    server.process.send_signal(signal.SIGSTOP)
    try:
        with connections:
            # By turns, for nobody knows which process takes which.
            pairs = [(ask(f"{STATUS}?CallSid=abcdefgh1234"), ask("/livez")) for _ in range(4 * PROCESSES * THREADS)]
            callbacks, probes = zip(*pairs, strict=True)
            assert {probe.recv(4096)[:12] for probe in probes} == {b"HTTP/1.1 200"}
            answered, _, _ = select.select(callbacks, [], [], 0)
            assert len(answered) < len(callbacks) / 2, "probes waited behind callbacks"
    finally:
        server.process.send_signal(signal.SIGCONT)
        door.stop()
        server.stop()
