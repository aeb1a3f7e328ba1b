"""What the HTTP library answers by itself, so that docs/getting-started.md has to say it."""

from __future__ import annotations

import socket

import pytest
from processes import WEB, Process, until
from web_app import PASSTHRU, SID

from worker.process.embedded_redis import free_port

pytestmark = pytest.mark.slow


def test_a_query_that_is_no_url_never_gets_as_far_as_legwork(tmp_path, redis_url):
    port = free_port()
    web = Process(WEB, tmp_path, redis_url=redis_url, sinks="stdout:", port=port)

    def ask(digits):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(f"GET {PASSTHRU}?CallSid={SID}&digits={digits} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                return int(connection.recv(4096).split(b" ", 2)[1])
        except ConnectionError:  # it is only starting
            return None

    try:
        until(lambda: ask("%221%22") == 200)
        assert [ask(f"{raw}1{raw}") for raw in ('"', "<", ">", " ")] == [400] * 4
        assert [ask(f"{raw}1{raw}") for raw in ("{", "}", "|", "^", "\\", "é")] == [200] * 6
    finally:
        web.stop()
