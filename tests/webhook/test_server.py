"""The door as it is run: what only a real server, on a real socket, shows."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from factories import TOKEN
from processes import ROOT, until
from serving import WebServer
from web_app import PASSTHRU, PROBLEM, SID, STATUS

pytestmark = pytest.mark.slow

LIMIT = 256 * 1024
URLENCODED = "application/x-www-form-urlencoded"
JSON = {"Content-Type": "application/json"}


def post_of(body, content_type, *, length=None, **headers):
    """A whole POST of a callback as it travels."""
    given = {"Host": "x", "Content-Type": content_type, "Content-Length": length or len(body), **headers}
    lines = [f"POST {STATUS} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@pytest.fixture(scope="module")
def running(tmp_path_factory, redis_server):
    """One server for all tests here, with an eye on the addresses behind one proxy."""
    server = WebServer(
        tmp_path_factory.mktemp("door"),
        redis_server.url,
        callback_allow="127.0.0.0/8 203.0.113.0/24",
        trusted_proxies=1,
    )
    yield server
    server.stop()


@pytest.fixture
def server(running, redis_url):
    return running


def pieces(*parts):
    """A body of unknown length: it travels in chunks."""
    yield from parts


def noted(client):
    return {key.rpartition(b":")[2].decode() for key in client.scan_iter("lw:{acme1m}:call:*")}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ([b'{"CallSid": ', f'"{SID}"}}'.encode()], "application/json"),
        ([b"CallSid=", SID.encode()], URLENCODED),
        (
            [b'--x\r\nContent-Disposition: form-data; name="CallSid"\r\n\r\n', SID.encode(), b"\r\n--x--\r\n"],
            "multipart/form-data; boundary=x",
        ),
    ],
    ids=["json", "form", "multipart"],
)
def test_a_body_in_chunks_is_read(server, client, body, content_type):
    answer = server.ask("POST", STATUS, data=pieces(*body), headers={"Content-Type": content_type})
    assert answer.json() == {"call_sid": SID, "accepted": True}
    assert noted(client) == {SID}


@pytest.mark.parametrize("how", ["at once", "in chunks"])
@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 413)])
def test_a_body_may_have_256_kib_and_not_a_byte_more(server, how, more, status):
    """This server says that it ends bodies, and one of exactly the limit was taken for one beyond it."""
    start = f"CallSid={SID}&note=".encode()
    body = start + b"x" * (LIMIT - len(start) + more)
    data = body if how == "at once" else pieces(body[:1000], body[1000:])
    assert server.ask("POST", STATUS, data=data, headers={"Content-Type": URLENCODED}).status_code == status


def test_without_a_password_nobody_comes_in_by_a_proxy_that_says_nothing_of_him(tmp_path, redis_url):
    """nginx with a bare `proxy_pass http://127.0.0.1:8000`: HTTP/1.0, which this server calls HTTP/1, and our own address."""
    server = WebServer(tmp_path, redis_url)
    try:
        for version, status in (("1.0", 404), ("1.1", 200)):
            asked = f"GET /api/status HTTP/{version}\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
            assert server.send(asked.encode()) == status
    finally:
        server.stop()


def test_http_2_is_not_spoken(server):
    """There a POST may have a body that no header tells of; it was taken for a ping."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        said = connection.recv(4096)
    assert not said or said.startswith(b"HTTP/1"), "no frame of HTTP/2"


