"""A server that counts arrivals in an exact sliding window, as Exotel might, and refuses those over the limit."""

from __future__ import annotations

import multiprocessing
import threading
import time
from bisect import bisect_right
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from limiters.traffic import Traffic

SPAWN = multiprocessing.get_context("spawn")


class Arrival(NamedTuple):
    """A counted request: its call, its time (monotonic), and whether it was accepted."""

    call: int
    at: float
    accepted: bool


class Counter:
    """Refused requests do not fill the window: the more lenient of the two interpretations of a quota."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._lock = threading.Lock()
        self._accepted: list[float] = []
        self.arrivals: list[Arrival] = []

    def arrive(self, call: int) -> bool:
        with self._lock:
            now = time.monotonic()
            inside = len(self._accepted) - bisect_right(self._accepted, now - self._traffic.window)
            accepted = inside < self._traffic.quota
            if accepted:
                self._accepted.append(now)
            self.arrivals.append(Arrival(call, now, accepted))
            return accepted


class CountingServer:
    """One limiter's server, in a separate process."""

    def __init__(self, traffic: Traffic) -> None:
        self._ours, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(traffic, theirs), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{self._ours.recv()}"

    def arrivals(self) -> list[Arrival]:
        """Stop the server, and return everything that arrived."""
        self._ours.send("enough")
        arrivals = self._ours.recv()
        self._process.join()
        return arrivals


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # all threads connect at the same moment

    def handle_error(self, *_args: object) -> None:
        """Ignore clients that disconnect at the end of the run."""


def _serve(traffic: Traffic, pipe: Connection) -> None:
    counter = Counter(traffic)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            call = int(self.path.removeprefix("/"))
            before, after = traffic.latency(call)
            time.sleep(before)
            accepted = counter.arrive(call)
            time.sleep(after)
            self.send_response(200 if accepted else 429)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None: ...

    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.server_port)
    pipe.recv()
    pipe.send(counter.arrivals[:])
