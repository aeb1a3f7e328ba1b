"""One due list with leases: the fetches of an account are one backlog, its deliveries to each sink are others.

An item waits in one of four lanes, by the time at which something is to be done. Leasing gives it out under a fencing id
that only grows; whatever is reported under an older id changes nothing. A lease that runs out makes the item due again.
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

# Five workers in a row that did not survive an item: it is the item (design, section 3).
DEATHS_ALLOWED = 5
# How many expired leases one round takes back; more would hold Redis up while everybody waits.
REAPED_AT_ONCE = 100
# A message that nobody has begun to work on after so long is taken for lost (with a worker that had taken it, or with the
# broker's memory). Should it turn up all the same, because all threads were busy, its lease is stale.
BEGIN_SECONDS = 10.0
# Whoever kills its worker does so within a few seconds; in so long the suspect before is done, or known to be the one.
SUSPECTS_APART_SECONDS = 2.0


# What a script is given as the time: '' for Redis's own clock, or milliseconds as text, which only tests do.
Clock = Callable[[], str]


def server_clock() -> str:
    """Let Redis's own clock count."""
    return ""


class Lane(IntEnum):
    """How urgent an item is; the lower, the sooner."""

    LIVE = 1
    RETRY = 2
    RECONCILE = 3
    CONFIRM = 4


class Lease(NamedTuple):
    """An item given out, and the fencing id it is held under."""

    item: str
    id: str


class Demand(NamedTuple):
    """What a backlog has to do: due now in each lane, and how many items are leased."""

    live: int
    retry: int
    reconcile: int
    confirm: int
    leased: int

    @property
    def due(self) -> int:
        """Items due now, in all lanes."""
        return self.live + self.retry + self.reconcile + self.confirm


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease that is still ours, and what is known of its item. Times are in milliseconds of Redis's clock."""

    lane: Lane
    due: float
    attempts: int
    deaths: int
    now: float


class Reaped(NamedTuple):
    """What a round over the expired leases found: how many are due again, and whom nobody survives."""

    again: int
    poisoned: list[Lease]


# What the script for leasing answers of each item; of a delivery that begins at once, two parts more.
_PARTS, _PARTS_BEGUN = 7, 9


def read_begun(answer: list[bytes]) -> list[tuple[Lease, Claim, bytes, bytes]]:
    """Read what the script for leasing has answered of deliveries: the lease, the claim, the record, the delivery."""
    rows = zip(*[iter(answer)] * _PARTS_BEGUN, strict=True)
    return [
        (Lease(item.decode(), lease.decode()), _claim(*claim), packed, stored)
        for item, lease, *claim, packed, stored in rows
    ]


def read_claim(answer: list[bytes] | None) -> Claim | None:
    """Read what the script for claiming has answered."""
    return None if answer is None else _claim(*answer)


def _claim(lane: bytes, due: bytes, attempts: bytes, deaths: bytes, now: bytes) -> Claim:
    return Claim(Lane(int(lane)), float(due), int(attempts), int(deaths), float(now))


class Backlog:
    """A due list with leases, for one account.

    `name` is `fetch`, or `sink:<name>`. `lease_seconds` is how long an item may be out before it counts as lost; it has
    to exceed the longest legitimate step. `worker` is in whose name items are claimed.
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
        #: The eight keys that every script of a backlog has first.
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
        """The key of the leases, by expiry."""
        return self.keys[4]

    def survey(self) -> Demand:
        """Count what is due and what is leased."""
        return Demand(*self._scripts.run("backlog/survey", self.keys, [self._clock()]))

    def survey_on(self, pipeline: redis.client.Pipeline) -> None:
        """Queue the same on a pipeline, whose answer makes a `Demand`."""
        self._scripts.run("backlog/survey", self.keys, [self._clock()], pipeline=pipeline)

    def lease(self, room: int, *, most: Sequence[int] | None = None, out: int | None = None) -> list[Lease]:
        """Lease up to `room` items that are due; `most` says how many at most from each lane, `out` how many may be out."""
        allowed = list(most) if most is not None else [room] * len(Lane)
        bound: Argument = "" if out is None else out
        args: list[Argument] = [room, *allowed, BEGIN_SECONDS * 1000, self._clock(), "", bound]
        answer = self._scripts.run("backlog/lease", [*self.keys, self._fence], args)
        return [Lease(item.decode(), lease.decode()) for item, lease, *_ in zip(*[iter(answer)] * _PARTS, strict=True)]

    def begin_on(self, pipeline: redis.client.Pipeline, room: int, sink: str) -> None:
        """Queue on a pipeline: lease up to `room` deliveries that are due, and begin the work on them at once.

        None where the sink is disabled. `read_begun` reads the answer.
        """
        whose: list[Argument] = [self._worker, "", of_account(self.account_sid, ""), sink]
        args: list[Argument] = [room, *[room] * len(Lane), self.lease_ms, self._clock(), *whose]
        self._scripts.run("backlog/lease", [*self.keys, self._fence, SINKS], args, pipeline=pipeline)

    def claim(self, lease: Lease) -> Claim | None:
        """Begin the work on a lease, which runs anew from here; None if it is no longer ours (or has begun already)."""
        return read_claim(self._scripts.run("backlog/claim", self.keys, self._claiming(lease)))

    def claim_on(self, pipeline: redis.client.Pipeline, lease: Lease, sink: str | None) -> None:
        """Queue the same on a pipeline, whose answer `read_claim` reads; None too where the `sink`, if any, is disabled."""
        keys, args = self.keys, self._claiming(lease)
        if sink is not None:
            keys, args = [*keys, SINKS], [*args, sink]
        self._scripts.run("backlog/claim", keys, args, pipeline=pipeline)

    def _claiming(self, lease: Lease) -> list[Argument]:
        return [lease.item, lease.id, self.lease_ms, self._worker, self._clock()]

    def release(self, leases: Sequence[Lease]) -> int:
        """Give back what nothing was done about; returns how many were still ours."""
        return int(self._scripts.run("backlog/release", self.keys, [part for lease in leases for part in lease]))

    def reap(self, alive: Sequence[str] = ()) -> Reaped:
        """Take back what expired leases hold; items that nobody survives come back under a lease of the caller's.

        `alive` names the workers that are: what any other has begun is taken back too. Empty: nobody knows.
        """
        return read_reaped(self._scripts.run("backlog/reap", *self._reaping(alive)))

    def reap_on(self, pipeline: redis.client.Pipeline, alive: Sequence[str] = ()) -> None:
        """Queue the same on a pipeline, for `read_reaped`."""
        self._scripts.run("backlog/reap", *self._reaping(alive), pipeline=pipeline)

    def _reaping(self, alive: Sequence[str]) -> tuple[list[str], list[Argument]]:
        apart_ms = SUSPECTS_APART_SECONDS * 1000
        args: list[Argument] = [REAPED_AT_ONCE, DEATHS_ALLOWED, self.lease_ms, apart_ms, self._clock(), *alive]
        return [*self.keys, self._fence], args


def read_reaped(answer: list[bytes]) -> Reaped:
    """Return what `backlog/reap` answered."""
    again, *flat = (part.decode() for part in answer)
    return Reaped(int(again), [Lease(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)])