@pytest.mark.parametrize("content_type", ["application/json", URLENCODED, "text/plain"])
def test_a_body_in_chunks_beyond_the_limit_is_too_large(server, client, content_type):
    """It was cut at the limit without a word, and what was left of it taken for the whole."""
    body = pieces(b"a=", *[b"x" * (LIMIT // 4)] * 4)
    answer = server.ask("POST", f"{STATUS}?CallSid={SID}", data=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, PROBLEM)
    assert noted(client) == set()


def test_whoever_is_still_sending_what_is_too_long_hears_so(server):
    """The connection was closed under the body, and a proxy in front made a 502 of our 413, which Exotel sends again."""
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            whole = post_of(b"x" * 4 * LIMIT, "text/plain")
            for start in range(0, len(whole), LIMIT // 4):
                connection.sendall(whole[start : start + LIMIT // 4])
                time.sleep(0.001)
            assert connection.recv(4096).split(b" ", 2)[1] == b"413"


def test_a_body_beyond_the_limit_is_not_waited_for(server):
    assert server.send(post_of(b"", "text/plain", length=999_999_999)) == 413


def test_a_body_that_ends_too_soon_is_not_taken_for_a_whole_one(server, client):
    """Half a CallSid looks like a CallSid."""
    body = f"CallSid={SID}&Status=completed".encode()
    assert server.send(post_of(body[:20], URLENCODED, length=len(body)), no_more=True) == 400
    assert noted(client) == set()


def test_waiting_for_100_continue_is_no_trouble(server, client):
    body = f'{{"CallSid": "{SID}"}}'.encode()
    assert server.send(post_of(body, "application/json", Expect="100-continue")) in {100, 200}
    until(lambda: noted(client) == {SID})


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [STATUS, f"{STATUS}/", PASSTHRU, f"{PASSTHRU}/"])
def test_slash_or_not_a_callback_is_a_callback(server, method, path):
    answer = server.ask(method, path, params={"CallSid": SID})
    assert (answer.status_code, answer.json()["accepted"]) == (200, True)


@pytest.mark.parametrize(
    "path", ["/" + STATUS, f"/callbacks//{TOKEN}/status", f"{STATUS}//", "//", "/callbacks/", "/."]
)
def test_no_path_redirects(server, path):
    assert server.send(f"GET {path}?CallSid={SID} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) // 100 != 3


def test_looking_with_head_notes_nothing_and_has_no_body(server, client):
    answer = server.ask("HEAD", STATUS, params={"CallSid": SID})
    assert (answer.status_code, answer.content) == (200, b"")
    assert server.ask("HEAD", "/callbacks/wrong-callback-token/status").status_code == 404
    assert noted(client) == set()


def test_a_long_query_string_is_read(server):
    answer = server.ask("GET", STATUS, params={"CallSid": SID, "note": "x" * 7000})
    assert answer.json()["accepted"]


def test_an_address_is_judged_as_it_arrives_here(server):
    assert server.ask("GET", STATUS, params={"CallSid": SID}).status_code == 200
    for address, status in (("203.0.113.9", 200), ("198.51.100.9", 404)):
        headers = {"X-Forwarded-For": f"127.0.0.1, {address}"}
        assert server.ask("GET", STATUS, params={"CallSid": SID}, headers=headers).status_code == status


def test_the_first_of_many_at_once_is_accepted_and_no_other(server):
    answers = []

    def post(number):
        answers.append(server.ask("POST", STATUS, data={"CallSid": SID, "n": number}).json()["accepted"])

    threads = [threading.Thread(target=post, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answers) == {True: 1, False: 15}


def test_nothing_of_a_request_gets_into_a_log_line(server):
    """Whatever is asked, well or badly: neither the token nor a full number."""
    paths = [STATUS, f"{STATUS}/", f"{STATUS}//", f"/callbacks/{TOKEN}/no-such-thing", f"/callbacks/{TOKEN}"]
    for path in paths:
        for method in ("GET", "POST", "PUT", "HEAD", "OPTIONS"):
            server.ask(method, path, params={"CallSid": SID, "From": "09000000001"})
    server.ask("POST", STATUS, data=b"x" * (LIMIT + 1))
    server.ask("POST", STATUS, params={"CallSid": "09000000001"}, data=b"{", headers=JSON)
    server.send(f"GET {STATUS} HTTP/9.9\r\n\r\n".encode())
    server.send(f"GET {STATUS}?CallSid=\r\n nonsense\r\n\r\n".encode())
    server.ask("GET", "/callbacks/wrong-callback-token/status")
    logged = server.err.read_text() + server.out.read_text()
    assert server.logged("callback.refused")
    assert not [shown for shown in (TOKEN, "09000000001", "wrong-callback-token", "the-api") if shown in logged]
    assert all(isinstance(json.loads(line), dict) for line in server.err.read_text().splitlines())


def test_a_server_that_is_killed_outright_leaves_nobody_behind_on_its_port(tmp_path, redis_url):
    """Its processes went on serving; the server that was started in its place found the port in use, and gave up."""
    server = WebServer(tmp_path, redis_url)
    try:
        os.kill(server._process.pid, signal.SIGKILL)
        server.wait()
        until(lambda: not is_taken(server.port))
        assert not server.runs
    finally:
        server.stop()


# What `Event.wait` and `Event.set` do with the lock takes microseconds: here the main thread has it when the signals come.
TOLD_TO_END = """
import os, signal
from granian.constants import Interfaces
from webhook.server import PatientServer

server = PatientServer("webhook.server:create_served_app", interface=Interfaces.WSGI)
signal.signal(signal.SIGTERM, server.signal_handler_interrupt)
with server.main_loop_interrupt._cond:
    for _ in range(5):
        os.kill(os.getpid(), signal.SIGTERM)
assert server.main_loop_interrupt.wait(10)
"""


def test_a_server_that_is_told_to_end_at_any_moment_and_many_times_over_ends():
    """When `legwork up` was killed outright, a burst of SIGTERMs left the server deaf to all that came, and on its port."""
    subprocess.run([sys.executable, "-c", TOLD_TO_END], cwd=ROOT, timeout=30, check=True)


def is_taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_sigterm_lets_a_request_in_flight_finish(tmp_path, redis_url, client):
    server = WebServer(tmp_path, redis_url)
    try:
        answers = []
        client.execute_command("CLIENT", "PAUSE", 1500, "ALL")
        thread = threading.Thread(target=lambda: answers.append(server.ask("POST", STATUS, data={"CallSid": SID})))
        thread.start()
        until(lambda: _is_under_way(server))
        server.ask_to_stop()
        thread.join()
        assert answers[0].json() == {"call_sid": SID, "accepted": True}
        assert server.wait() == 0
        assert server.logged("web.stopped")
    finally:
        server.stop()


def _is_under_way(server):
    """Has the server taken a connection, and read all that came over it?"""
    # Of a server of both families, connections by IPv4 stand among those by IPv6.
    tables = (Path(name) for name in ("/proc/net/tcp", "/proc/net/tcp6"))
    table = [line.split() for file in tables if file.exists() for line in file.read_text().splitlines()[1:]]
    mine = [row for row in table if row[1].endswith(f":{server.port:04X}") and row[3] == "01"]  # ESTABLISHED
    return any(row[9] != "0" and row[4].endswith(":00000000") for row in mine)
