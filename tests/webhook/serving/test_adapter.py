"""The adapter between the server and the application, without a server."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from asgi_kit import SCOPE, Connection, Endless, HurriedLoop, Slow
from structlog.testing import capture_logs
from web_app import STATUS

from webhook.callbacks.senders import count_refused_bodies, known_senders
from webhook.serving.adapter import Adapter
from worker import metrics


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


@pytest.fixture
def refused(web):
    """What becomes of a callback whose body comes by a connection: the status, the log, the counter."""

    def ask(connection, path=STATUS, headers=()):
        adapter = Adapter(web.app, 1, known_senders(web.settings), count_refused_bodies(web.ledger.meters))
        scope = {**SCOPE, "raw_path": path.encode(), "headers": [(b"host", b"localhost"), *headers]}
        with capture_logs() as logs, asyncio.Runner(loop_factory=HurriedLoop) as runner:
            runner.run(adapter(scope, connection.receive, connection))
        counted = web.ledger.meters.read().get((metrics.CALLBACKS_REFUSED.name, "status", "invalid"), 0)
        events = [{name: each[name] for name in ("event", "status", "reason")} for each in logs]
        return connection.said[0]["status"], events, counted

    return ask


@pytest.mark.parametrize(
    ("connection", "status", "reason"), [(Slow, 408, "slow"), (Connection, 400, "cut off"), (Endless, 413, "large")]
)
def test_a_callback_whose_body_is_refused_is_logged_and_counted_as_any_other(refused, connection, status, reason):
    """No view sees it; half-sent callbacks left no trace at all."""
    said = refused(connection(), headers=[(b"transfer-encoding", b"chunked")])
    assert said == (status, [{"event": "body.refused", "status": status, "reason": reason}], 1)


def test_another_body_that_is_refused_is_logged_alone(refused):
    said = refused(Slow(), path="/api/calls/search", headers=[(b"content-length", b"5")])
    assert said == (408, [{"event": "body.refused", "status": 408, "reason": "slow"}], 0)
