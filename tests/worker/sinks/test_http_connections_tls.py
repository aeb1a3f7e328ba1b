"""The same over TLS: a connection is used again after a plain answer, and after no other."""

from __future__ import annotations

import pytest
from odd_answers import RESTS, saying
from sink_contract import record, sink_spec
from stubs import answer
from tls import Authority, TlsServer

from worker.errors import TemporaryFailure
from worker.sinks import sink_for

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ODD = [
    "bytes after the answer",
    "a length and chunks",
    "two lengths that agree",
    "a line without a colon",
    "lines that end without CR",
    "keeping alive and a close",
]


@pytest.fixture
def server(tmp_path):
    authority = Authority(tmp_path)
    server = TlsServer(authority.certify("localhost"), answer(status=500))
    server.ca_file = str(authority.ca_file)
    yield server
    server.close()


@pytest.fixture
def sink(server):
    url = f"https://localhost:{server.port}/hooks"
    sink = sink_for(sink_spec(url, allow_networks="127.0.0.0/8,::1", ca_file=server.ca_file))
    yield sink
    sink.close()


def test_it_is_used_again(sink, server):
    server.then(*[saying(OK, then="kept")] * 3)
    assert [sink.send([record(number)]) for number in range(3)] == ["200"] * 3
    assert server.connections == 1


@pytest.mark.parametrize("name", ODD)
def test_it_is_not_used_again_after_anything_odd(sink, server, name):
    server.then(saying(b"HTTP/1.1 200 OK\r\n", RESTS[name], OK, then="kept"))
    assert sink.send([record()]) == "200"
    with pytest.raises(TemporaryFailure, match=r"^500$"):
        sink.send([record(2)])
    assert server.connections == 2


@pytest.mark.parametrize("length", [8192 - 40, 16_384, 20_000])
def test_nor_where_tls_has_unpacked_more_than_was_read(sink, server, length):
    """What stands behind the answer may lie in the reader, in TLS or in the socket."""
    body = b"x" * length
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    server.then(saying(head, body, OK, then="kept"))
    assert sink.send([record()]) == "200"
    with pytest.raises(TemporaryFailure, match=r"^500$"):
        sink.send([record(2)])


@pytest.mark.parametrize("rest", [b"", b"Content-Len", b"Content-Length: 9\r\n\r\nok"])
def test_an_end_without_leave_takes_nothing_back(sink, server, rest):
    server.then(saying(b"HTTP/1.1 200 OK\r\n", rest))
    assert sink.send([record()]) == "200"
