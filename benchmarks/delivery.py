"""Measure whether a failing sink delays others, and what the ledger costs compared with a bare loop of POSTs.

`isolation`: a healthy webhook gets records at a steady pace, first alone, then next to a sink that refuses every
connection, then next to one that accepts the request and never answers, so that each attempt costs a whole time-out. Calls
are stored as the web stores them, and the worker fetches them: it queues the record when Exotel has answered, and the time
is measured from there. Guarantee: the p99 until the healthy one has the record is at most 1.2 times that alone.

`throughput`: a worker delivers a backlog; a bare loop of `requests.Session` on as many threads, with the same signing, posts
the same records to the same receiver. Guarantee: at least 0.6 times the records per second of the bare loop.

The variants alternate, round by round, each with its own Redis and worker. For the throughput the records are put on the
backlog directly, since fetching is not compared. The receiver is a separate process; its maximum rate, from raw sockets, is
printed as the ceiling.

    python benchmarks/delivery.py [--rounds 5] [--records 2000] [--per-second 30] [--threads 8]
"""

from __future__ import annotations

import argparse
import json
import platform
import socket
import statistics
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from delivering.bare import send_all
from delivering.receiver import Receiver
from delivering.records import admit, make_records, queue
from delivering.stage import SECRET, Stage, wait_until

from worker.process.embedded_redis import free_port

RESULTS = Path(__file__).parent / "results" / "delivery.json"
P99_AT_MOST, THROUGHPUT_AT_LEAST = 1.2, 0.6
# Not counted: imports, first connections.
WARM_UP = 100


def paced(stage: Stage, receiver: Receiver, records: list[dict[str, Any]], per_second: float) -> list[float]:
    """Send calls at a steady pace; return the seconds from Exotel's answer to the record's arrival, without the first ones."""
    stage.start_worker()
    due = time.monotonic()
    for record in records:
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / per_second
        admit(stage.ledger, record)
    arrived = collect(receiver, 2 * len(records))
    return [arrived[record["id"]] - arrived[record["subject"]] for record in records[WARM_UP:]]


def collect(receiver: Receiver, count: int) -> dict[str, float]:
    """Wait until the number of records has arrived, polling rarely enough not to slow them down."""
    found: dict[str, float] = {}

    def complete() -> bool:
        time.sleep(0.5)
        found.update({known_as: at for known_as, at in receiver.take().items() if known_as not in found})
        return len(found) >= count

    wait_until(complete)
    return found


def rate_of(arrived: dict[str, float]) -> float:
    """Return records per second, from the first arrival after the warm-up to the last."""
    times = sorted(arrived.values())[WARM_UP:]
    return (len(times) - 1) / (times[-1] - times[0])


def isolation(receiver: Receiver, options: argparse.Namespace) -> dict[str, Any]:
    healthy = f"{receiver.url}?allow_private=true"
    records = make_records(options.records + WARM_UP)
    # A listener without a server: the system accepts connection and request, and no response is ever sent.
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as hanging:
        beside = {
            "alone": [],
            "refused": [f"http://127.0.0.1:{free_port()}/?allow_private=true"],
            "hanging": [f"http://127.0.0.1:{hanging.getsockname()[1]}/?allow_private=true"],
        }
        p99: dict[str, list[float]] = {arm: [] for arm in beside}
        p50: dict[str, list[float]] = {arm: [] for arm in beside}
        for number in range(options.rounds):
            for arm in turned(list(beside), number):
                with Stage([healthy, *beside[arm]], exotel=receiver.url, threads=options.threads) as stage:
                    took = sorted(paced(stage, receiver, records, options.per_second))
                p99[arm].append(took[int(len(took) * 0.99)])
                p50[arm].append(statistics.median(took))
                print(f"  {arm}: p50 {p50[arm][-1] * 1000:.1f} ms, p99 {p99[arm][-1] * 1000:.1f} ms", flush=True)
    return {
        "p99_ms": {arm: milliseconds(found) for arm, found in p99.items()},
        "p50_ms": {arm: milliseconds(found) for arm, found in p50.items()},
        "ratio": {arm: ratio(p99[arm], p99["alone"]) for arm in ("refused", "hanging")},
        "ratio_p50": {arm: ratio(p50[arm], p50["alone"]) for arm in ("refused", "hanging")},
    }


def throughput(receiver: Receiver, options: argparse.Namespace) -> dict[str, Any]:
    records = make_records(options.records + WARM_UP)
    rates: dict[str, list[float]] = {"bare": [], "worker": []}

    def bare() -> float:
        send_all(receiver.url, SECRET, records, options.threads)
        return rate_of(collect(receiver, len(records)))

    def worker() -> float:
        sinks = [f"{receiver.url}?allow_private=true"]
        with Stage(sinks, exotel=receiver.url, threads=options.threads) as stage:
            for record in records:
                queue(stage.ledger, record)
            stage.start_worker()
            return rate_of(collect(receiver, len(records)))

    for number in range(options.rounds):
        for arm in turned(list(rates), number):
            rates[arm].append({"bare": bare, "worker": worker}[arm]())
            print(f"  {arm}: {rates[arm][-1]:.0f} a second", flush=True)
    return {
        "per_second": {arm: [round(rate) for rate in found] for arm, found in rates.items()},
        "receiver_ceiling_per_second": round(ceiling(receiver, options.threads)),
        "ratio": ratio(rates["worker"], rates["bare"]),
    }


def ceiling(receiver: Receiver, connections: int, requests: int = 2000) -> float:
    """Return how many requests per second the receiver accepts from raw sockets that send prepared requests."""
    body = json.dumps(make_records(1)[0]).encode()

    def client(place: int) -> None:
        with socket.create_connection(("127.0.0.1", receiver.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(requests):
                head = f"POST / HTTP/1.1\r\nwebhook-id: {place}-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)
                connection.recv(4096)

    threads = [threading.Thread(target=client, args=(place,)) for place in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rate_of(receiver.take())


def turned(arms: list[str], number: int) -> list[str]:
    """Rotate which one begins."""
    at = number % len(arms)
    return arms[at:] + arms[:at]


def milliseconds(found: list[float]) -> list[float]:
    return [round(one * 1000, 2) for one in found]


def ratio(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """Return the ratio of Legwork's rate to the baseline's in each round, and its median."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return {"rounds": [round(one, 3) for one in ratios], "median": round(statistics.median(ratios), 3)}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--per-second", type=float, default=30.0, help="the pace of the isolation")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--only", choices=("isolation", "throughput"))
    return parser.parse_args()


def main() -> int:
    options = parse()
    document: dict[str, Any] = {"python": platform.python_version(), **vars(options)}
    with closing(Receiver()) as receiver:
        for claim in (isolation, throughput):
            if options.only in {None, claim.__name__}:
                print(f"{claim.__name__}:", flush=True)
                document[claim.__name__] = claim(receiver, options)
    print(json.dumps(document, indent=2))
    if options.only is None:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    kept = True
    if "isolation" in document:
        kept = all(one["median"] <= P99_AT_MOST for one in document["isolation"]["ratio"].values())
        print("kept" if kept else "NOT kept", f": p99 at most {P99_AT_MOST} times that without the sink in trouble")
    if "throughput" in document:
        fast = document["throughput"]["ratio"]["median"] >= THROUGHPUT_AT_LEAST
        print("kept" if fast else "NOT kept", f": at least {THROUGHPUT_AT_LEAST} times the bare loop")
        kept = kept and fast
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
