"""The adapter between the server and the application, without a server."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from webhook.serving.adapter import Adapter

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


def app_with_a_circle(environ, start_response):
    """An application that reads a body, beside a library that keeps an exception in the frame that raised it."""
    try:
        int("of a library's")
    except ValueError as error:
        kept = error
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [str(kept).encode()]


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_a_connection_is_let_go_of_whatever_circles_the_application_leaves():
    """Two of a hundred bodies that came too late left their connection open until the garbage collector came by."""

    async def ask():
        adapter, connection = Adapter(app_with_a_circle, threads=1), Connection()
        await adapter(SCOPE, connection.receive, connection)
        assert connection.said[0]["status"] == 400
        return weakref.ref(connection)

    assert asyncio.run(ask())() is None
