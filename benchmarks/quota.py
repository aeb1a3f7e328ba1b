"""Measure how much of the quota the token bucket uses, and whether it exceeds it, compared with other rate limiters.

Each limiter has several processes with several threads, which work through the same campaign (more calls at once than
the quota allows) against their own server, which counts arrivals in an exact sliding window and refuses those over the
limit. Each call's latencies on the server, before and after it is counted, are the same for every limiter. The
processes' wall clocks are wrong by some seconds, Redis's own is right. All limiters run at the same time.

Guarantee for the token bucket: no window above the quota, nothing refused, and at least 99 % of W / (W + mean latency) of the
quota while there is backlog. A library that is not installed is skipped, and the table says so.

    python benchmarks/quota.py [window in whole seconds] [windows]      the default is a real window: 60 s, 3 of them
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import redis
from limiters import celery_crew, crew
from limiters.arms import ARMS, CELERY, Arm
from limiters.counting import SPAWN, Arrival, CountingServer
from limiters.figures import figures_of, table
from limiters.traffic import SKEWS, Traffic

from worker.process import embedded_redis

RESULTS = Path(__file__).parent / "results" / "quota.json"


def run(traffic: Traffic, arms: list[Arm], redis_url: str) -> dict[str, tuple[float, list[Arrival], list[float]]]:
    """Run all limiters at the same time; return what arrived at each one's server, and the latencies its processes measured."""
    client = redis.Redis.from_url(redis_url)
    start = SPAWN.Barrier(len(arms) * traffic.processes + 1)
    servers = {arm.name: CountingServer(traffic) for arm in arms}
    latencies = {arm.name: SPAWN.Queue() for arm in arms}
    processes = []
    for arm in arms:
        body = celery_crew.spend if arm.name == CELERY else crew.spend
        client.rpush(crew.calls_key(arm.name), *range(traffic.calls))
        for number in range(traffic.processes):
            args = (arm.name, number, redis_url, servers[arm.name].url, traffic, start, latencies[arm.name])
            processes.append(SPAWN.Process(target=body, args=args))
            processes[-1].start()
    start.wait()
    began = time.monotonic()
    if any(arm.name == CELERY for arm in arms):
        celery_crew.publish(redis_url, range(traffic.calls))
    seen = {name: [one for _ in range(traffic.processes) for one in queue.get()] for name, queue in latencies.items()}
    arrived = {name: server.arrivals() for name, server in servers.items()}
    for process in processes:
        process.kill()
        process.join()
    return {name: (began, arrived[name], seen[name]) for name in servers}


def main() -> int:
    given = [float(text) for text in sys.argv[1:3]]
    traffic = Traffic(**dict(zip(("window", "windows"), (round(given[0]), *given[1:]) if given else (), strict=False)))
    present = [arm for arm in ARMS if not arm.missing]
    with tempfile.TemporaryDirectory() as folder:
        store = embedded_redis.start(Path(folder))
        try:
            server = redis.Redis.from_url(store.url).info("server")
            found = run(traffic, present, store.url)
        finally:
            store.stop()
    arms = {}
    for arm in ARMS:
        about = {"how": arm.how}
        if arm.missing:
            arms[arm.name] = about | {"missing": arm.missing}
        else:
            arms[arm.name] = about | {"version": arm.version} | figures_of(traffic, *found[arm.name])
    figures = {
        "traffic": asdict(traffic) | {"seconds": traffic.seconds, "calls": traffic.calls},
        "clocks_wrong_by_seconds": [round(skew * traffic.window, 2) for skew in SKEWS],
        "versions": {
            "python": platform.python_version(),
            "server": server.get("valkey_version", server["redis_version"]),
        },
        "arms": arms,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"{traffic.quota} requests in any {traffic.window} s, {traffic.windows:g} windows;", end=" ")
    print(f"{traffic.processes} processes with {traffic.threads} threads each, clocks wrong by", end=" ")
    print(", ".join(f"{skew * traffic.window:+.1f}" for skew in SKEWS), "s\n")
    print(table(arms))
    ours = arms["ours"]
    kept = ours["refused"] == 0 and ours["fullest_window"] <= traffic.quota and ours["of_what_latency_leaves"] >= 0.99
    print(
        f"\nours: {ours['of_what_latency_leaves']:.1%} of what latency leaves ({ours['mean_latency_seconds']:.2f} s each)"
    )
    print("kept" if kept else "NOT kept", ": nothing refused, no window over the quota, >= 99 % of what latency leaves")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
