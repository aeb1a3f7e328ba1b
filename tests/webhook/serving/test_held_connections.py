"""Whoever holds connections holds no thread: headers, bodies and answers that are slow, and peers that say nothing.

Forty half-sent requests without any secret once stopped callbacks, the console and the probes until their sender let go.
"""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from processes import until
from serving import WebServer
from web_app import SID, STATUS

from webhook.server import PROCESSES, THREADS
from webhook.serving.connections import MAX_HEADER_BYTES

pytestmark = pytest.mark.slow

MORE_THAN_ALL_THREADS = PROCESSES * THREADS + 8
FORM = "Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
WRONG = "/callbacks/wrong-callback-token/status"
HELD = {
    "silent": "",
    "half a header": "GET /livez HTTP/1.1\r\nHost: x\r\nX-Half: a",
    "half a sign-in": f"POST /sign-in HTTP/1.1\r\n{FORM}Content-Length: 400\r\n\r\na",
    "half a chunk": f"POST /sign-in HTTP/1.1\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n100\r\na",
    "half a callback": f"POST {STATUS} HTTP/1.1\r\n{FORM}Content-Length: 400\r\n\r\nCallSid=",
    "half of what a wrong token sends": f"POST {WRONG} HTTP/1.1\r\n{FORM}Content-Length: 400\r\n\r\na",
    "no reader": "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory, redis_server):
    door = WebServer(tmp_path_factory.mktemp("door"), redis_server.url, console_password="a password of some length")
    yield door
    door.stop()


@pytest.fixture
def door(running, redis_url):
    return running


@pytest.fixture
def hold(door):
    """Open a connection, send something over it, and keep it for as long as the test takes."""
    with ExitStack() as connections:

        def begin(text, *, reads=True):
            connection = connections.enter_context(socket.socket())
            if not reads:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", door.port))
            connection.sendall(text.encode())
            return connection

        yield begin


def answer_of(connection):
    """All that comes, until the server closes."""
    said = b""
    while piece := connection.recv(65536):
        said += piece
    return said


def status_of(connection):
    return int(connection.recv(65536).split(b" ", 2)[1])


@pytest.mark.parametrize("sort", HELD)
def test_more_held_connections_than_threads_hold_nobody_up(door, hold, sort):
    for _ in range(MORE_THAN_ALL_THREADS):
        hold(HELD[sort], reads=sort != "no reader")
    for _ in range(3):
        assert door.ask("POST", STATUS, data={"CallSid": SID}).status_code == 200
        assert door.ask("GET", "/livez").status_code == 200
        assert door.ask("GET", "/sign-in").status_code == 200


def test_all_sorts_at_once_hold_nobody_up(door, hold):
    for text in HELD.values():
        for _ in range(MORE_THAN_ALL_THREADS):
            hold(text)
    assert door.ask("POST", STATUS, data={"CallSid": SID}).json() == {"call_sid": SID, "accepted": True}


def test_a_body_that_does_not_come_in_time_is_a_408(hold):
    """Nor does one byte now and then give it more time, as a time-out for each wait would."""
    halves = [hold(HELD[sort]) for sort in ("half a sign-in", "half a chunk", "half a callback")]
    slow = hold(HELD["half a sign-in"])
    slow.settimeout(0.2)

    def is_answered():
        try:
            return slow.recv(65536)
        except TimeoutError:
            slow.sendall(b"a")
            return b""

    for said in [until(is_answered, 30), *(half.recv(65536) for half in halves)]:
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in said
        assert b"application/problem+json" in said
    for each in halves:
        assert answer_of(each) == b"", "and then it is closed"


def test_a_body_that_comes_in_pieces_is_read(door, hold, client):
    body = f"CallSid={SID}&Status=completed"
    slow = hold(f"POST {STATUS} HTTP/1.1\r\n{FORM}Content-Length: {len(body)}\r\n\r\n")
    for sign in body:
        slow.sendall(sign.encode())
    assert status_of(slow) == 200
    assert client.exists(*client.keys(f"*:call:{SID}"))


@pytest.mark.parametrize("how", ["Content-Length: 400", "Transfer-Encoding: chunked", "Content-Length: 4000000"])
@pytest.mark.parametrize(
    ("path", "status"),
    [(WRONG, 404), ("/api/calls/search", 401), ("/sinks/stdout/test", 401), ("/no-such-page", 404)],
)
def test_whoever_may_send_no_body_is_refused_before_any_of_it_came(hold, path, status, how):
    assert status_of(hold(f"POST {path} HTTP/1.1\r\n{FORM}{how}\r\n\r\n")) == status


def test_no_body_is_asked_for_that_is_not_taken(hold):
    """Whoever waits for 100 Continue (RFC 9110, 10.1.1) is told no without having sent anything."""
    said = answer_of(hold(f"POST {WRONG} HTTP/1.1\r\n{FORM}Expect: 100-continue\r\nContent-Length: 400\r\n\r\n"))
    assert said.startswith(b"HTTP/1.1 404 ")
    assert b"100 Continue" not in said


@pytest.mark.parametrize("path", [STATUS, "/sign-in"])
def test_a_body_is_asked_for_where_it_is_taken(hold, path):
    asked = hold(f"POST {path} HTTP/1.1\r\n{FORM}Expect: 100-continue\r\nContent-Length: 20\r\n\r\n")
    assert status_of(asked) == 100
    asked.sendall(b"CallSid=abcdefgh1234")
    assert status_of(asked) == (200 if path == STATUS else 403)


@pytest.mark.parametrize("kind", ["at once", "chunked"])
def test_a_stranger_may_send_no_more_than_a_form_holds(hold, kind):
    length = "Content-Length: 17000" if kind == "at once" else "Transfer-Encoding: chunked"
    body = "x" * 17000 if kind == "at once" else f"4268\r\n{'x' * 17000}\r\n"
    assert status_of(hold(f"POST /sign-in HTTP/1.1\r\n{FORM}{length}\r\n\r\n{body}")) == 413


@pytest.mark.parametrize("how", ["at once", "chunked"])
def test_a_sender_that_goes_away_in_the_middle_leaves_no_half_callsid(door, hold, client, how):
    body = "CallSid=abcdefgh"
    half = f"Content-Length: 400\r\n\r\n{body}"
    if how == "chunked":
        half = f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n"
    gone = hold(f"POST {STATUS} HTTP/1.1\r\n{FORM}{half}")
    gone.shutdown(socket.SHUT_WR)
    assert status_of(gone) == 400
    assert not client.keys("*:call:*")


def test_headers_that_do_not_end_fill_no_memory(hold):
    endless = hold("GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ")
    with suppress(ConnectionError):  # closed while this is still on its way, it may take the answer along
        endless.sendall(b"x" * 2 * MAX_HEADER_BYTES)
        assert answer_of(endless).startswith(b"HTTP/1.1 431 ")


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="a table that Linux has")
def test_a_peer_that_vanishes_is_noticed(door, hold):
    """Without a question now and then, one that goes without a FIN keeps its connection for ever."""
    port = hold("").getsockname()[1]

    def timer():
        # Of a server of both families, connections by IPv4 are among those by IPv6.
        tables = [Path(name) for name in ("/proc/net/tcp", "/proc/net/tcp6")]
        rows = [line.split() for each in tables if each.exists() for line in each.read_text().splitlines()[1:]]
        mine = [row for row in rows if row[1].endswith(f":{door.port:04X}") and row[2].endswith(f":{port:04X}")]
        return re.match(r"02:", mine[0][5]) if mine else None  # 02: keep-alive

    assert until(timer)


def test_a_server_that_is_told_to_end_does_not_wait_for_what_is_held(tmp_path, redis_url):
    door = WebServer(tmp_path, redis_url, console_password="a password of some length")
    try:
        with ExitStack() as connections:
            for text in HELD.values():
                connection = connections.enter_context(socket.create_connection(("127.0.0.1", door.port)))
                connection.sendall(text.encode())
            door.ask_to_stop()
            assert door.wait() == 0
    finally:
        door.stop()
