"""Move due work from the ledger to Celery: one thread in every worker, and no leader.

The scripts are atomic, so any number of dispatchers may run at once. Each keeps the amount of leased work small: about two
tasks per thread of all workers, no more calls than there are tokens for, and no backlog more than its share.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis
import structlog
from kombu.exceptions import OperationalError

from worker import metrics
from worker.errors import LedgerUnusable
from worker.fairness import Want, share
from worker.ledger import WORKER_SILENCE_SECONDS
from worker.ledger.backlog import read_reaped
from worker.ledger.capacity import is_short, read_capacity
from worker.ledger.operations.dead_letters import drop_old
from worker.ledger.operations.indexing import index_older_calls
from worker.ledger.operations.purging import clear_up
from worker.process.heartbeat import Heartbeat
from worker.sources import Deliveries, Fetches, Source, within_places
from worker.steps import decide, deliver
from worker.steps.announce import announce_new_ledger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from worker.context import WorkerContext
    from worker.ledger.backlog import Lease
    from worker.tasks import Carrier

log = structlog.get_logger(__name__)

# Seconds by which a due call may be noticed late. A tick of an idle system is two round trips to Redis.
TICK_SECONDS = 0.25
# Many nudges (each finished task gives one) make one tick.
BREATH_SECONDS = 0.005
HELLO_SECONDS = 5.0
REAP_SECONDS = 1.0
# Seconds until an added subscriber gets records.
LEARN_SECONDS = 1.0
FORGET_SECONDS = 10.0
# Files are kept for days, so some minutes more do not matter.
FORGET_FILES_SECONDS = 300.0
# One running and one waiting task per thread: enough to keep it busy, few enough to stay fair.
TASKS_PER_THREAD = 2
# The largest share of all workers' threads that one backlog may hold, so that a failing one (each task a time-out)
# leaves threads to the others.
LARGEST_PART = 0.75


@dataclass(slots=True)
class _Every:
    """An action that is due at intervals."""

    seconds: float
    last: float = field(default=float("-inf"))

    def due(self, now: float) -> bool:
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


@contextmanager
def _alone(lease: Lease) -> Iterator[None]:
    """Log an item that cannot even be marked as failed (its data is unreadable), and go on with the others."""
    try:
        yield
    except redis.RedisError:
        raise
    except Exception:
        log.exception("bury.crashed", item=lease.item)


class Dispatcher:
    """Leases due work and publishes it to Celery. `run` loops until `stop`; `run_once` does one round."""

    def __init__(
        self, context: WorkerContext, carrier: Carrier, *, name: str, threads: int, heartbeat: Heartbeat | None = None
    ) -> None:
        self._context = context
        self._heartbeat = heartbeat or Heartbeat(None)
        self._carrier = carrier
        self._name = name
        self._threads = threads
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._hello, self._reap = _Every(HELLO_SECONDS), _Every(REAP_SECONDS)
        self._forget, self._count, self._learn = _Every(FORGET_SECONDS), _Every(1.0), _Every(LEARN_SECONDS)
        self._forget_files = _Every(FORGET_FILES_SECONDS)
        self._fleet = max(1, threads)
        self._turn, self._in_trouble = 0, False
        self._in_touch_since = time.monotonic()

    def run(self) -> None:
        """Dispatch until stopped. If the ledger or the broker is unreachable or unusable, log it once and wait for it."""
        while not self._stopping.is_set():
            self._heartbeat.beat()
            try:
                self.housekeep()
                self.run_once()
            except (redis.RedisError, OperationalError, LedgerUnusable) as error:
                self._trouble(error)
            except Exception:
                log.exception("dispatcher.crashed")
            else:
                self._well()
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()
            self._stopping.wait(BREATH_SECONDS)

    def nudge(self) -> None:
        """Run a round before the next tick: work is newly due, or a place is free."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` soon, and deregister this worker."""
        self._stopping.set()
        self._wake.set()

    def deregister_worker(self) -> None:
        """Remove this worker from the list; its leases, when they expire, free what it holds."""
        self._context.ledger.deregister_worker(self._name, self._threads)

    def housekeep(self) -> None:
        """Register as alive, take back expired leases and delete old data, each at its own interval."""
        now, ledger = time.monotonic(), self._context.ledger
        self._context.lookout.see()
        if self._context.deferred_writes.settle():
            log.info("ledger.caught_up")
        if self._threads and self._hello.due(now):
            ledger.register_worker(self._name, self._threads)
            announce_new_ledger(self._context)
        if self._threads and self._learn.due(now):
            self._context.keep_sinks_open()
        if self._reap.due(now):
            self.reap()
            index_older_calls(ledger)
        if self._forget.due(now):
            self._forget_old()
        if self._threads and self._forget_files.due(now):
            self._context.forget_old_files_soon()

    def _forget_old(self) -> None:
        """Forget calls past their retention; when memory is short, delivered ones early, so that callbacks are not refused."""
        ledger = self._context.ledger
        now_ms, short = ledger.now_ms(), is_short(read_capacity(ledger))
        forgotten = sum(book.forget_old(now_ms, early=short) for book in ledger.calls.values())
        if short and forgotten:
            log.warning("ledger.forgets_early", calls=forgotten, hint="raise maxmemory, or lower RETENTION_DAYS")
        drop_old(ledger)
        clear_up(ledger)

    def reap(self) -> None:
        """Take back the items of expired leases and dead workers, and mark those that kill workers as failed."""
        context, ledger, alive = self._context, self._context.ledger, self._alive()
        calls, deliveries = list(ledger.calls.values()), list(ledger.deliveries.values())
        backlogs = [*(book.fetches for book in calls), *(book.backlog for book in deliveries)]
        # One round trip, however many accounts and sinks there are.
        pipeline = ledger.client.pipeline(transaction=False)
        for backlog in backlogs:
            backlog.reap_on(pipeline, alive)
        reaped = [read_reaped(answer) for answer in pipeline.execute()]
        for backlog, (again, _) in zip(backlogs, reaped, strict=True):
            if again:
                log.warning("lease.expired", account=backlog.account_sid, backlog=backlog.name, count=again)
        for book, (_, poisoned) in zip(calls, reaped[: len(calls)], strict=True):
            for lease in poisoned:
                with _alone(lease):
                    decide.bury(context, book, lease, "no worker survived fetching it")
        for to_sink, (_, poisoned) in zip(deliveries, reaped[len(calls) :], strict=True):
            for lease in poisoned:
                with _alone(lease):
                    deliver.bury_lease(context, to_sink, lease, "no worker survived delivering it")

    def _alive(self) -> list[str]:
        """Return the workers that reported recently; none while an outage of Redis may have stopped the reports."""
        # This includes the first round after an outage: the others report some seconds later.
        if self._in_trouble or time.monotonic() - self._in_touch_since <= WORKER_SILENCE_SECONDS:
            return []
        return [self._name, *self._context.ledger.workers()]

    def run_once(self, accounts: Collection[str] | None = None) -> int:
        """Lease what is due and publish it, for all accounts or only these; returns how many tasks."""
        if self._count.due(time.monotonic()):
            self._fleet = max(1, self._threads, sum(self._context.ledger.workers().values()))
        wants = self._survey()
        # Tasks held by all backlogs take room, also of those that may have none now.
        room = TASKS_PER_THREAD * self._fleet - sum(want.held for want in wants.values())
        most_each = max(1, int(self._fleet * LARGEST_PART))
        asking = within_places(self._rotated(self._asking(wants, accounts)), wants, self._fleet)
        given = share(room, asking, most_each=most_each)
        for source, tasks in given.items():
            source.release(tasks, self._carrier)
        self._context.ledger.meters.count(metrics.DISPATCHER_TICKS)
        if given:
            self._context.ledger.meters.count(metrics.TASKS_DISPATCHED, by=sum(given.values()))
        return sum(given.values())

    def _survey(self) -> dict[Source, Want]:
        """Count the work in every backlog, in one round trip."""
        ledger, sinks = self._context.ledger, self._context.sinks
        sources: list[Source] = [Fetches(book) for book in ledger.calls.values()]
        sources += [Deliveries(ledger, book, sinks.get(book.sink)) for book in ledger.deliveries.values()]
        pipeline = ledger.client.pipeline(transaction=False)
        for source in sources:
            source.survey_on(pipeline)
        answers = iter(pipeline.execute())
        return {source: source.want(answers, self._fleet) for source in sources}

    def _asking(self, wants: dict[Source, Want], accounts: Collection[str] | None) -> dict[Source, Want]:
        """Leave out the backlogs that may have nothing now: of other accounts than the named, of disabled or failing sinks."""
        states = self._context.ledger.health.states() if accounts is None else {}
        asking: dict[Source, Want] = {}
        for source, want in wants.items():
            if isinstance(source, Fetches):
                if accounts is None or source.book.account.sid in accounts:
                    asking[source] = want
            elif isinstance(source, Deliveries) and accounts is None:
                allowed = source.asks(want, states)
                if allowed is not None:
                    asking[source] = allowed
        return asking

    def _rotated(self, wants: dict[Source, Want]) -> dict[Source, Want]:
        """Begin with another backlog each time, so that the same one does not win every tie."""
        keys = list(wants)
        self._turn = (self._turn + 1) % max(1, len(keys))
        return {key: wants[key] for key in keys[self._turn :] + keys[: self._turn]}

    def _trouble(self, error: Exception) -> None:
        if not self._in_trouble:
            log.error("dispatcher.waiting", error=str(error))
        self._in_trouble = True

    def _well(self) -> None:
        if self._in_trouble:
            log.info("dispatcher.going_on")
            self._in_touch_since = time.monotonic()
        self._in_trouble = False
