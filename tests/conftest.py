"""What all tests share: a real Redis, a settings maker, and nothing that is ours replaced."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest
import redis

from worker import embedded_redis

if TYPE_CHECKING:
    from collections.abc import Iterator


# A shell ignores Ctrl-C for what it starts in the background, and that is inherited: programs under test would be deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded_redis.EmbeddedRedis]:
    """A server of this test process's own, on a free port; everything in it is flushed between tests."""
    server = embedded_redis.start(tmp_path_factory.mktemp("redis"), settings='appendonly no\nsave ""\n')
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: embedded_redis.EmbeddedRedis) -> str:
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        yield client


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests gets into them."""
    for name in list(os.environ):
        if name.startswith(
            ("EXOTEL_", "CALLBACK_", "SINK", "REDIS_URL", "BROKER_URL", "LEGWORK_", "SANDBOX_", "CONSOLE_")
        ):
            monkeypatch.delenv(name)
    monkeypatch.delenv("COLUMNS", raising=False)  # of the terminal that the tests are started from


@pytest.fixture(autouse=True)
def no_meters_left() -> Iterator[None]:
    """The figures of a test's ledgers are gathered no longer than it lasts.

    Their threads went on beside all later tests, where a line of their logs got into what a command printed, and a test
    that answers in the resolver's place was asked for Redis.
    """
    yield
    for thread in threading.enumerate():
        if thread.name == "meters":
            gather = getattr(thread, "_target", None)  # none any more if it is just ending
            if gather is not None:
                gather.__self__._stop.set()
            thread.join(5)
