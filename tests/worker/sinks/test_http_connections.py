"""When a webhook's connection is used again."""

from __future__ import annotations

import threading

import pytest
from odd_answers import RESTS, STATUS_LINES, saying
from sink_contract import record, sink_spec
from stubs import StubServer, answer

from worker.errors import TemporaryFailure
from worker.sinks import exchange as exchange_module
from worker.sinks import sink_for

BEHIND = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def subscriber():
    with StubServer() as server:
        yield server


@pytest.fixture
def sink(subscriber):
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))
    yield sink
    sink.close()


@pytest.fixture
def short_time(monkeypatch):
    """Where the other side goes on without saying anything, the time for an answer has to be over."""
    monkeypatch.setattr(exchange_module, "TIMEOUT_SECONDS", 0.5)


@pytest.mark.usefixtures("short_time")
@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
def test_after_anything_odd_the_next_record_has_an_answer_of_its_own(sink, subscriber, rest):
    """What one side takes for the rest of an answer, the other may mean as the answer to the next record: 500 was 200."""
    sink.close()
    before = subscriber.connections
    subscriber.then(saying(b"HTTP/1.1 200 OK\r\n" + rest + BEHIND, then="kept"), answer(status=500))
    assert sink.send([record()]) == "200"
    with pytest.raises(TemporaryFailure, match=r"^500$"):
        sink.send([record(2)])
    assert subscriber.connections == before + 2


@pytest.mark.parametrize(
    "name", ["204 with a body", "204 with a body of no length", "204 in chunks", "HTTP/1.0 that is kept"]
)
def test_nor_does_a_body_that_should_not_be_there_answer_the_next(sink, subscriber, name):
    subscriber.then(saying(STATUS_LINES[name] + BEHIND, then="kept"), answer(status=500))
    sink.send([record()])
    with pytest.raises(TemporaryFailure, match=r"^500$"):
        sink.send([record(2)])


def test_nor_is_another_protocol_spoken(sink, subscriber):
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    subscriber.then(saying(switching, then="kept"), answer(status=500))
    for status in ("101", "500"):
        with pytest.raises(TemporaryFailure, match=f"^{status}$"):
            sink.send([record()])


def test_nor_does_what_comes_while_the_connection_lies_idle(sink, subscriber):
    """Two answers to one request, the second a moment later."""
    came = threading.Event()

    def write(connection):
        connection.sendall(BEHIND)
        connection.sendall(BEHIND)
        came.set()
        return True

    subscriber.then(write, answer(status=500))
    sink.send([record()])
    assert came.wait(10)
    with pytest.raises(TemporaryFailure, match=r"^500$"):
        sink.send([record(2)])


@pytest.mark.parametrize(
    "whole",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
        b"HTTP/1.1 200 \xd6K\r\nContent-Length: 2\r\nX-Odd: caf\xe9\r\nConnection: Keep-Alive\r\n\r\nok",
    ],
    ids=["length", "204", "204 of nought", "chunks", "latin-1"],
)
def test_after_a_plain_answer_the_connection_is_used_again(sink, subscriber, whole):
    before = subscriber.connections
    subscriber.then(*[saying(whole, then="kept")] * 3)
    for number in range(3):
        assert sink.send([record(number)]).startswith("20")
    assert subscriber.connections == before + 1
