"""How fast a callback is acknowledged, beside a bare Flask route with one Redis write.

Both run on the same server (granian, one worker, eight threads) and write to the same Redis, which has every write on the
disk before it answers; they are loaded in turn, round by round, in one run. Promised: at least 0.7 times the requests a
second of the bare route.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from worker import embedded_redis

TOKEN = "a-token-of-the-benchmark"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SECONDS, CLIENTS = 4.0, 8
RESULTS = Path(__file__).parent / "results" / "ack.json"
BOUNDARY = "------------------------5d1f"


def status_callback() -> bytes:
    """A StatusCallback with its four default fields, as multipart, the way Exotel posts it; a new call each."""
    sid = secrets.token_hex(14) + "1a9g"
    fields = {
        "CallSid": sid,
        "Status": "completed",
        "RecordingUrl": f"https://recordings.example/acme1m/{sid}.mp3",
        "DateUpdated": "2026-09-16 10:53:33",
    }
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
    return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()


def load(port: int, path: str, seconds: float, results: multiprocessing.Queue) -> None:
    """One process of clients, each with a connection of its own, that post as fast as they are answered."""
    took: list[float] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            body = status_callback()
            started = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            took.append(time.perf_counter() - started)
            assert answer.status == 200, answer.status

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    results.put(took)


def measure(port: int, path: str, seconds: float) -> list[float]:
    results: multiprocessing.Queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=load, args=(port, path, seconds, results))
    process.start()
    took = results.get()
    process.join()
    return took


def serve(factory: str, port: int, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", factory, "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "8", "--log-level", "error"),
    ]
    process = subprocess.Popen(command, env=environ, cwd=Path(__file__).parent.parent)
    for _ in range(200):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).request("GET", "/livez")
        except OSError:
            time.sleep(0.05)
        else:
            return process
    raise RuntimeError(f"{factory} did not start")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        store = embedded_redis.start(Path(folder))
        environ = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "REDIS_URL": store.url,
            "EXOTEL_ACCOUNT_SID": "acme1m",
            "EXOTEL_API_KEY": "key",
            "EXOTEL_API_TOKEN": "token",
            "CALLBACK_TOKEN": TOKEN,
            "SINKS": "stdout:",
        }
        ports = {"bare": embedded_redis.free_port(), "legwork": embedded_redis.free_port()}
        paths = {"bare": "/hook", "legwork": f"/callbacks/{TOKEN}/status"}
        servers = [
            serve("benchmarks.bare:create_app", ports["bare"], environ),
            serve("webhook:create_app", ports["legwork"], environ),
        ]
        try:
            took: dict[str, list[list[float]]] = {name: [] for name in ports}
            for name in ports:
                measure(ports[name], paths[name], 1.0)  # warm
            for _ in range(ROUNDS):
                for name in ports:
                    took[name].append(measure(ports[name], paths[name], SECONDS))
        finally:
            for server in servers:
                server.send_signal(signal.SIGTERM)
                server.wait(15)
            store.stop()
    figures: dict[str, object] = {"seconds_each": SECONDS, "clients": CLIENTS, "rounds": ROUNDS}
    for name, rounds in took.items():
        everything = sorted(one for taken in rounds for one in taken)
        figures[name] = {
            "requests_per_second": [round(len(taken) / SECONDS, 1) for taken in rounds],
            "p50_ms": round(statistics.median(everything) * 1000, 2),
            "p99_ms": round(everything[int(len(everything) * 0.99)] * 1000, 2),
        }
    pairs = zip(took["legwork"], took["bare"], strict=True)
    ratios = [len(ours) / len(bare) for ours, bare in pairs]
    figures["ratio_by_round"] = [round(ratio, 3) for ratio in ratios]
    figures["ratio"] = round(statistics.median(ratios), 3)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    kept = figures["ratio"] >= 0.7
    print("kept" if kept else "NOT kept", ": at least 0.7 times the bare route")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
