"""The sources that the dispatcher leases from: the fetches of an account, and its deliveries to a sink."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

import redis

from worker.fairness import LARGEST_PART_OF_A_SINK, LARGEST_PART_OF_THE_FAILING, Want
from worker.ledger.backlog import Demand
from worker.ledger.bucket import Gate, Look, read_look

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from worker.ledger import Ledger
    from worker.ledger.backlog import Backlog, Lease
    from worker.ledger.calls import CallBook
    from worker.ledger.deliveries import DeliveryBook
    from worker.sinks import Sink
    from worker.tasks import Carrier

# The share of the quota that reconciliation (a fifth) and confirmation (half) leave to live calls.
RECONCILE_RESERVE, CONFIRM_RESERVE = 0.2, 0.5


@contextmanager
def _or_given_back(backlog: Backlog, leases: Sequence[Lease]) -> Iterator[None]:
    """Release unpublished leases, so that their items are due again at once; a message that was sent is then stale."""
    try:
        yield
    except Exception:
        with suppress(redis.RedisError):  # then the leases expire
            backlog.release(leases)
        raise


class Source(Protocol):
    """A source of tasks. One dispatcher round surveys all sources in one round trip."""

    def survey_on(self, pipeline: redis.client.Pipeline) -> None:
        """Queue the survey's commands on a pipeline."""

    def want(self, answers: Iterator[Any], fleet: int) -> Want:
        """Read the replies from an iterator; return how many tasks are due, and how many are leased."""

    def release(self, tasks: int, carrier: Carrier) -> None:
        """Lease this number of tasks and publish them."""


def lane_room(demand: Demand, look: Look) -> list[int]:
    """Return how many calls may be leased from each lane, most urgent first, by the tokens that the bucket has left.

    Leased calls without a token yet are counted against the free tokens. Lower lanes get tokens only while the bucket is
    well filled.
    """
    claims = max(0, demand.leased - look.in_flight)
    if look.gate is Gate.PROBE:
        return [1, 1, 1, 1] if demand.leased == 0 else [0, 0, 0, 0]
    if look.gate is Gate.TRIAL:
        return [1, 1, 1, 1]
    if look.gate is not Gate.OPEN:
        return [0, 0, 0, 0]
    free = max(0, look.free + look.soon - claims)
    spare = max(0, look.free - claims)
    reconcile = min(free, max(1, spare - int(look.limit * RECONCILE_RESERVE)))
    confirm = 0
    if demand.live + demand.retry + demand.reconcile == 0:
        confirm = max(0, spare - int(look.limit * CONFIRM_RESERVE))
    return [free, free, reconcile, confirm]


class Fetches:
    """The calls of an account that are due to be fetched: as many as there are tokens for."""

    def __init__(self, book: CallBook) -> None:
        self.book = book
        self._lanes = [0, 0, 0, 0]

    def survey_on(self, pipeline: redis.client.Pipeline) -> None:
        """Queue the survey of the backlog and the bucket."""
        self.book.fetches.survey_on(pipeline)
        self.book.bucket.look_on(pipeline)

    def want(self, answers: Iterator[Any], fleet: int) -> Want:  # noqa: ARG002  a fetch takes what the bucket allows
        """Return what to lease: one task per call."""
        demand, look = Demand(*next(answers)), read_look(next(answers))
        self._lanes = lane_room(demand, look)
        return Want(min(max(self._lanes), sum(map(min, demand[:4], self._lanes))), demand.leased)

    def release(self, tasks: int, carrier: Carrier) -> None:
        """Lease the most urgent calls."""
        leases = self.book.fetches.lease(tasks, most=self._lanes)
        with _or_given_back(self.book.fetches, leases):
            carrier.fetch(self.book.account.sid, leases)


class Deliveries:
    """An account's records that are due to be delivered to a sink; `sink` is None if this process has not opened it."""

    def __init__(self, ledger: Ledger, book: DeliveryBook, sink: Sink | None) -> None:
        self.book = book
        self._sink = sink
        self._health = ledger.health
        self._rate = ledger.rates.get(book.sink)
        self._concurrency = ledger.sinks[book.sink].concurrency if book.sink in ledger.sinks else None
        self._batch = sink.batch if sink is not None else 1
        self.is_failing = False

    def survey_on(self, pipeline: redis.client.Pipeline) -> None:
        """Queue the survey of the backlog, and of the bucket of the sink's rate."""
        self.book.backlog.survey_on(pipeline)
        if self._rate is not None:
            self._rate.look_on(pipeline)

    def want(self, answers: Iterator[Any], fleet: int) -> Want:  # noqa: ARG002  `places` says what the fleet allows
        """Return what to lease: one task per batch, as many as the rate allows."""
        demand = Demand(*next(answers))
        held = -(-demand.leased // self._batch)
        tasks = -(-demand.due // self._batch)
        if self._rate is not None:
            look = read_look(next(answers))
            tasks = min(tasks, max(0, look.free + look.soon - max(0, held - look.in_flight)))
        return Want(tasks, held)

    def places(self, fleet: int) -> int:
        """Return how many tasks the sink may have at once, from all accounts together."""
        if self.is_failing:
            return 1
        most = max(1, int(fleet * LARGEST_PART_OF_A_SINK))
        return most if self._concurrency is None else min(most, self._concurrency)

    def asks(self, want: Want, states: Mapping[str, Mapping[str, Any]]) -> Want | None:
        """Return what the sink's state allows: nothing if disabled, single deliveries at intervals if failing."""
        state = states.get(self.book.sink, {}).get("state", "active")
        self.is_failing = state == "failing"
        if self._sink is None or state == "disabled" or want.demand <= 0:
            return None
        if self.is_failing:
            # A probe still under way counts, and `may_probe` uses up the turn.
            return Want(1, 0) if want.held == 0 and self._health.may_probe(self.book.sink) else None
        return want

    def release(self, tasks: int, carrier: Carrier) -> None:
        """Lease the most urgent deliveries."""
        # Other dispatchers may have surveyed at the same time.
        out = None if self._concurrency is None else self._concurrency * self._batch
        leases = self.book.backlog.lease(1 if self.is_failing else tasks * self._batch, out=out)
        batches: list[Sequence[Lease]] = [leases[at : at + self._batch] for at in range(0, len(leases), self._batch)]
        with _or_given_back(self.book.backlog, leases):
            carrier.deliver(self.book.account_sid, self.book.sink, batches)


def within_places(asking: Mapping[Source, Want], wants: Mapping[Source, Want], fleet: int) -> dict[Source, Want]:
    """Limit the wanted tasks to the places that each sink, and all failing sinks together, have left.

    `wants` says how many places all accounts hold.
    """
    left: dict[str, int] = {}
    for_failing = max(1, int(fleet * LARGEST_PART_OF_THE_FAILING))
    for source, want in wants.items():
        if isinstance(source, Deliveries):
            name = source.book.sink
            left[name] = left.get(name, source.places(fleet)) - want.held
            for_failing -= want.held if source.is_failing else 0
    cut: dict[Source, Want] = {}
    for source, want in asking.items():
        if isinstance(source, Deliveries):
            name = source.book.sink
            room = min(left[name], for_failing) if source.is_failing else left[name]
            cut[source] = Want(max(0, min(want.demand, room)), want.held)
            left[name] -= cut[source].demand
            for_failing -= cut[source].demand if source.is_failing else 0
        else:
            cut[source] = want
    return cut
