"""Run Celery's own `rate_limit` as intended: real workers, each with an equal part of the quota.

Celery counts in each worker process separately, so the parts must add up to the quota.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from typing import TYPE_CHECKING

from limiters.crew import ask
from limiters.traffic import SKEWS, Traffic, skew_clock

if TYPE_CHECKING:
    from multiprocessing import Queue
    from multiprocessing.synchronize import Barrier

    from celery import Celery

TASK, QUEUE = "bench.ask", "bench"


def make_app(redis_url: str) -> Celery:
    """Return a Celery app with Legwork's settings."""
    from celery import Celery  # noqa: PLC0415  imported after the clock was set wrong

    app = Celery("bench", broker=redis_url)
    app.conf.update(
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
    )
    return app


def publish(redis_url: str, calls: range) -> None:
    """Send a message for each call."""
    app = make_app(redis_url)
    with app.producer_or_acquire() as producer:
        for call in calls:
            app.send_task(TASK, (call,), producer=producer, ignore_result=True)


def spend(
    _arm: str, number: int, redis_url: str, url: str, traffic: Traffic, start: Barrier, latencies: Queue[list[float]]
) -> None:
    """Be worker `number`: ready before the start, ended when the time is over."""
    skew_clock(SKEWS[number % len(SKEWS)] * traffic.window)
    import requests  # noqa: PLC0415
    from celery import signals  # noqa: PLC0415
    from celery.platforms import SecurityWarning  # noqa: PLC0415

    warnings.filterwarnings("ignore", category=SecurityWarning)

    app, sessions, seen = make_app(redis_url), threading.local(), list[float]()
    # Celery's limits are tasks per second; fractions are allowed.
    part = traffic.quota / traffic.window / traffic.processes

    @app.task(name=TASK, rate_limit=f"{part}/s")
    def _ask(call: int) -> None:
        if not hasattr(sessions, "session"):
            sessions.session = requests.Session()
        began = time.monotonic()
        accepted = ask(sessions.session, url, call)
        seen.append(time.monotonic() - began)
        if not accepted:
            app.send_task(TASK, (call,), ignore_result=True)

    def run_out() -> None:
        start.wait()
        time.sleep(traffic.seconds)
        latencies.put(seen[:])
        latencies.close()
        latencies.join_thread()
        os._exit(0)  # requests in flight have been counted, so there is no need to wait for Celery's shutdown

    signals.setup_logging.connect(lambda **_: None, weak=False)
    signals.worker_ready.connect(lambda **_: threading.Thread(target=run_out, daemon=True).start(), weak=False)
    app.Worker(
        pool_cls="threads",
        concurrency=traffic.threads,
        queues=[QUEUE],
        loglevel="ERROR",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    ).start()
