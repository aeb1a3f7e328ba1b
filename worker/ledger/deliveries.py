"""The deliveries of one account's records to one sink: claim, postpone and finish them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from worker.ledger.backlog import Backlog, Claim, Clock, Lease, read_begun, read_claim, server_clock
from worker.ledger.codec import unpack_event
from worker.ledger.keys import LEDGER, of_account
from worker.ledger.registry.subscribers import CHANGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from worker.errors import LastAnswer
    from worker.ledger.scripts import Argument, Scripts

# A webhook may take 15 s to connect and 15 s to answer; the rest is margin for a slow Redis or disk.
LEASE_SECONDS = 60.0
# How many attempts of a delivery are kept in its history.
ATTEMPTS_KEPT = 20


# Bodies of answers are kept of the first attempt and of so many last ones: ten attempts of 100,000 waiting deliveries would
# take half a gigabyte.
_LAST_BODIES = 2


@dataclass(frozen=True, slots=True)
class Told:
    """What an attempt tells beside its outcome: the seconds it took, the answer's HTTP status, the masked start of its body."""

    seconds: float
    status: int | None = None
    body: str = ""

    def as_document(self) -> dict[str, Any]:
        """Return it as the ledger keeps it; what there was not is left out."""
        return {
            "seconds": round(self.seconds, 3),
            **({} if self.status is None else {"status": self.status}),
            **({"body": self.body} if self.body else {}),
        }


@dataclass(frozen=True, slots=True)
class OwedDelivery:
    """A leased delivery: the record, and the attempts so far."""

    lease: Lease
    claim: Claim
    event: dict[str, Any]
    attempts: tuple[dict[str, Any], ...]

    @property
    def call_sid(self) -> str:
        """Return the CallSid of the record."""
        return self.lease.item.partition("/")[0]

    @property
    def event_key(self) -> str:
        """Return the record's `<revision>/<kind>`."""
        return self.lease.item.partition("/")[2]

    def seconds_left(self, schedule: Sequence[float]) -> float:
        """Return the seconds from now to the end of a schedule that began with the first attempt; negative past it."""
        # A retry by an operator begins a new schedule; the attempts before it are still listed.
        attempts = self.attempts[-self.claim.attempts :] if self.claim.attempts else ()
        began_ms = attempts[0]["at"] if attempts else self.claim.now
        return sum(schedule) - (self.claim.now - began_ms) / 1000

    def attempted(
        self, answer: str, state: str, *, told: Told | None = None, last_answer: LastAnswer | None = None
    ) -> str:
        """Return the delivery's JSON with one more attempt, whose outcome was `answer`."""
        step = {"at": round(self.claim.now), "answer": answer, **(told.as_document() if told else {})}
        first, *others = [*self.attempts, step][-ATTEMPTS_KEPT:]
        between, last = others[:-_LAST_BODIES], others[-_LAST_BODIES:]
        attempts = [first, *({key: each[key] for key in each if key != "body"} for each in between), *last]
        document: dict[str, Any] = {"state": state, "attempts": attempts}
        if last_answer is not None:
            document["last_answer"] = asdict(last_answer)
        # Escaped, an answer in Hindi would be three times as long.
        return json.dumps(document, ensure_ascii=False)


class Claimed(NamedTuple):
    """Deliveries whose work is begun, and the version of the subscribers (`Register.changes`) at that moment."""

    owed: list[OwedDelivery]
    sinks_version: int


def _owed(lease: Lease, claim: Claim, packed: bytes, delivery: bytes | None) -> OwedDelivery:
    attempts = json.loads(delivery or b"{}").get("attempts", [])
    return OwedDelivery(lease, claim, unpack_event(packed), tuple(attempts))


