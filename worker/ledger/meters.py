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
#: What is counted by the minute, of the whole and of each account or sink, for the console's charts.
BY_THE_MINUTE = ("received", "fetched", "delivered")
#: How many minutes are kept.
MINUTES_KEPT = 120
# What separates the parts of a field's name; it is in no name and in no label.
_BETWEEN = "\x1f"
#: The part of a histogram that is the sum of its values.
SUM = "sum"
# By the minute, sums are whole microseconds.
_MICRO = 1_000_000


class Minute(NamedTuple):
    """What happened within a minute; `at` is the minute's number since the epoch, by Redis's clock."""

    at: int
    received: int
    fetched: int
    delivered: int


class Spent(NamedTuple):
    """How often something was done within a minute, and how many seconds it took in all."""

    at: int
    number: int
    seconds: float


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
        #: Is the ledger one that may be written? What is counted meanwhile waits.
        self.may_write = True

    def count(self, metric: Metric, *labels: str, by: float = 1, minute: str | None = None) -> None:
        """Add to a counter; and to a count by the minute, one of BY_THE_MINUTE, of the whole and of the first label."""
        with self._lock:
            self._pending[_BETWEEN.join((metric.name, *labels))] += by  # type: ignore[assignment]  # Counter takes floats
            if minute is not None:
                self._minute[minute] += int(by)
                if labels:
                    self._minute[_BETWEEN.join((minute, labels[0]))] += int(by)
        self._begin()

    def observe(self, metric: Metric, seconds: float, *labels: str, minute: str | None = None) -> None:
        """Enter a value in a histogram; by the minute too, for `spent_by` its first label."""
        name = _BETWEEN.join((metric.name, *labels, ""))
        with self._lock:
            self._pending[f"{name}{bisect_left(metric.buckets, seconds)}"] += 1
            self._pending[f"{name}{SUM}"] += seconds  # type: ignore[assignment]  # as above
            if minute is not None:
                self._minute[_BETWEEN.join((minute, labels[0]))] += 1
                self._minute[_BETWEEN.join((minute, labels[0], SUM))] += round(seconds * _MICRO)
        self._begin()

    def flush(self) -> None:
        """Add up in Redis what was gathered; what cannot be added up now is kept. Raises redis.RedisError."""
        with self._flushing:  # whoever reads next is to find what another thread is just adding up
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
        found = Counter({name.decode(): float(value) for name, value in stored.items()})
        if not self.may_write:
            # This process's own alone: better than that nobody hears of the callbacks that are refused meanwhile.
            with self._lock:
                found.update(self._pending)
        return {tuple(name.split(_BETWEEN)): float(value) for name, value in found.items()}

    def minutes(self, most: int = 60) -> list[Minute]:
        """Return the counts of the last minutes, the present one last; a minute in which nothing happened is there too."""
        return [Minute(at, *counts) for at, counts in self._by_minute([(name,) for name in BY_THE_MINUTE], most)]

    def minutes_of(self, counted: str, label: str, most: int = 60) -> list[tuple[int, int]]:
        """Return one of BY_THE_MINUTE of one account or sink: minutes since the epoch, and how many; as `minutes`."""
        return [(at, counts[0]) for at, counts in self._by_minute([(counted, label)], most)]

    def spent_by(self, observed: str, label: str, most: int = 60) -> list[Spent]:
        """Return how often something was observed of a label in each of the last minutes, and how long it took."""
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
