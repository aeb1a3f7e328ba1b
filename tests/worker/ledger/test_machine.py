"""The ledger as a state machine: whatever happens in whatever order, every unfinished call is in exactly one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from factories import ACCOUNT, FrozenClock, make_callback, make_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from worker.ledger import Ledger
from worker.ledger.backlog import Lane, Lease
from worker.ledger.call import OwedCall, Verdict
from worker.ledger.operations.refetching import Refetch, fetch_again

if TYPE_CHECKING:
    from worker.process import embedded_redis

SIDS = [f"call{number:04}" for number in range(4)]


class LedgerMachine(RuleBasedStateMachine):
    """Calls are admitted, leased, claimed, put back, settled and given up by workers that may die at any moment."""

    server: embedded_redis.EmbeddedRedis

    @initialize()
    def begin(self) -> None:
        self.client = redis.Redis.from_url(self.server.url, protocol=2)
        self.client.flushall()
        self.clock = FrozenClock()
        self.ledger = Ledger(self.client, make_settings(self.server.url), clock=self.clock)
        self.book = self.ledger.calls[ACCOUNT]
        self.accepted: set[str] = set()
        self.settled: set[str] = set()
        self.dead: set[str] = set()
        self.confirming: set[str] = set()
        self.leases: list[Lease] = []  # every lease ever given, current or stale
        self.claims: list[OwedCall] = []
        self.current: dict[str, str] = {}  # item -> the lease that counts

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.client.close()

    @rule(sid=st.sampled_from(SIDS), ended=st.booleans(), wait=st.sampled_from([0, 1, 120]))
    def admit(self, sid: str, ended: bool, wait: int) -> None:
        new = self.book.admit(make_callback(sid, ended=ended), wait_seconds=wait)
        assert new == (sid not in self.accepted)
        self.accepted.add(sid)

    @rule(room=st.integers(1, 4))
    def lease(self, room: int) -> None:
        for lease in self.book.fetches.lease(room):
            assert lease.item not in self.current, "leased to two at once"
            self.current[lease.item] = lease.id
            self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        claimed_before = any(call.lease == lease for call in self.claims)
        call = self.book.claim(lease)
        assert (call is not None) == (self.current.get(lease.item) == lease.id and not claimed_before)
        if call is not None:
            self.claims.append(call)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), attempt=st.booleans(), lane=st.sampled_from([None, Lane.RETRY]))
    def postpone(self, data: st.DataObject, attempt: bool, lane: Lane | None) -> None:
        call = data.draw(st.sampled_from(self.claims))
        done = self.book.postpone(call, wait_seconds=1, attempt=attempt, settle_seconds=2, lane=lane)
        self._result(call, done)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=st.sampled_from(["settled", "dead"]), confirm=st.sampled_from([None, 1.0]))
    def decide(self, data: st.DataObject, outcome: str, confirm: float | None) -> None:
        call = data.draw(st.sampled_from(self.claims))
        sid = call.call_sid
        confirm = confirm if outcome == "settled" else None
        verdict = Verdict(outcome, 1, event_key="1/completed", event={"id": sid}, confirm_seconds=confirm)
        if self._result(call, self.book.decide(sid, call.lease, verdict)):
            (self.settled if outcome == "settled" else self.dead).add(sid)
            if outcome == "settled":
                self.dead.discard(sid)
            (self.confirming.add if confirm else self.confirming.discard)(sid)

    def _result(self, call: OwedCall, done: bool) -> bool:
        assert done == (self.current.get(call.call_sid) == call.lease.id), "only the current lease may speak"
        if done:
            del self.current[call.call_sid]
        return done

    @rule(sid=st.sampled_from(SIDS))
    def refetch(self, sid: str) -> None:
        """An operator wants a call fetched, whatever there is of it."""
        due = [self.client.zscore(self.book.fetches.due_key(lane), sid) for lane in Lane]
        found = fetch_again(self.ledger, sid, clock=self.clock)
        if sid not in self.accepted:
            assert found is None
        elif sid in self.current or any(moment is not None and moment <= self.clock.now_ms for moment in due):
            assert found is Refetch.UNDER_WAY
        elif any(due):
            assert found is (Refetch.CONFIRM if due[-1] else Refetch.SOONER)
        else:
            assert found is (Refetch.RETRIED if sid in self.dead else Refetch.CONFIRM)
            self.dead.discard(sid)
            self.confirming.add(sid)

    @rule(seconds=st.sampled_from([0.5, 1, 60, 400]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def reap(self) -> None:
        self.book.fetches.reap()
        held = {raw.decode(): fence.split()[0].decode() for raw, fence in self._fences().items()}
        for item, lease in held.items():
            if self.current.get(item) != lease:
                self.leases.append(Lease(item, lease))  # handed over to be buried
        self.current = held

    def _fences(self) -> dict[bytes, bytes]:
        return self.client.hgetall(self.book.fetches.keys[5])

    @invariant()
    def every_unfinished_call_is_in_exactly_one_place(self) -> None:
        if not hasattr(self, "book"):
            return
        lanes = [set(self.client.zrange(self.book.fetches.due_key(lane), 0, -1)) for lane in Lane]
        places = [*lanes, set(self.client.zrange(self.book.fetches.leases_key, 0, -1))]
        for sid in self.accepted:
            count = sum(sid.encode() in place for place in places)
            finished = sid in (self.settled | self.dead)
            assert count == 1 or (count == 0 and finished and sid not in self.confirming - set(self.current))

    @invariant()
    def leases_and_fences_agree(self) -> None:
        if hasattr(self, "book"):
            assert set(self._fences()) == set(self.client.zrange(self.book.fetches.leases_key, 0, -1))


def test_every_unfinished_call_is_in_exactly_one_place(redis_server):
    LedgerMachine.server = redis_server
    run_state_machine_as_test(LedgerMachine, settings=settings(max_examples=30, stateful_step_count=40, deadline=None))
