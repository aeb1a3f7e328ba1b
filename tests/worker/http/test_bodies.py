"""Bodies are bounded in bytes, packed or not."""

from __future__ import annotations

import gzip
import tracemalloc

from stubs import StubServer, answer

from worker.http.bodies import read_body
from worker.http.client import Session

MOST = 4096
UNPACKED = 64 * 1024 * 1024


def test_of_a_bomb_no_more_is_unpacked_than_is_wanted():
    """urllib3 2.5 unpacked all that it was given, whatever was asked for: 64 MiB out of 64 KiB."""
    packed = gzip.compress(bytes(UNPACKED))
    with StubServer(answer(packed, Content_Encoding="gzip")) as server, Session() as session:
        response = session.get(server.url, timeout=10, stream=True)
        tracemalloc.start()
        try:
            body = read_body(response, most=len(packed))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert body.data == bytes(len(packed))
    assert peak < UNPACKED / 8
