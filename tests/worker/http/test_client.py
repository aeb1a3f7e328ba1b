"""Answers are whole in time, whatever comes, and the one that counts is the one that is taken."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest
import requests
from stubs import StubServer

from worker.http.client import Session

WAIT_SECONDS = 0.3
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def server():
    server = StubServer()
    yield server
    server.close()


@pytest.fixture
def session():
    with Session() as session:
        yield session


def saying(*pieces):
    """An answer of these bytes."""

    def write(connection):
        connection.sendall(b"".join(pieces))
        return True

    return write


def without_end(head, piece, over):
    """An answer that begins like this and goes on with a piece every now and then, until somebody hangs up."""

    def write(connection):
        connection.sendall(head)
        while not over.wait(WAIT_SECONDS / 10):
            connection.sendall(piece)
        return False

    return write


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: x\r\n"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n\x1f\x8b\x08\x10\0\0\0\0\0\xff",
            b"c",  # a comment that never ends: bytes that unpack to nothing
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 9999\r\n\r\n", b"x"),
    ],
    ids=["headers", "100", "103", "trailers", "gzip", "redirect"],
)
def test_what_drips_is_given_up_although_no_single_wait_is_long(server, session, head, piece):
    """A thread was held as long as the other side went on; four of them were half of a worker's."""
    over = threading.Event()
    server.always(without_end(head, piece, over))
    threading.Timer(60, over.set).start()
    with pytest.raises(requests.RequestException):
        session.get(server.url, timeout=WAIT_SECONDS, allow_redirects=False)
    assert not over.is_set(), "it was not the other side that ended it"
    over.set()


def test_whoever_sends_without_a_pause_is_given_up_too(server, session):
    """There was always something to read, and so never anything to wait for."""
    over = threading.Event()

    def write(connection):
        with suppress(OSError):
            while not over.is_set():
                connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
        return False

    server.always(write)
    threading.Timer(60, over.set).start()
    with pytest.raises(requests.RequestException):
        session.get(server.url, timeout=WAIT_SECONDS)
    assert not over.is_set()
    over.set()


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_interim_answers_are_passed_over(server, session, status):
    """102 was taken for the answer, and the real one for that of the next request: a refusal counted as taken."""
    interim = b"HTTP/1.1 " + status + b"\r\nLink: </x>\r\n\r\n"
    server.then(saying(interim, interim, OK), saying(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), saying(OK))
    assert [session.get(server.url, timeout=5).status_code for _ in range(3)] == [200, 500, 200]


@pytest.mark.parametrize("location", [b"http://[oops", b"/caf\xe9\xff", b"http://other.example/"])
def test_where_a_redirect_leads_is_nobodys_business(server, session, location):
    """What no reader of URLs takes ended the step as a bug of ours."""
    server.always(saying(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"))
    assert session.get(server.url, timeout=5, allow_redirects=False).status_code == 302


def test_a_connection_is_used_again_and_each_answer_has_its_whole_time(server, session):
    def late(connection):
        time.sleep(WAIT_SECONDS * 2)
        return saying(OK)(connection)

    server.always(late)
    for _ in range(6):  # together they take longer than one may
        assert session.get(server.url, timeout=WAIT_SECONDS * 10).text == "ok"
    assert server.connections == 1
