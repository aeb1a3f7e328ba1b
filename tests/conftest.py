"""Fixtures for all tests: a real Redis and settings; none of Legwork's code is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest
import redis

from worker.metrics import CATALOG
from worker.process import embedded_redis

if TYPE_CHECKING:
    from collections.abc import Iterator


# A shell ignores Ctrl-C in background jobs, and children inherit that: programs under test would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded_redis.EmbeddedRedis]:
    """Start this test process's own server on a free port; it is flushed between tests."""
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


@pytest.fixture(scope="module", autouse=True)
def no_event_loop_left() -> None:
    """Fail if an earlier file left an event loop running in this thread, as an unclosed browser does."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings of the machine out of the tests."""
    for name in list(os.environ):
        if name.startswith(
            ("EXOTEL_", "CALLBACK_", "SINK", "REDIS_URL", "BROKER_URL", "LEGWORK_", "SANDBOX_", "CONSOLE_", "OTEL_")
        ):
            monkeypatch.delenv(name)
    monkeypatch.delenv("HOST", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)  # of the terminal in which the tests were started


@pytest.fixture(autouse=True)
def no_meters_left() -> Iterator[None]:
    """Stop collecting the metrics of a test's ledgers at its end.

    Otherwise their threads run during all later tests: a line of their logs got into a command's output, and a test that
    replaces the resolver got queries for Redis. Their figures must be declared, with all labels.
    """
    yield
    strangers = set()
    for thread in threading.enumerate():
        if thread.name == "meters":
            gather = getattr(thread, "_target", None)  # None if it is just ending
            if gather is not None:
                gather.__self__._stop.set()
                strangers |= {name for name in gather.__self__._pending if not is_in_catalog(*name.split("\x1f"))}
            thread.join(5)
    assert not strangers


def is_in_catalog(name: str, *labels: str) -> bool:
    """Return whether the metric has these labels. Counters start at zero, so all label values must be declared."""
    known = CATALOG[name].values
    return all(not values or label in values for values, label in zip(known, labels, strict=False))
