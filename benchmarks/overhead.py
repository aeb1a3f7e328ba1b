"""Measure the time that Legwork itself adds from a callback to the record at the sink, on an idle system.

The Procfile's processes run against an Exotel and a webhook of known latency, both in this process; Redis has every write
on disk before it replies. SETTLE_SECONDS is 0; one call after another. Guarantee: the median is at most 50 ms above the
time of Exotel and the sink themselves.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from worker.process import embedded_redis

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
WARM_UP = 10
PROMISED_MS = 50
EXOTEL_SECONDS, SINK_SECONDS = 0.050, 0.020
TOKEN = "a-token-of-the-benchmark"
ROOT = Path(__file__).parent.parent
PROCFILE = dict(re.findall(r"^(\w+): *(.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))
RESULTS = Path(__file__).parent / "results" / "overhead.json"


class Other(BaseHTTPRequestHandler):
    """Serve Exotel for GET and the sink for POST; record each duration, and when the sink was done."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    took: dict[tuple[str, str], float] = {}  # noqa: RUF012  shared by all requests, on purpose
    delivered: dict[str, float] = {}  # noqa: RUF012
    arrived = threading.Condition()

    def do_GET(self) -> None:
        began = time.perf_counter()
        call_sid = self.path.split("/")[-2]
        time.sleep(EXOTEL_SECONDS)
        self._answer(legs_of(call_sid))
        self.took["exotel", call_sid] = time.perf_counter() - began

    def do_POST(self) -> None:
        began = time.perf_counter()
        record = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(SINK_SECONDS)
        self._answer(b"")
        with self.arrived:
            self.took["sink", record["subject"]] = time.perf_counter() - began
            self.delivered[record["subject"]] = time.perf_counter()
            self.arrived.notify_all()

    def _answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_: object) -> None:
        pass


def legs_of(call_sid: str) -> bytes:
    """Return a final response with two legs, as the Legs API sends it."""
    legs = [
        {
            "Sid": f"{call_sid}{number}",
            "CallSid": call_sid,
            "AccountSid": "acme1m",
            "PhoneNumber": f"0900000000{number}",
            "Status": "completed",
            "Origin": origin,
            "DateCreated": "2026-09-16 11:12:39",
            "DateUpdated": "2026-09-16 11:13:08",
            "OnCallDuration": 20,
        }
        for number, origin in enumerate(("outbound", "outbound-dial"))
    ]
    return json.dumps({"MetaData": {"Total": 2, "Count": 2}, "legs": legs}).encode()


def overhead(session: requests.Session, url: str) -> float:
    """Return the milliseconds from sending a callback to the sink's response, without the time of Exotel and the sink."""
    call_sid = secrets.token_hex(14) + "1a9g"
    fields = {"CallSid": call_sid, "EventType": "terminal", "Status": "completed", "DateUpdated": "2026-09-16 10:53:33"}
    sent = time.perf_counter()
    answer = session.post(url, files=[(name, (None, value)) for name, value in fields.items()], timeout=30)
    assert answer.json()["accepted"], answer.text
    with Other.arrived:
        assert Other.arrived.wait_for(lambda: call_sid in Other.delivered, 30), "no record came"
    whole = Other.delivered[call_sid] - sent
    return (whole - Other.took["exotel", call_sid] - Other.took["sink", call_sid]) * 1000


def measure(url: str) -> list[float]:
    with requests.Session() as session:
        for _ in range(200):
            try:
                session.get(f"{url}/readyz", timeout=5).raise_for_status()
                break
            except requests.RequestException:
                time.sleep(0.1)
        callbacks = f"{url}/callbacks/{TOKEN}/status"
        return [overhead(session, callbacks) for _ in range(WARM_UP + CALLS)][WARM_UP:]


def main() -> int:
    other = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    other_url = f"http://127.0.0.1:{other.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        store = embedded_redis.start(Path(folder))
        port = embedded_redis.free_port()
        environ = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PORT": str(port),
            "REDIS_URL": store.url,
            "EXOTEL_ACCOUNT_SID": "acme1m",
            "EXOTEL_API_KEY": "key",
            "EXOTEL_API_TOKEN": "token",
            "EXOTEL_BASE_URL": other_url,
            "CALLBACK_TOKEN": TOKEN,
            "SINKS": f"{other_url}/hook?allow_private=true",
            "SETTLE_SECONDS": "0",
            "CONFIRM_SECONDS": "0",
            "LOG_LEVEL": "WARNING",
        }
        processes = [
            subprocess.Popen(f"exec {line}", shell=True, env=environ, cwd=folder, start_new_session=True)
            for line in PROCFILE.values()
        ]
        try:
            took = sorted(measure(f"http://127.0.0.1:{port}"))
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(15)
            store.stop()
            other.shutdown()
    figures = {
        "calls": CALLS,
        "exotel_ms": EXOTEL_SECONDS * 1000,
        "sink_ms": SINK_SECONDS * 1000,
        "overhead_ms": {
            "min": round(took[0], 1),
            "median": round(statistics.median(took), 1),
            "p90": round(took[int(len(took) * 0.9)], 1),
            "max": round(took[-1], 1),
        },
        "all_ms": [round(one, 1) for one in took],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps({name: value for name, value in figures.items() if name != "all_ms"}, indent=2))
    kept = statistics.median(took) <= PROMISED_MS
    print("kept" if kept else "NOT kept", f": at most {PROMISED_MS} ms in the median")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
