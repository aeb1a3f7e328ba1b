"""Counts and measures in this process, and adds it up in Redis once a second, where every web process reads it.

A process that is killed takes the last second's figures with it; what is owed stands in the ledger, never here.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
import structlog

from worker.ledger.backlog import Clock, server_clock
from worker.ledger.keys import METERS, MINUTES
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from worker.metrics import Metric

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
#: What is counted by the minute, for the console's chart.
BY_THE_MINUTE = ("received", "fetched", "delivered")
#: How many minutes are kept.
MINUTES_KEPT = 120
# What separates the parts of a field's name; it is in no name and in no label.
_BETWEEN = "\x1f"
#: The part of a histogram that is the sum of its values.
SUM = "sum"


class Minute(NamedTuple):
    """What happened within a minute; `at` is the minute's number since the epoch, by Redis's clock."""

    at: int
    received: int
    fetched: int
    delivered: int


class Meters:
    """The meters of one process; safe to share between threads. Nothing is connected before something is counted."""

    def __init__(self, client: redis.Redis, *, clock: Clock = server_clock) -> None:
        self._client: Any = client
        self._scripts = Scripts(client)
        self._clock = clock
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._pending: Counter[str] = Counter()
        self._minute: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def count(self, metric: Metric, *labels: str, by: float = 1, minute: str | None = None) -> None:
        """Add to a counter; and to a count by the minute, one of BY_THE_MINUTE."""
        with self._lock:
            self._pending[_BETWEEN.join((metric.name, *labels))] += by  # type: ignore[assignment]  # Counter takes floats
            if minute is not None:
                self._minute[minute] += int(by)
        self._begin()

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Enter a value in a histogram."""
        name = _BETWEEN.join((metric.name, *labels, ""))
        with self._lock:
            self._pending[f"{name}{bisect_left(metric.buckets, seconds)}"] += 1
            self._pending[f"{name}{SUM}"] += seconds  # type: ignore[assignment]  # as above
        self._begin()

    def flush(self) -> None:
        """Add up in Redis what was gathered; what cannot be added up now is kept. Raises redis.RedisError."""
        with self._flushing:  # whoever reads next is to find what another thread is just adding up
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, Counter()
            minute, self._minute = self._minute, Counter()
        if not pending and not minute:
            return
        args: list[str | bytes | int | float] = [self._clock(), MINUTES_KEPT, len(minute)]
        for counts in (minute, pending):
            for name, number in counts.items():
                args += [name, number]
        try:
            self._scripts.run("meters/add", [METERS, MINUTES], args)
        except redis.RedisError:
            with self._lock:
                self._pending.update(pending)
                self._minute.update(minute)
            raise

    def close(self) -> None:
        """Add up what is left, if the ledger is there."""
        self._stop.set()
        try:
            self.flush()
        except redis.RedisError as error:
            log.debug("meters.lost", error=str(error))

    def read(self) -> dict[tuple[str, ...], float]:
        """Return all that was gathered by all processes: (name, *labels) of a counter, a part more of a histogram.

        The part is the number of a bucket (as many as there are bounds for `+Inf`; not cumulative), or `sum`.
        """
        self.flush()
        stored = self._client.hgetall(METERS)
        return {tuple(name.decode().split(_BETWEEN)): float(value) for name, value in stored.items()}

    def minutes(self, most: int = 60) -> list[Minute]:
        """Return the counts of the last minutes, the present one last; a minute in which nothing happened is there too."""
        self.flush()
        seconds, _ = self._client.time()
        now = int(seconds) // 60
        stored = {name.decode(): int(value) for name, value in self._client.hgetall(MINUTES).items()}
        found = []
        for at in range(now - most + 1, now + 1):
            slot = at % MINUTES_KEPT
            is_that = stored.get(f"{slot} at") == at
            found.append(Minute(at, *(stored.get(f"{slot} {name}", 0) if is_that else 0 for name in BY_THE_MINUTE)))
        return found

    def _begin(self) -> None:
        # With the first figure, so that a server that forks after loading the app has the thread in the right process.
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="meters", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except redis.RedisError as error:
                log.debug("meters.waiting", error=str(error))
