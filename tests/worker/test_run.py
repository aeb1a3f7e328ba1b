"""A worker as a process of its own."""

from __future__ import annotations

import json
import threading

import pytest
from factories import ACCOUNT, make_callback, make_settings
from processes import WORKER, Process, until
from stubs import StubServer, answer, held
from worker_kit import SID, fetched, legs_answer

from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.queries.lookup import call_history
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def begin(tmp_path, redis_url, exotel):
    processes = []

    def start(**variables):
        usual = {"redis_url": redis_url, "exotel_base_url": exotel.url, "sinks": "stdout:", "confirm_seconds": 0}
        processes.append(Process(WORKER, tmp_path / str(len(processes)), **usual | variables))
        return processes[-1]

    yield start
    for process in processes:
        process.stop()


@pytest.fixture
def book(client, redis_url):
    return Ledger(client, make_settings(redis_url)).calls[ACCOUNT]


def test_sigterm_lets_a_fetch_in_flight_finish_and_the_exit_is_clean(begin, exotel, book, redis_url, client):
    gate = threading.Event()
    exotel.always(held(gate, legs_answer()))
    book.admit(make_callback(SID, From="09000000001"), wait_seconds=0)
    worker = begin()
    until(lambda: fetched(exotel))
    worker.ask_to_stop()
    worker.wait_for("worker.ending")
    book.admit(make_callback("call0002"), wait_seconds=0)
    threading.Timer(0.5, gate.set).start()
    assert worker.wait() == 0
    ledger = Ledger(client, make_settings(redis_url))
    story = call_history(ledger, SID)
    assert story.summary.state == "settled"
    assert fetched(exotel) == [SID], "and nothing new was begun"
    assert ledger.workers() == {}, "it has taken its leave"
    assert worker.logged("worker.stopped")


def test_from_a_callback_to_the_record_and_nothing_else_on_standard_output(begin, exotel, book):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    worker = begin()
    worker.wait_for("worker.ready")
    for number in range(20):
        book.admit(make_callback(f"call{number:04}", From="09000000001"), wait_seconds=0)
    until(lambda: worker.out.read_bytes().count(b"\n") == 20)
    worker.ask_to_stop()
    assert worker.wait() == 0
    records = [json.loads(line) for line in worker.out.read_text().splitlines()]
    assert sorted(record["subject"] for record in records) == [f"call{number:04}" for number in range(20)]
    logged = worker.err.read_text()
    assert not [shown for shown in ("the-api-key", "the-api-token", "09000000001", "callback-token") if shown in logged]
    assert all(json.loads(line) for line in logged.splitlines())


def test_redis_that_is_away_at_the_start_is_waited_for(begin, exotel, tmp_path):
    exotel.always(legs_answer())
    port = free_port()
    url = f"redis://:password@127.0.0.1:{port}/0"
    worker = begin(redis_url=url)
    worker.wait_for("ledger.unreachable")
    server = embedded_redis.start(tmp_path / "redis", port=port, password="password")
    try:
        settings = make_settings(url)
        with connect(settings) as client:
            Ledger(client, settings).calls[ACCOUNT].admit(make_callback(SID), wait_seconds=0)
            until(lambda: SID.encode() in worker.out.read_bytes())
        worker.ask_to_stop()
        assert worker.wait() == 0
    finally:
        server.stop()
    assert "password" not in worker.err.read_text()


def test_redis_that_goes_away_for_a_while_is_waited_for(begin, exotel, tmp_path):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    port = free_port()
    server = embedded_redis.start(tmp_path / "redis", port=port, password="password")
    settings = make_settings(server.url)
    try:
        worker = begin(redis_url=server.url)
        worker.wait_for("worker.ready")
        server.stop()
        worker.wait_for("dispatcher.waiting")
        server = embedded_redis.start(tmp_path / "redis", port=port, password="password")
        with connect(settings) as client:
            Ledger(client, settings).calls[ACCOUNT].admit(make_callback(SID), wait_seconds=0)
        until(lambda: SID.encode() in worker.out.read_bytes())
        worker.ask_to_stop()
        assert worker.wait() == 0
    finally:
        server.stop()


def test_a_sink_that_cannot_be_opened_ends_it_with_a_line_that_says_so(begin, tmp_path):
    worker = begin(sinks=f"file://{tmp_path}/no/such/folder.jsonl no_such_module:Sink")
    assert worker.wait() != 0
    last = worker.err.read_text()
    assert "BadSink" in last
    assert "no/such/folder.jsonl cannot be opened (No such file or directory); make its directory and let this" in last
    assert "no_such_module cannot be imported" in last


def test_two_workers_share_the_work_and_send_each_record_once(begin, exotel, book, tmp_path):
    with StubServer(answer()) as subscriber:
        exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
        sink = f"{subscriber.url}/hooks?allow_private=true"
        workers = [begin(sinks=sink), begin(sinks=sink)]
        for worker in workers:
            worker.wait_for("worker.ready")
        for number in range(60):
            book.admit(make_callback(f"call{number:04}"), wait_seconds=0)
        until(lambda: len(subscriber.seen) >= 60)
        for worker in workers:
            worker.ask_to_stop()
        assert [worker.wait() for worker in workers] == [0, 0]
    ids = [seen.headers["webhook-id"] for seen in subscriber.seen]
    assert len(ids) == len(set(ids)) == 60
    assert len(fetched(exotel)) == 60
