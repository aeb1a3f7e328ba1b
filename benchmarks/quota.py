"""How much of the quota our bucket uses, and whether it ever exceeds it, as Exotel would count.

Several processes with several threads each spend from one bucket as fast as they may, against a server of its own that
counts arrivals in an exact sliding window and refuses what is over. Each request takes a random while on the server, before
and after it is counted. Promised: no window above the limit, nothing refused, and at least 99 % of W / (W + mean
latency) of the quota while there is backlog.

    python benchmarks/quota.py [window seconds] [windows]      the default is a real window: 60 s, 3 of them
"""

from __future__ import annotations

import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import redis
import requests

from worker import embedded_redis
from worker.ledger.bucket import TokenBucket
from worker.ledger.scripts import Scripts

QUOTA = 200
WINDOW = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
WINDOWS = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
PROCESSES, THREADS = 4, 8
# A request is counted 5-100 ms after it was sent, and answered 45-300 ms after that; one in fifty takes a second more.
BEFORE, AFTER, SLOW = (0.005, 0.100), (0.045, 0.300), 1.0
RESULTS = Path(__file__).parent / "results" / "quota.json"


class Counter:
    """Arrivals in an exact sliding window: what is over the limit is refused."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.arrivals: list[float] = []
        self.refused = 0

    def arrive(self) -> bool:
        with self.lock:
            now = time.monotonic()
            inside = len(self.arrivals) - bisect_right(self.arrivals, now - WINDOW)
            self.arrivals.append(now)
            if inside >= QUOTA:
                self.refused += 1
                return False
            return True

    def fullest_window(self) -> int:
        return max(at + 1 - bisect_right(self.arrivals, when - WINDOW) for at, when in enumerate(self.arrivals))


def serve(counter: Counter) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            time.sleep(random.uniform(*BEFORE))
            status = 200 if counter.arrive() else 429
            time.sleep(random.uniform(*AFTER) + (SLOW if random.random() < 0.02 else 0.0))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def spend(redis_url: str, url: str, until: float, results: multiprocessing.Queue) -> None:
    """One process: threads that take a token, send a request, and give the token back."""
    client = redis.Redis.from_url(redis_url, protocol=2)
    bucket = TokenBucket(
        Scripts(client), "bench", quota=QUOTA, window_seconds=WINDOW, hold_seconds=60.0, probe_seconds=60.0
    )
    latencies: list[float] = []
    waits: list[float] = []

    def work(name: str) -> None:
        session, number, asked = requests.Session(), 0, time.monotonic()
        while time.monotonic() < until:
            number += 1
            token = f"{name}:{number}"
            grant = bucket.take(token, max_wait_seconds=1.0)
            time.sleep(min(grant.wait_seconds, max(0.0, until - time.monotonic())))
            if not grant.taken or time.monotonic() >= until:
                continue
            started = time.monotonic()
            waits.append(started - asked)
            session.get(url, timeout=30)
            latencies.append(time.monotonic() - started)
            bucket.give_back(token)
            asked = time.monotonic()

    threads = [threading.Thread(target=work, args=(f"{multiprocessing.current_process().name}-{n}",)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((latencies, waits))


def main() -> int:
    counter = Counter()
    server = serve(counter)
    url = f"http://127.0.0.1:{server.server_port}/"
    with tempfile.TemporaryDirectory() as folder:
        store = embedded_redis.start(Path(folder))
        try:
            results: multiprocessing.Queue = multiprocessing.Queue()
            until = time.monotonic() + WINDOW * WINDOWS
            processes = [
                multiprocessing.Process(target=spend, args=(store.url, url, until, results)) for _ in range(PROCESSES)
            ]
            for process in processes:
                process.start()
            spent = [results.get() for _ in processes]
            for process in processes:
                process.join()
        finally:
            store.stop()
    server.shutdown()
    latencies = [latency for one, _ in spent for latency in one]
    mean = sum(latencies) / len(latencies)
    # The time from each arrival to the one a whole quota later is one round of a token. Unlike a count over the run it
    # knows no edges: a burst at the start neither flatters nor hurts it.
    arrivals = counter.arrivals
    rounds = [later - earlier for earlier, later in zip(arrivals, arrivals[QUOTA:], strict=False)]
    mean_round = sum(rounds) / len(rounds)
    figures = {
        "quota": QUOTA,
        "window_seconds": WINDOW,
        "seconds": WINDOW * WINDOWS,
        "processes": PROCESSES,
        "threads_each": THREADS,
        "mean_latency_seconds": round(mean, 4),
        "arrivals": len(counter.arrivals),
        "refused": counter.refused,
        "fullest_window": counter.fullest_window(),
        "mean_round_seconds": round(mean_round, 4),
        "of_the_quota": round(WINDOW / mean_round, 4),
        "of_what_latency_leaves": round((WINDOW + mean) / mean_round, 4),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    kept = counter.refused == 0 and figures["fullest_window"] <= QUOTA and figures["of_what_latency_leaves"] >= 0.99
    print("kept" if kept else "NOT kept", ": nothing refused, no window over the quota, >= 99 % of what latency leaves")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