class DeliveryBook:
    """Everything about the deliveries of one account to one sink; its backlog is `backlog`."""

    def __init__(
        self,
        client: redis.Redis,
        scripts: Scripts,
        account_sid: str,
        sink: str,
        *,
        retention_seconds: float,
        worker: str = "-",
        clock: Clock = server_clock,
    ) -> None:
        self.account_sid = account_sid
        self.sink = sink
        self._client: Any = client  # its answers are bytes, which redis-py's types cannot say
        self._scripts = scripts
        self._clock = clock
        self._retention_ms = retention_seconds * 1000
        self.backlog = Backlog(
            scripts, account_sid, f"sink:{sink}", lease_seconds=LEASE_SECONDS, worker=worker, clock=clock
        )

    def key(self, *parts: str) -> str:
        """Return a key of this account."""
        return of_account(self.account_sid, *parts)

    @property
    def dead_key(self) -> str:
        """Return the key of this sink's dead letters."""
        return self.key(f"sink:{self.sink}", "dead")

    def claim(self, lease: Lease) -> OwedDelivery | None:
        """Begin the work on a leased delivery, whatever the sink's state; return None if the lease is stale."""
        owed = self._claim([lease], sink=None).owed
        return owed[0] if owed else None

    def claim_all(self, leases: Sequence[Lease]) -> Claimed:
        """Begin the work on leased deliveries in one round trip; return those whose lease is still valid.

        Returns none of them if the sink has been disabled meanwhile.
        """
        return self._claim(leases, sink=self.sink)

    def _claim(self, leases: Sequence[Lease], *, sink: str | None) -> Claimed:
        pipeline = self._client.pipeline(transaction=False)
        for lease in leases:
            self.backlog.claim_on(pipeline, lease, sink)
            self._read_on(pipeline, lease)
        # Last: a change that was answered before the work began is seen.
        pipeline.hget(LEDGER, CHANGES)
        *replies, sinks_version = pipeline.execute()
        answers = iter(replies)
        # Each has three replies: the claim, the record, the delivery.
        found = [(read_claim(claim), next(answers), next(answers)) for claim in answers]
        owed = [
            _owed(lease, claim, packed, delivery)
            for lease, (claim, packed, delivery) in zip(leases, found, strict=True)
            if claim is not None
        ]
        return Claimed(owed, int(sinks_version or 0))

    def _read_on(self, pipeline: redis.client.Pipeline, lease: Lease) -> None:
        call_sid, _, event_key = lease.item.partition("/")
        pipeline.hget(self.key("events", call_sid), event_key)
        pipeline.hget(self.key("deliveries", call_sid), f"{self.sink}/{event_key}")

    def delivered(self, delivery: OwedDelivery, answer: str) -> bool:
        """Finish a delivery: the sink has the record. Returns False if the lease was stale (it may be sent again)."""
        return bool(self._finish(delivery, "delivered", answer))

    def delivered_all(
        self, deliveries: Sequence[OwedDelivery], answer: str, *, room: int, told: Told | None = None
    ) -> list[OwedDelivery]:
        """Finish several deliveries, and begin the work on up to `room` others in the same round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for delivery in deliveries:
            self._finish(delivery, "delivered", answer, told=told, pipeline=pipeline)
        if room:
            self.backlog.begin_on(pipeline, room, self.sink)
        answers = pipeline.execute()
        return [_owed(*begun) for begun in read_begun(answers[-1])] if room else []

    def bury(
        self,
        delivery: OwedDelivery,
        answer: str,
        *,
        told: Told | None = None,
        last_answer: LastAnswer | None = None,
    ) -> bool:
        """Make a delivery a dead letter, which stays until an operator retries or drops it.

        Only dead letters keep the whole of the sink's last answer: for all waiting deliveries it would take too much memory.
        """
        return bool(self._finish(delivery, "dead", answer, told=told, last_answer=last_answer))

    def postpone(
        self, delivery: OwedDelivery, answer: str, *, wait_seconds: float, attempt: bool, told: Told | None = None
    ) -> bool:
        """Put a delivery back, due again after `wait_seconds`; `attempt`: whether it uses up one attempt of the schedule."""
        note = delivery.attempted(answer, "waiting", told=told) if attempt else ""
        args: list[Argument] = [
            delivery.lease.item,
            delivery.lease.id,
            self.sink,
            wait_seconds * 1000,
            int(attempt),
            note,
            self._clock(),
        ]
        keys = [*self.backlog.keys, self.key("deliveries", delivery.call_sid)]
        return bool(self._scripts.run("backlog/redeliver", keys, args))

    def look_on(self, pipeline: redis.client.Pipeline, *, among: int) -> None:
        """Queue on a pipeline: count the deliveries and measure their waits, as `CallBook.look_on` does."""
        keys = [*self.backlog.keys, self.key("totals"), self.dead_key]
        args: list[Argument] = [self.key("deliveries", ""), self.sink, among, self._clock()]
        self._scripts.run("backlog/look_at_deliveries", keys, args, pipeline=pipeline)

    def _finish(
        self,
        delivery: OwedDelivery,
        outcome: str,
        answer: str,
        *,
        told: Told | None = None,
        last_answer: LastAnswer | None = None,
        pipeline: redis.client.Pipeline | None = None,
    ) -> Any:
        keys = [
            *self.backlog.keys,
            self.key("deliveries", delivery.call_sid),
            self.key("forget"),
            self.key("totals"),
            self.dead_key,
        ]
        args: list[Argument] = [
            delivery.lease.item,
            delivery.lease.id,
            self.sink,
            outcome,
            delivery.attempted(answer, outcome, told=told, last_answer=last_answer),
            self._retention_ms,
            self._clock(),
        ]
        return self._scripts.run("backlog/delivered", keys, args, pipeline=pipeline)
