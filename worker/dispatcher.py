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

from worker.fairness import Want, share
from worker.ledger.backlog import Backlog, Demand, Lease
from worker.ledger.bucket import Gate, Look, read_look
from worker.steps import decide, deliver

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from worker.tasks import Carrier
    from worker.workshop import Workshop

log = structlog.get_logger(__name__)

# How late a call may be noticed to be due. A tick of an idle system is two round trips to Redis.
TICK_SECONDS = 0.25
# A crowd of nudges (each finished task gives one) makes one tick, not many.
BREATH_SECONDS = 0.005
HELLO_SECONDS = 5.0
REAP_SECONDS = 1.0
FORGET_SECONDS = 10.0
# One task that runs and one that is ready for each thread: enough to keep it busy, little enough to stay fair.
TASKS_PER_THREAD = 2
# No backlog may hold more than so much of the fleet's threads, so that one in trouble (each task a time-out) leaves
# threads to the others.
LARGEST_PART = 0.75
# Reconciliation leaves a fifth of the quota to live calls, confirmation half.
RECONCILE_RESERVE, CONFIRM_RESERVE = 0.2, 0.5


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


def lane_room(demand: Demand, look: Look) -> list[int]:
    """How many calls may be leased from each lane, most urgent first, by what the bucket has left.

    Calls that are out but hold no token yet have a claim on what is free. A lower lane is let in only while the bucket
    is comfortably full.
    """
    claims = max(0, demand.leased - look.flying)
    if look.gate is Gate.PROBE:
        return [1, 1, 1, 1] if demand.leased == 0 else [0, 0, 0, 0]
    if look.gate is not Gate.OPEN:
        return [0, 0, 0, 0]
    free = max(0, look.free + look.soon - claims)
    spare = max(0, look.free - claims)
    reconcile = min(free, max(1, spare - int(look.limit * RECONCILE_RESERVE)))
    confirm = 0
    if demand.live + demand.retry + demand.reconcile == 0:
        confirm = max(0, spare - int(look.limit * CONFIRM_RESERVE))
    return [free, free, reconcile, confirm]


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

    def __init__(self, shop: Workshop, carrier: Carrier, *, name: str, threads: int) -> None:
        self._shop = shop
        self._carrier = carrier
        self._name = name
        self._threads = threads
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._hello, self._reap = _Every(HELLO_SECONDS), _Every(REAP_SECONDS)
        self._forget, self._count = _Every(FORGET_SECONDS), _Every(1.0)
        self._fleet = max(1, threads)
        self._turn = 0
        self._in_trouble = False

    def run(self) -> None:
        """Dispatch until stopped. The ledger or the broker out of reach is reported once, and waited for."""
        while not self._stopping.is_set():
            try:
                self.keep_house()
                self.run_once()
            except (redis.RedisError, OperationalError) as error:
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

    def say_goodbye(self) -> None:
        """Take this worker off the list; what it holds, its leases give back."""
        self._shop.ledger.say_goodbye(self._name, self._threads)

    def keep_house(self) -> None:
        """Say hello, take back what expired leases hold, forget what is old: each now and then."""
        now, ledger = time.monotonic(), self._shop.ledger
        if self._threads and self._hello.due(now):
            if ledger.open():
                log.warning("ledger.new", hint="nothing was stored in this Redis before: did it lose its data?")
            ledger.say_hello(self._name, self._threads)
        if self._reap.due(now):
            self.reap()
        if self._forget.due(now):
            now_ms = ledger.now_ms()
            for book in ledger.calls.values():
                book.forget_old(now_ms)

    def reap(self) -> None:
        """Take back what expired leases hold, and bury what no worker survives."""
        for book in self._shop.ledger.calls.values():
            again, poisoned = book.fetches.reap()
            if again:
                log.warning("lease.expired", account=book.account.sid, backlog=book.fetches.name, count=again)
            for lease in poisoned:
                with _alone(lease):
                    decide.bury(self._shop, book, lease, "no worker survived fetching it")
        for deliveries in self._shop.ledger.deliveries.values():
            again, poisoned = deliveries.backlog.reap()
            if again:
                log.warning(
                    "lease.expired",
                    account=deliveries.account_sid,
                    backlog=deliveries.backlog.name,
                    count=again,
                )
            for lease in poisoned:
                with _alone(lease):
                    deliver.bury(deliveries, lease, "no worker survived delivering it")

    def run_once(self, accounts: Collection[str] | None = None) -> int:
        """Lease what is due and publish it, for all accounts or only these; returns how many tasks."""
        if self._count.due(time.monotonic()):
            self._fleet = max(1, self._threads, sum(self._shop.ledger.workers().values()))
        surveyed = self._survey()
        fetch_lanes = {key: lanes for key, (_, lanes) in surveyed.items() if lanes is not None}
        wants = {key: self._want(key, demand, fetch_lanes.get(key)) for key, (demand, _) in surveyed.items()}
        # What the others hold takes room too, whoever may have some now.
        room = TASKS_PER_THREAD * self._fleet - sum(want.held for want in wants.values())
        most_each = max(1, int(self._fleet * LARGEST_PART))
        disabled = self._shop.ledger.sink_states() if accounts is None else {}
        asking = {key: want for key, want in wants.items() if self._may_have(key, accounts, disabled)}
        given = share(room, self._rotated(asking), most_each=most_each)
        for key, tasks in given.items():
            self._release(key, tasks, fetch_lanes.get(key))
        return sum(given.values())

    def _may_have(
        self, key: tuple[str, str | None], accounts: Collection[str] | None, disabled: Collection[str]
    ) -> bool:
        account_sid, sink = key
        if sink is None:
            return accounts is None or account_sid in accounts
        return accounts is None and sink in self._shop.sinks and sink not in disabled

    def _survey(self) -> dict[tuple[str, str | None], tuple[Demand, list[int] | None]]:
        """Look at every backlog in one round trip: (account, None) is the fetches, (account, sink) a sink's."""
        ledger = self._shop.ledger
        pipeline = ledger.client.pipeline(transaction=False)
        books, deliveries = list(ledger.calls.values()), list(ledger.deliveries.values())
        for calls in books:
            calls.fetches.survey_on(pipeline)
            calls.bucket.look_on(pipeline)
        for book in deliveries:
            book.backlog.survey_on(pipeline)
        answers = iter(pipeline.execute())
        surveyed: dict[tuple[str, str | None], tuple[Demand, list[int] | None]] = {}
        for calls in books:
            demand, look = Demand(*next(answers)), read_look(next(answers))
            surveyed[calls.account.sid, None] = demand, lane_room(demand, look)
        for book in deliveries:
            surveyed[book.account_sid, book.sink] = Demand(*next(answers)), None
        return surveyed

    def _want(self, key: tuple[str, str | None], demand: Demand, lanes: Sequence[int] | None) -> Want:
        if lanes is not None:
            free = max(lanes)
            return Want(min(free, sum(map(min, demand[:4], lanes))), demand.leased)
        batch = self._batch(key)
        return Want(-(-demand.due // batch), -(-demand.leased // batch))

    def _release(self, key: tuple[str, str | None], tasks: int, lanes: Sequence[int] | None) -> None:
        account_sid, sink = key
        if sink is None:
            leases = self._shop.ledger.calls[account_sid].fetches.lease(tasks, most=lanes)
            self._carrier.fetch(account_sid, leases)
            return
        batch = self._batch(key)
        backlog: Backlog = self._shop.ledger.deliveries[account_sid, sink].backlog
        leases = backlog.lease(tasks * batch)
        batches: list[Sequence[Lease]] = [leases[at : at + batch] for at in range(0, len(leases), batch)]
        self._carrier.deliver(account_sid, sink, batches)

    def _batch(self, key: tuple[str, str | None]) -> int:
        sink = self._shop.sinks.get(key[1]) if key[1] is not None else None
        return sink.batch if sink is not None else 1

    def _rotated(self, wants: dict[tuple[str, str | None], Want]) -> dict[tuple[str, str | None], Want]:
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
        self._in_trouble = False
