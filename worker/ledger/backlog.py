"""A backlog: a due list with leases. An account's fetches are one backlog, its deliveries to each sink are others.

An item waits in one of four lanes, ordered by due time. Leasing hands it to a worker under a fencing id that only grows; a
report under an older id changes nothing. When a lease expires, the item is due again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.keys import SINKS, of_account

if TYPE_CHECKING:
    import redis

    from worker.ledger.scripts import Argument, Scripts

# If five workers in a row died over an item, the item is the cause (design, section 3).
DEATHS_ALLOWED = 5
# How many expired leases one round takes back; more would block Redis for too long.
REAPED_AT_ONCE = 100
# A message that no worker has begun after this long counts as lost (with a worker that had taken it, or with the broker's
# memory). If it arrives later after all, because all threads were busy, its lease is stale.
BEGIN_SECONDS = 10.0
# How many items one run brings forward: 10 ms of Redis's time.
BROUGHT_FORWARD_AT_ONCE = 2000
# An item that kills its worker does so within seconds; after this wait the previous suspect is done, or known as the cause.
SUSPECTS_APART_SECONDS = 2.0


# The time passed to a script: '' for Redis's own clock, or milliseconds as text, which only tests do.
Clock = Callable[[], str]


def server_clock() -> str:
    """Return '', which makes scripts use Redis's own clock."""
    return ""


class Lane(IntEnum):
    """How urgent an item is; lower numbers are more urgent."""

    LIVE = 1
    RETRY = 2
    RECONCILE = 3
    CONFIRM = 4


class Lease(NamedTuple):
    """A leased item, and the fencing id of its lease."""

    item: str
    id: str


class Demand(NamedTuple):
    """A backlog's work: how many items are due now in each lane, and how many are leased."""

    live: int
    retry: int
    reconcile: int
    confirm: int
    leased: int

    @property
    def due(self) -> int:
        """Return the number of items due now, in all lanes."""
        return self.live + self.retry + self.reconcile + self.confirm


@dataclass(frozen=True, slots=True)
class Claim:
    """A valid lease, and the state of its item. Times are in milliseconds of Redis's clock."""

    lane: Lane
    due: float
    attempts: int
    deaths: int
    now: float


class Reaped(NamedTuple):
    """The result of a round over the expired leases: how many items are due again, and those that kill their workers."""

    again: int
    poisoned: list[Lease]


# How many values `lease.lua` returns per item; for a delivery that is begun at once, two more.
_PARTS, _PARTS_BEGUN = 7, 9


def read_begun(answer: list[bytes]) -> list[tuple[Lease, Claim, bytes, bytes]]:
    """Parse `lease.lua`'s reply for deliveries that are begun at once: lease, claim, record, delivery."""
    rows = zip(*[iter(answer)] * _PARTS_BEGUN, strict=True)
    return [
        (Lease(item.decode(), lease.decode()), _claim(*claim), packed, stored)
        for item, lease, *claim, packed, stored in rows
    ]


def read_claim(answer: list[bytes] | None) -> Claim | None:
    """Parse `claim.lua`'s reply; None for a stale lease."""
    return None if answer is None else _claim(*answer)


def _claim(lane: bytes, due: bytes, attempts: bytes, deaths: bytes, now: bytes) -> Claim:
    return Claim(Lane(int(lane)), float(due), int(attempts), int(deaths), float(now))


