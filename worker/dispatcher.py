"""Moves what is due from the ledger to Celery: one thread in every worker, and no leader.

The scripts are atomic, so any number of dispatchers may run at once. Each keeps the window of work that is out small:
about two tasks for every thread of the fleet, no more calls than there are tokens for, and no backlog more than its share.
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

# How late a call may be noticed to be due. A tick of an idle system is two round trips to Redis.
TICK_SECONDS = 0.25
# A crowd of nudges (each finished task gives one) makes one tick, not many.
BREATH_SECONDS = 0.005
HELLO_SECONDS = 5.0
REAP_SECONDS = 1.0
# How soon a subscriber that was added gets records.
LEARN_SECONDS = 1.0
FORGET_SECONDS = 10.0
# Files are kept for days; how many minutes more is nothing to anybody.
FORGET_FILES_SECONDS = 300.0
# One task that runs and one that is ready for each thread: enough to keep it busy, little enough to stay fair.
TASKS_PER_THREAD = 2
# No backlog may hold more than so much of the fleet's threads, so that one in trouble (each task a time-out) leaves
# threads to the others.
LARGEST_PART = 0.75


@dataclass(slots=True)
class _Every:
    """Something done now and then."""

    seconds: float
    last: float = field(default=float("-inf"))

    def due(self, now: float) -> bool:
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


@contextmanager
def _alone(lease: Lease) -> Iterator[None]:
    """Let an item that cannot even be buried (nobody can read what it holds) keep no other from being taken back."""
    try:
        yield
    except redis.RedisError:
        raise
    except Exception:
        log.exception("bury.crashed", item=lease.item)


class Dispatcher:
    """Leases what is due and publishes it. `run` loops until `stop`; `run_once` does one round."""

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
        self._turn = 0
        self._in_trouble = False
        self._in_touch_since = time.monotonic()

    def run(self) -> None:
        """Dispatch until stopped. The ledger or the broker out of reach, or no longer ours, is told once, and waited for."""
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
        """Something new is due, or a place is free: do not wait for the next tick."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` soon, and take leave of the ledger."""
        self._stopping.set()
        self._wake.set()

    def deregister_worker(self) -> None:
        """Take this worker off the list; what it holds, its leases give back."""
        self._context.ledger.deregister_worker(self._name, self._threads)

    def housekeep(self) -> None:
        """Say hello, take back what expired leases hold, forget what is old: each now and then."""
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
        if self._forget.due(now):
            self._forget_old()
        if self._threads and self._forget_files.due(now):
            self._context.forget_old_files_soon()

    def _forget_old(self) -> None:
        """Forget calls whose time is over; where room is short, those delivered before it, lest callbacks be turned away."""
        ledger = self._context.ledger
        now_ms, short = ledger.now_ms(), is_short(read_capacity(ledger))
        forgotten = sum(book.forget_old(now_ms, early=short) for book in ledger.calls.values())
        if short and forgotten:
            log.warning("ledger.forgets_early", calls=forgotten, hint="raise maxmemory, or lower RETENTION_DAYS")
        drop_old(ledger)
        clear_up(ledger)

    def reap(self) -> None:
        """Take back what expired leases and dead workers hold, and bury what no worker survives."""
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
                    deliver.bury(context, to_sink, lease, "no worker survived delivering it")

    def _alive(self) -> list[str]:
        """The workers heard of lately; nobody as long as that may be because Redis could not be reached."""
        # In the first round after an outage too: the others say hello up to some seconds later.
        if self._in_trouble or time.monotonic() - self._in_touch_since <= WORKER_SILENCE_SECONDS:
            return []
        return [self._name, *self._context.ledger.workers()]

    def run_once(self, accounts: Collection[str] | None = None) -> int:
        """Lease what is due and publish it, for all accounts or only these; returns how many tasks."""
        if self._count.due(time.monotonic()):
            self._fleet = max(1, self._threads, sum(self._context.ledger.workers().values()))
        wants = self._survey()
        # What the others hold takes room too, whoever may have some now.
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
        """Look at every backlog in one round trip."""
        ledger, sinks = self._context.ledger, self._context.sinks
        sources: list[Source] = [Fetches(book) for book in ledger.calls.values()]
        sources += [Deliveries(ledger, book, sinks.get(book.sink)) for book in ledger.deliveries.values()]
        pipeline = ledger.client.pipeline(transaction=False)
        for source in sources:
            source.survey_on(pipeline)
        answers = iter(pipeline.execute())
        return {source: source.want(answers, self._fleet) for source in sources}

    def _asking(self, wants: dict[Source, Want], accounts: Collection[str] | None) -> dict[Source, Want]:
        """Leave out who may have nothing now: the accounts that were not named, the sinks that are not well."""
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
        """Begin with another backlog each time, so that ties are not always won by the same."""
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
