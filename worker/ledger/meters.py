"""Collect counts and durations in this process, and add them up in Redis once a second, for every web process to read.

A killed process loses the last second's figures. No work depends on them: pending work is in the ledger.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import redis

from worker.lazy_logger import LazyLogger
from worker.ledger.backlog import Clock, server_clock
from worker.ledger.keys import METERS, SERIES
from worker.ledger.scripts import Scripts
from worker.metrics import DELIVERY_SECONDS

if TYPE_CHECKING:
    from worker.ledger.scripts import Argument
    from worker.metrics import Metric

log = LazyLogger(__name__)

FLUSH_SECONDS = 1.0
#: How many minutes are kept of what is counted over time: a day, and the hour that is under way.
MINUTES_KEPT = 25 * 60
# At least so many days are kept by the hour, for the charts of a week.
_DAYS_KEPT = 7
# Separates the parts of a field's name; it occurs in no name and no label.
_BETWEEN = "\x1f"
#: The name of the part that is the sum of a histogram's values.
SUM = "sum"


class Over(NamedTuple):
    """A column of what is counted over time: of each account or sink, and its column in the sum of all (-1: not in it)."""

    subject: str
    column: int
    in_all: int = -1


#: Calls received, requests to Exotel; records delivered, attempts that failed; and the first of the columns in which attempts
#: are counted by how long they took (one a bucket of metrics.DELIVERY_SECONDS, the last without a bound).
RECEIVED, FETCHED = Over("account", 0, 0), Over("account", 1, 1)
DELIVERED, FAILED, TOOK = Over("sink", 0, 2), Over("sink", 1, 3), Over("sink", 2)
#: The name of the series of all accounts and sinks together.
ALL = "all"
#: How many columns a series has, by the first word of its name.
COLUMNS = {ALL: 4, "account": 2, "sink": 2 + len(DELIVERY_SECONDS.buckets) + 1}


def series_name(subject: str, name: str) -> str:
    """Return the name of an account's or a sink's series."""
    return f"{subject} {name}"


def ring_keys(series: str, hours_kept: int) -> tuple[str, str]:
    """Return the keys of a series' minutes and hours (see `meters/add.lua`). A ring of another length is another key."""
    return f"{SERIES}{series}:minutes:{MINUTES_KEPT}", f"{SERIES}{series}:hours:{hours_kept}"


class Meters:
    """The meters of one process; safe to share between threads. It connects only once something is counted."""

    def __init__(self, client: redis.Redis, *, retention_days: float = 0, clock: Clock = server_clock) -> None:
        self._client: Any = client
        #: How many hours are kept of what is counted over time.
        self.hours_kept = ceil(max(retention_days, _DAYS_KEPT) * 24) + 1
        self._scripts = Scripts(client)
        self._clock = clock
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._pending: Counter[str] = Counter()
        self._series: Counter[tuple[str, int]] = Counter()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        #: Whether the ledger may be written; counts wait until it may.
        self.may_write = True

    def count(self, metric: Metric, *labels: str, by: float = 1, over: Over | None = None) -> None:
        """Add to a counter; and to a column over time, that of the first label, which names an account or sink."""
        with self._lock:
            self._pending[_BETWEEN.join((metric.name, *labels))] += by  # type: ignore[assignment]  # Counter takes floats
            if over is not None:
                self._series[series_name(over.subject, labels[0]), over.column] += int(by)
                if over.in_all >= 0:
                    self._series[ALL, over.in_all] += int(by)
        self._begin()

    def observe(self, metric: Metric, seconds: float, *labels: str, over: Over | None = None) -> None:
        """Add a value to a histogram; and to the columns over time that begin with `over`, one a bucket."""
        name, bucket = _BETWEEN.join((metric.name, *labels, "")), bisect_left(metric.buckets, seconds)
        with self._lock:
            self._pending[f"{name}{bucket}"] += 1
            self._pending[f"{name}{SUM}"] += seconds  # type: ignore[assignment]  # as above
            if over is not None:
                self._series[series_name(over.subject, labels[0]), over.column + bucket] += 1
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
            counted, self._series = self._series, Counter()
        if not pending and not counted:
            return
        by_series: dict[str, list[int]] = {}
        for (series, column), number in counted.items():
            by_series.setdefault(series, []).extend((column, number))
        keys = [METERS, *(key for series in by_series for key in ring_keys(series, self.hours_kept))]
        args: list[Argument] = [self._clock(), MINUTES_KEPT, self.hours_kept, len(by_series)]
        for series, pairs in by_series.items():
            args += [COLUMNS[series.partition(" ")[0]], len(pairs) // 2, *pairs]
        for name, amount in pending.items():
            args += [name, amount]
        try:
            self._scripts.run("meters/add", keys, args)
        except redis.RedisError:
            with self._lock:
                self._pending.update(pending)
                self._series.update(counted)
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
