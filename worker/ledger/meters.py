"""Collect counts and durations in this process, and add them up in Redis once a second, for every web process to read.

A killed process loses the last second's figures. No work depends on them: pending work is in the ledger.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import redis

from worker.lazy_logger import LazyLogger
from worker.ledger.backlog import Clock, server_clock
from worker.ledger.keys import METERS, MINUTES
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from worker.metrics import Metric

log = LazyLogger(__name__)

FLUSH_SECONDS = 1.0
#: What is counted by the minute, in total and per account or sink, for the console's charts.
BY_THE_MINUTE = ("received", "fetched", "delivered")
#: How many minutes are kept.
MINUTES_KEPT = 120
# Separates the parts of a field's name; it occurs in no name and no label.
_BETWEEN = "\x1f"
#: The name of the part that is the sum of a histogram's values.
SUM = "sum"
# Sums by the minute are in whole microseconds.
_MICRO = 1_000_000


class Minute(NamedTuple):
    """The counts of one minute; `at` is the minute's number since the epoch, by Redis's clock."""

    at: int
    received: int
    fetched: int
    delivered: int


class Spent(NamedTuple):
    """How often something was done within one minute, and how many seconds it took in total."""

    at: int
    number: int
    seconds: float


class Meters:
    """The meters of one process; safe to share between threads. It connects only once something is counted."""

    def __init__(self, client: redis.Redis, *, clock: Clock = server_clock) -> None:
        self._client: Any = client
        self._scripts = Scripts(client)
        self._clock = clock
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._pending: Counter[str] = Counter()
        self._minute: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        #: Whether the ledger may be written; counts wait until it may.
        self.may_write = True

    def count(self, metric: Metric, *labels: str, by: float = 1, minute: str | None = None) -> None:
        """Add to a counter; and to `minute`, one of BY_THE_MINUTE, in total and for the first label."""
        with self._lock:
            self._pending[_BETWEEN.join((metric.name, *labels))] += by  # type: ignore[assignment]  # Counter takes floats
            if minute is not None:
                self._minute[minute] += int(by)
                if labels:
                    self._minute[_BETWEEN.join((minute, labels[0]))] += int(by)
        self._begin()

    def observe(self, metric: Metric, seconds: float, *labels: str, minute: str | None = None) -> None:
        """Add a value to a histogram; and by the minute for its first label, for `spent_by`."""
        name = _BETWEEN.join((metric.name, *labels, ""))
        with self._lock:
            self._pending[f"{name}{bisect_left(metric.buckets, seconds)}"] += 1
            self._pending[f"{name}{SUM}"] += seconds  # type: ignore[assignment]  # as above
            if minute is not None:
                self._minute[_BETWEEN.join((minute, labels[0]))] += 1
                self._minute[_BETWEEN.join((minute, labels[0], SUM))] += round(seconds * _MICRO)
        self._begin()

    def flush(self) -> None:
        """Add the collected figures to Redis; if that fails, keep them. Raises redis.RedisError."""
        with self._flushing:  # so that a reader waits for what another thread is adding
            self._flush()

    def _flush(self) -> None:
        if not self.may_write:
            return
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
        """Add the remaining figures, if the ledger is reachable."""
        self._stop.set()
        try:
            self.flush()
        except redis.RedisError as error:
            log.debug("meters.lost", error=str(error))

    def read(self) -> dict[tuple[str, ...], float]:
        """Return the figures of all processes by (name, *labels); a histogram has one more part.

        The part is the index of a bucket (the number of bounds for `+Inf`; not cumulative), or `sum`.
        """
        self.flush()
        stored = self._client.hgetall(METERS)
        found = Counter({name.decode(): float(value) for name, value in stored.items()})
        if not self.may_write:
            # Only this process's figures: at least the callbacks refused meanwhile are visible.
            with self._lock:
                found.update(self._pending)
        return {tuple(name.split(_BETWEEN)): float(value) for name, value in found.items()}

    def minutes(self, most: int = 60) -> list[Minute]:
        """Return the counts of the last minutes, the current one last; idle minutes are included."""
        return [Minute(at, *counts) for at, counts in self._by_minute([(name,) for name in BY_THE_MINUTE], most)]

    def minutes_of(self, counted: str, label: str, most: int = 60) -> list[tuple[int, int]]:
        """Return a count of BY_THE_MINUTE for one account or sink, as (minute since the epoch, count) pairs, as `minutes`."""
        return [(at, counts[0]) for at, counts in self._by_minute([(counted, label)], most)]

    def spent_by(self, observed: str, label: str, most: int = 60) -> list[Spent]:
        """Return for each of the last minutes how often something was observed for a label, and how long it took."""
        rows = self._by_minute([(observed, label), (observed, label, SUM)], most)
        return [Spent(at, number, total / _MICRO) for at, (number, total) in rows]

    def _by_minute(self, names: list[tuple[str, ...]], most: int) -> list[tuple[int, list[int]]]:
        self.flush()
        seconds, _ = self._client.time()
        now = int(seconds) // 60
        wanted = [(at, name) for at in range(now - most + 1, now + 1) for name in names]
        stored = self._client.hmget(MINUTES, [f"{at % MINUTES_KEPT} {_BETWEEN.join(name)}" for at, name in wanted])
        found: dict[int, list[int]] = {}
        for (at, _), packed in zip(wanted, stored, strict=True):
            of_minute, _, number = (packed or b"").partition(b" ")
            found.setdefault(at, []).append(int(number) if of_minute == b"%d" % at else 0)
        return list(found.items())

    def _begin(self) -> None:
        # Started with the first figure, so that a server that forks after loading the app has the thread in the right process.
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