class Backlog:
    """A due list with leases, for one account.

    `name` is `fetch`, or `sink:<name>`. `lease_seconds` is how long an item may be leased before it counts as lost; it
    must exceed the longest legitimate step. `worker` is the name under which items are claimed.
    """

    def __init__(
        self,
        scripts: Scripts,
        account_sid: str,
        name: str,
        *,
        lease_seconds: float,
        worker: str = "-",
        clock: Clock = server_clock,
    ) -> None:
        self._scripts = scripts
        self.account_sid = account_sid
        self.name = name
        self.lease_ms = round(lease_seconds * 1000)
        self._worker = worker
        self._clock = clock
        base = of_account(account_sid, name)
        lanes = [f"{base}:due:{lane.name.lower()}" for lane in Lane]
        #: The eight keys that come first in every script of a backlog.
        self.keys: list[str] = [
            *lanes,
            f"{base}:leases",
            f"{base}:fences",
            f"{base}:deaths",
            f"{base}:attempts",
        ]
        self._fence = of_account(account_sid, "fence")

    def due_key(self, lane: Lane) -> str:
        """Return the key of a lane's due list."""
        return self.keys[lane - 1]

    @property
    def leases_key(self) -> str:
        """Return the key of the leases, ordered by expiry."""
        return self.keys[4]

    def survey(self) -> Demand:
        """Return how many items are due and how many are leased."""
        return Demand(*self._scripts.run("backlog/survey", self.keys, [self._clock()]))

    def survey_on(self, pipeline: redis.client.Pipeline) -> None:
        """Queue `survey` on a pipeline; `Demand(*reply)` is its result."""
        self._scripts.run("backlog/survey", self.keys, [self._clock()], pipeline=pipeline)

    def lease(self, room: int, *, most: Sequence[int] | None = None, out: int | None = None) -> list[Lease]:
        """Lease up to `room` due items; `most` limits each lane, `out` the number of leases in all."""
        allowed = list(most) if most is not None else [room] * len(Lane)
        bound: Argument = "" if out is None else out
        args: list[Argument] = [room, *allowed, BEGIN_SECONDS * 1000, self._clock(), "", bound]
        answer = self._scripts.run("backlog/lease", [*self.keys, self._fence], args)
        return [Lease(item.decode(), lease.decode()) for item, lease, *_ in zip(*[iter(answer)] * _PARTS, strict=True)]

    def begin_on(self, pipeline: redis.client.Pipeline, room: int, sink: str) -> None:
        """Queue on a pipeline: lease up to `room` due deliveries, and begin the work on them at once.

        Leases none if the sink is disabled. `read_begun` parses the reply.
        """
        whose: list[Argument] = [self._worker, "", of_account(self.account_sid, ""), sink]
        args: list[Argument] = [room, *[room] * len(Lane), self.lease_ms, self._clock(), *whose]
        self._scripts.run("backlog/lease", [*self.keys, self._fence, SINKS], args, pipeline=pipeline)

    def claim(self, lease: Lease) -> Claim | None:
        """Begin the work on a lease and restart its time; return None if it is stale (or has begun already)."""
        return read_claim(self._scripts.run("backlog/claim", self.keys, self._claiming(lease)))

    def claim_on(self, pipeline: redis.client.Pipeline, lease: Lease, sink: str | None) -> None:
        """Queue `claim` on a pipeline, for `read_claim`; the result is None too if `sink` is given and disabled."""
        keys, args = self.keys, self._claiming(lease)
        if sink is not None:
            keys, args = [*keys, SINKS], [*args, sink]
        self._scripts.run("backlog/claim", keys, args, pipeline=pipeline)

    def _claiming(self, lease: Lease) -> list[Argument]:
        return [lease.item, lease.id, self.lease_ms, self._worker, self._clock()]

    def release(self, leases: Sequence[Lease]) -> int:
        """Release leases whose items were not processed; return how many were still valid."""
        return int(self._scripts.run("backlog/release", self.keys, [part for lease in leases for part in lease]))

    def bring_forward(self) -> int:
        """Make all waiting items due now, in the order of their due times; return how many were due later.

        Leased items, lanes and attempts stay as they are.
        """
        moved, now = 0, self._clock()
        while True:
            args: list[Argument] = [BROUGHT_FORWARD_AT_ONCE, now]
            some, now = self._scripts.run("backlog/bring_forward", self.keys, args)
            moved += int(some)
            # The items that are added meanwhile count as later too; they must not make this loop endless.
            if some < BROUGHT_FORWARD_AT_ONCE:
                return moved

    def reap(self, alive: Sequence[str] = ()) -> Reaped:
        """Take back the items of expired leases; items that kill their workers are returned under a new lease.

        `alive` names the live workers: leases of all others are taken back too. Empty: unknown, so only expired ones.
        """
        return read_reaped(self._scripts.run("backlog/reap", *self._reaping(alive)))

    def reap_on(self, pipeline: redis.client.Pipeline, alive: Sequence[str] = ()) -> None:
        """Queue `reap` on a pipeline, for `read_reaped`."""
        self._scripts.run("backlog/reap", *self._reaping(alive), pipeline=pipeline)

    def _reaping(self, alive: Sequence[str]) -> tuple[list[str], list[Argument]]:
        apart_ms = SUSPECTS_APART_SECONDS * 1000
        args: list[Argument] = [REAPED_AT_ONCE, DEATHS_ALLOWED, self.lease_ms, apart_ms, self._clock(), *alive]
        return [*self.keys, self._fence], args


def read_reaped(answer: list[bytes]) -> Reaped:
    """Parse `reap.lua`'s reply."""
    again, *flat = (part.decode() for part in answer)
    return Reaped(int(again), [Lease(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)])
