"""The carrier outlives its broker's troubles."""

from __future__ import annotations

import threading
import time

import pytest
import redis
from factories import ACCOUNT, make_callback, make_settings
from kombu.exceptions import OperationalError
from processes import WORKER, Process, until
from stubs import held
from worker_kit import fetched, legs_answer

from worker.celery import make_celery
from worker.connections import connect
from worker.ledger import Ledger
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port

pytestmark = pytest.mark.slow

# The worker of these tests has one thread: with this call it is busy.
BUSY = ["busy0001"]


@pytest.fixture
def server(tmp_path):
    found = embedded_redis.start(tmp_path / "redis", port=free_port(), password="password")
    yield found
    found.stop()


@pytest.fixture
def book(server):
    settings = make_settings(server.url)
    with connect(settings) as client:
        ledger = Ledger(client, settings)
        ledger.open()
        yield ledger.calls[ACCOUNT]


@pytest.fixture
def worker(server, exotel, tmp_path):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    process = Process(
        WORKER.replace("threads=2", "threads=1"),
        tmp_path / "worker",
        redis_url=server.url,
        exotel_base_url=exotel.url,
        sinks="stdout:",
        confirm_seconds=0,
    )
    process.wait_for("worker.ready")
    yield process
    process.stop()


def has_recorded(worker, sid):
    return sid.encode() in worker.out.read_bytes()


def test_a_channel_that_was_closed_under_the_workers_loop_is_a_broker_that_is_away(server):
    """Among killed workers and a Redis that came and went, kombu asked a closed channel for its connection: 'NoneType' object
    has no attribute 'client'. Celery took it for a bug, and the worker ended."""
    app = make_celery(make_settings(server.url))
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        channel.close()
        with pytest.raises(connection.connection_errors):
            channel._connparams()


def test_a_broker_that_is_away_is_tried_every_second_however_long_it_has_been_away():
    """Celery's own waits grow to half a minute: after an absence of 20 s it took another 10 s until anything flowed."""
    waits = []
    app = make_celery(make_settings(f"redis://127.0.0.1:{free_port()}/0"))
    with app.connection_for_read() as connection, pytest.raises(OperationalError):
        connection.ensure_connection(errback=lambda _, wait: waits.append(wait), max_retries=3)
    assert waits
    assert set(waits) == {1.0}


def test_a_worker_none_of_whose_acknowledgements_came_through_goes_on_taking_messages(
    server, worker, book, exotel, tmp_path
):
    """Redis was killed while all threads were busy. None of their messages could be acknowledged, so by Celery's count the
    worker had all it could take: it never asked for another one, never noticed that its connection was dead, and sat there
    for ever, looking well."""
    gate = threading.Event()
    exotel.choose(lambda seen: held(gate, legs_answer(seen.target.split("/")[5])))
    for sid in BUSY:
        book.admit(make_callback(sid), wait_seconds=0)
    until(lambda: len(fetched(exotel)) == len(BUSY))
    server.stop()
    gate.set()
    until(lambda: len(worker.logged("ledger.unreachable")) >= len(BUSY))
    time.sleep(0.5)  # for the acknowledgements
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    again = embedded_redis.start(tmp_path / "redis", port=port, password="password")
    try:
        book.admit(make_callback("fresh001"), wait_seconds=0)
        for sid in ("fresh001", *BUSY):
            until(lambda sid=sid: has_recorded(worker, sid))
        worker.ask_to_stop()
        assert worker.wait() == 0
    finally:
        again.stop()


def test_a_redis_that_is_demoted_for_a_while_does_not_end_the_worker(server, worker, book):
    """Celery counts an error that Redis answers with as unrecoverable: a failover, or a full Redis, ended every worker."""
    with redis.Redis.from_url(server.url) as client:
        client.replicaof("127.0.0.1", free_port())
        until(lambda: "UNBLOCKED" in worker.err.read_text() or "read only" in worker.err.read_text())
        time.sleep(1)
        assert worker.runs
        client.replicaof("NO", "ONE")
    book.admit(make_callback("fresh001"), wait_seconds=0)
    until(lambda: has_recorded(worker, "fresh001"))
    assert worker.runs
    worker.ask_to_stop()
    assert worker.wait() == 0
