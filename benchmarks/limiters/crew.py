"""Run one process of a limiter: with a wrong clock, its threads ask the limiter and then the server, call by call."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from limiters.traffic import SKEWS, Traffic, skew_clock

if TYPE_CHECKING:
    from multiprocessing import Queue
    from multiprocessing.synchronize import Barrier

    import requests


def calls_key(arm: str) -> str:
    """Return the Redis list of waiting calls; a refused one goes back to its head."""
    return f"calls:{arm}"


def spend(
    arm: str, number: int, redis_url: str, url: str, traffic: Traffic, start: Barrier, latencies: Queue[list[float]]
) -> None:
    """Be process `number` of an arm: wait for the start, work until the time is over, report the latencies."""
    skew_clock(SKEWS[number % len(SKEWS)] * traffic.window)
    import redis  # noqa: PLC0415  imported after the clock was set wrong
    import requests  # noqa: PLC0415

    from limiters.arms import ARMS  # noqa: PLC0415

    make = next(one.make for one in ARMS if one.name == arm)
    assert make is not None
    limiter, client, seen = make(redis_url, traffic), redis.Redis.from_url(redis_url), list[float]()
    start.wait()
    until = time.monotonic() + traffic.seconds

    def work() -> None:
        session = requests.Session()
        while (call := client.lpop(calls_key(arm))) is not None and limiter.acquire(until):
            began = time.monotonic()
            accepted = ask(session, url, int(call))
            seen.append(time.monotonic() - began)
            limiter.release()
            if not accepted:
                client.lpush(calls_key(arm), call)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(traffic.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    latencies.put(seen)


def ask(session: requests.Session, url: str, call: int) -> bool:
    """Send a call's request; False if it was refused."""
    return session.get(f"{url}/{call}", timeout=30).status_code == 200
