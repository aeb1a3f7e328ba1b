"""Measure the server time of the console's pages, with 100 calls in the ledger and with 100,000.

The pages are rendered in this process, by the real application and a real Redis, without the network. One settled call with
its record is created by the ledger itself and copied under other names. Guarantee: a median of at most
50 ms for the overview and for a call, and at most twice that of the same page with 100 calls.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from cli_kit import settle
from factories import ACCOUNT, make_callback, make_settings

from webhook import create_app
from worker.ledger.backlog import Lane
from worker.ledger.codec import pack_callback
from worker.process import embedded_redis

SIZES = (100, 100_000)
REQUESTS = 60
MOST_MS, MOST_RATIO = 50.0, 2.0
RESULTS = Path(__file__).parent / "results" / "console.json"


def fill(ledger, size):
    """Settle most calls; a tenth wait, a hundredth have failed."""
    book = ledger.calls[ACCOUNT]
    ledger.client.flushall()
    ledger.open()
    book.admit(make_callback("model0000"), wait_seconds=0)
    settle(ledger, "model0000")
    parts = {part: ledger.client.dump(book.key(part, "model0000")) for part in ("story", "events", "deliveries")}
    state = ledger.client.lindex(book.key("call", "model0000"), 0)
    now = ledger.now_ms()
    pipeline = ledger.client.pipeline(transaction=False)
    for number in range(size):
        sid = f"call{number:06}"
        for part, value in parts.items():
            pipeline.restore(book.key(part, sid), 0, value)
        pipeline.rpush(book.key("call", sid), state, pack_callback(make_callback(sid)))
        if number % 100 == 0:
            pipeline.zadd(book.key("dead"), {sid: now - number})
        elif number % 10 == 0:
            pipeline.zadd(book.fetches.due_key(Lane.LIVE), {sid: now + number})
        else:
            pipeline.zadd(book.key("settled"), {sid: now - number})
        if number % 1000 == 999:
            pipeline.execute()
    pipeline.execute()


def pages(size, middle_ms):
    middle = f"call{size // 2 + 1:06}"
    return {
        "overview": "/",
        "calls": "/calls",
        "calls, in the middle": f"/calls?state=settled&after={middle_ms:.3f}-{middle}",
        "a call": f"/calls/{middle}",
        "accounts": "/accounts",
        "sinks": "/sinks",
    }


def measure(client, path, *, requests=REQUESTS):
    """Return the median in milliseconds."""
    client.get(path)  # its template is compiled
    times = []
    for _ in range(requests):
        began = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    return statistics.median(times)


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_redis.start(Path(folder), settings='appendonly no\nsave ""\n')
        try:
            app = create_app(make_settings(server.url))
            ledger = app.extensions["legwork"].ledger
            found = {}
            for size in SIZES:
                fill(ledger, size)
                client = app.test_client()
                found[size] = {
                    name: measure(client, path) for name, path in pages(size, ledger.now_ms() - size / 2).items()
                }
        finally:
            server.stop()
    few, many = (found[size] for size in SIZES)
    for name in few:
        print(f"{name:20} {few[name]:7.1f} ms {many[name]:7.1f} ms  {many[name] / few[name]:5.2f} times")
    good = all(many[name] <= MOST_MS and many[name] / few[name] <= MOST_RATIO for name in ("overview", "a call"))
    RESULTS.write_text(json.dumps({str(size): found[size] for size in SIZES}, indent=2) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
