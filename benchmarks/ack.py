"""Measure how fast callbacks are acknowledged, compared with a bare Flask route with one Redis write.

`bare` stores the parameters under their CallSid; `blind` stores the bytes without parsing them, which no real receiver
could do, and is printed for comparison. All run on the server of `legwork web` (granian with webhook/serving/adapter.py), in
one process with eight threads, and write to the same Redis, which has every write on disk before it replies. They are loaded
alternately, round by round, in one run, with the two callbacks that Exotel sends most: a StatusCallback with its four
default fields as multipart, and a Passthru after Connect as a query. Guarantee: at least 0.7 times the requests per second
of `bare`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from worker.process import embedded_redis

TOKEN = "a-token-of-the-benchmark"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
REQUESTS_A_ROUND, CLIENTS = 3000, 8
RESULTS = Path(__file__).parent / "results" / "ack.json"
BOUNDARY = "------------------------5d1f"
PASSTHRU = (
    "CallSid={sid}&CallFrom=09000000001&CallTo=04000000001&Direction=incoming&ForwardedFrom=null"
    "&Created=Wed%2C+16+Sep+2026+12%3A31%3A59&DialCallDuration=17"
    "&RecordingUrl=https%3A%2F%2Frecordings.example%2Facme1m%2F{sid}.mp3&StartTime=2026-09-16+12%3A31%3A58"
    "&EndTime=1970-01-01+05%3A30%3A00&DialCallStatus=completed&CallType=completed&DialWhomNumber=09000000009"
    "&ProcessStatus=null&flow_id=228000&tenant_id=67200&From=09000000001&To=04000000002"
    "&RecordingAvailableBy=Wed%2C+16+Sep+2026+12%3A37%3A25&CurrentTime=2026-09-16+12%3A32%3A25"
    "&OutgoingPhoneNumber=04000000002&Legs%5B0%5D%5BNumber%5D=09000000009&Legs%5B0%5D%5BType%5D=single"
    "&Legs%5B0%5D%5BOnCallDuration%5D=10&Legs%5B0%5D%5BCallerId%5D=04000000001"
    "&Legs%5B0%5D%5BCauseCode%5D=NORMAL_CLEARING&Legs%5B0%5D%5BCause%5D=16"
)


def status_callback(path: str) -> bytes:
    """Return a StatusCallback as Exotel posts it, each of a new call, as the bytes of a request."""
    sid = secrets.token_hex(14) + "1a9g"
    fields = {
        "CallSid": sid,
        "Status": "completed",
        "RecordingUrl": f"https://recordings.example/acme1m/{sid}.mp3",
        "DateUpdated": "2026-09-16 10:53:33",
    }
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    body = "".join([*parts, f"--{BOUNDARY}--\r\n"])
    content = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{content}\r\n\r\n{body}".encode()


def passthru(path: str) -> bytes:
    """Return a Passthru after Connect, each of a new call."""
    query = PASSTHRU.format(sid=secrets.token_hex(14) + "1a9g")
    return f"GET {path}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


REQUESTS = {"status": status_callback, "passthru": passthru}


def load(port: int, requests: list[bytes], results: multiprocessing.Queue, pause: float) -> None:
    """Run clients in one process, each with its own connection, that send prepared requests as fast as they are answered.

    `pause` is in seconds, after each response.
    """
    took: list[float] = []
    waiting = iter(requests)
    lock = threading.Lock()

    def client() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    request = next(waiting, None)
                if request is None:
                    return
                started = time.perf_counter()
                connection.sendall(request)
                answer = connection.recv(4096)
                while not answer.endswith(b"}\n"):
                    answer += connection.recv(4096)
                took.append(time.perf_counter() - started)
                assert answer.startswith(b"HTTP/1.1 200"), answer
                time.sleep(pause)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    results.put((time.perf_counter() - began, took))


def measure(port: int, requests: list[bytes], pause: float = 0) -> tuple[float, list[float]]:
    results: multiprocessing.Queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=load, args=(port, requests, results, pause))
    process.start()
    measured = results.get()
    process.join()
    return measured


def serve(factory: str, port: int, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a server as `legwork web` does, with one process; the factory says with how many threads."""
    options = {"--interface": "asginl", "--host": "127.0.0.1", "--port": str(port), "--log-level": "error"}
    command = [sys.executable, "-m", "granian", *(word for option in options.items() for word in option)]
    command += ["--http", "1", "--no-ws", "--factory", factory]
    process = subprocess.Popen(command, env=environ, cwd=Path(__file__).parent.parent)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
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
        bare, ours = embedded_redis.free_port(), embedded_redis.free_port()
        servers = [
            serve("benchmarks.bare:serve_bare", bare, environ),
            serve("benchmarks.bare:serve_legwork", ours, environ),
        ]
        rounds: dict[tuple[str, str], list[tuple[float, list[float]]]] = {}
        try:
            for number in range(ROUNDS + 1):
                for kind, make in REQUESTS.items():
                    targets = {
                        "bare": (bare, "/bare"),
                        "blind": (bare, "/blind"),
                        "legwork": (ours, f"/callbacks/{TOKEN}/{kind}"),
                    }
                    for name, (port, path) in targets.items():
                        measured = measure(port, [make(path) for _ in range(REQUESTS_A_ROUND)])
                        if number:  # the first round warms up
                            rounds.setdefault((kind, name), []).append(measured)
        finally:
            for server in servers:
                server.send_signal(signal.SIGTERM)
                server.wait(15)
            store.stop()
    figures: dict[str, dict[str, object]] = {kind: report(kind, rounds) for kind in REQUESTS}
    document = {"requests_a_round": REQUESTS_A_ROUND, "clients": CLIENTS, "rounds": ROUNDS, **figures}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    print(json.dumps(document, indent=2))
    kept = all(one["ratio_to_bare"] >= 0.7 for one in figures.values())
    print("kept" if kept else "NOT kept", ": at least 0.7 times the bare route")
    return 0 if kept else 1


def report(kind: str, rounds: dict[tuple[str, str], list[tuple[float, list[float]]]]) -> dict[str, object]:
    figures: dict[str, object] = {}
    rates = {}
    for name in ("bare", "blind", "legwork"):
        measured = rounds[kind, name]
        rates[name] = [len(took) / seconds for seconds, took in measured]
        everything = sorted(one for _, took in measured for one in took)
        figures[name] = {
            "requests_per_second": [round(rate) for rate in rates[name]],
            "p50_ms": round(statistics.median(everything) * 1000, 2),
            "p99_ms": round(everything[int(len(everything) * 0.99)] * 1000, 2),
        }
    for other in ("bare", "blind"):
        ratios = [ours / theirs for ours, theirs in zip(rates["legwork"], rates[other], strict=True)]
        figures[f"ratio_to_{other}"] = round(statistics.median(ratios), 3)
    return figures


if __name__ == "__main__":
    sys.exit(main())
