"""Deliveries and operators as a state machine: a record is owed to a sink in exactly one place, and counted as pending."""

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
from worker.ledger.backlog import Lane
from worker.ledger.call import Verdict
from worker.ledger.operations.dead_letters import DeadLetterOperations
from worker.ledger.operations.replaying import Fate, Replay, Wanted, calls_between
from worker.ledger.queries.dead_letters import DeadLetter, dead_letters

if TYPE_CHECKING:
    from worker.ledger.deliveries import OwedDelivery
    from worker.process import embedded_redis

SIDS = [f"call{number:04}" for number in range(3)]
SINKS = ("crm", "lake")
ALWAYS = (float("-inf"), float("inf"))


class MendingMachine(RuleBasedStateMachine):
    """Workers deliver, give up and die; operators retry, drop and replay by what they saw a while ago."""

    server: embedded_redis.EmbeddedRedis

    @initialize()
    def begin(self) -> None:
        self.client = redis.Redis.from_url(self.server.url, protocol=2)
        self.client.flushall()
        self.clock = FrozenClock()
        kept = make_settings(self.server.url, sinks="file:crm file:lake")
        self.ledger = Ledger(self.client, kept, clock=self.clock)
        self.book = self.ledger.calls[ACCOUNT]
        self.sinks = [name for _, name in self.ledger.deliveries]
        self.mending = DeadLetterOperations(self.ledger, clock=self.clock)
        self.claims: list[tuple[str, OwedDelivery]] = []
        self.letters: list[DeadLetter] = []  # all that were ever looked at
        self.dead_calls: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.client.close()

    @rule(sid=st.sampled_from(SIDS), outcome=st.sampled_from(["settled", "dead"]), first=st.booleans())
    def decide(self, sid: str, outcome: str, first: bool) -> None:
        """A call becomes known, or is fetched again, and is decided; its record may be meant for one sink only."""
        self.book.admit(make_callback(sid), wait_seconds=0)
        for lease in self.book.fetches.lease(len(SIDS)):
            self.book.claim(lease)
            kind = "completed" if outcome == "settled" else "unavailable"
            sinks = self.sinks[:1] if first else self.sinks
            verdict = Verdict(outcome, 1, event_key=f"1/{kind}", event={"id": "evt"}, sinks=sinks, reason="404")
            assert self.book.decide(lease.item, lease, verdict)
            (self.dead_calls.add if outcome == "dead" else self.dead_calls.discard)(lease.item)

    @rule(sink=st.integers(0, 1), room=st.integers(1, 3))
    def claim(self, sink: int, room: int) -> None:
        book = self.ledger.deliveries[ACCOUNT, self.sinks[sink]]
        for lease in book.backlog.lease(room):
            self.claims.append((book.sink, book.claim(lease)))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), end=st.sampled_from(["delivered", "bury", "postpone"]))
    def end(self, data: st.DataObject, end: str) -> None:
        sink, owed = data.draw(st.sampled_from(self.claims))
        book = self.ledger.deliveries[ACCOUNT, sink]
        if end == "postpone":
            book.postpone(owed, "503", wait_seconds=1, attempt=True)
        else:
            getattr(book, end)(owed, end)

    @rule()
    def look(self) -> None:
        self.letters += dead_letters(self.ledger)

    @precondition(lambda self: self.letters)
    @rule(data=st.data(), retry=st.booleans())
    def mend(self, data: st.DataObject, retry: bool) -> None:
        letter = data.draw(st.sampled_from(self.letters))
        as_it_was = letter in list(dead_letters(self.ledger))
        changed = (self.mending.retry if retry else self.mending.drop)([letter])
        assert changed.calls + changed.deliveries == int(as_it_was)
        if as_it_was and letter.sink is None:
            self.dead_calls.discard(letter.call_sid)

    @rule(only_missing=st.booleans())
    def replay(self, only_missing: bool) -> None:
        plan = Replay(self.ledger, Wanted(only_missing=only_missing), clock=self.clock)
        before = sum(map(len, self.owed().values()))
        dead = sum(len(self.dead_in(sink)) for sink in self.sinks)
        counts = [count for _, count in plan.run(calls_between(self.ledger, {ACCOUNT: ALWAYS}))]
        queued = sum(count[sink, Fate.QUEUED] for count in counts for sink in self.sinks)
        revived = dead - sum(len(self.dead_in(sink)) for sink in self.sinks)
        assert sum(map(len, self.owed().values())) == before + queued - revived

    @rule(seconds=st.sampled_from([0.5, 100, 8 * 86_400]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for book in self.ledger.deliveries.values():
            book.backlog.reap()
        self.book.forget_old(self.clock.now_ms)

    def dead_in(self, sink: str) -> list[bytes]:
        return self.client.zrange(self.ledger.deliveries[ACCOUNT, sink].dead_key, 0, -1)

    def owed(self) -> dict[str, list[bytes]]:
        """What is owed to each sink, once for each place in which it stands: due, leased or dead."""
        places = {}
        for sink in self.sinks:
            backlog = self.ledger.deliveries[ACCOUNT, sink].backlog
            keys = [*(backlog.due_key(lane) for lane in Lane), backlog.leases_key]
            places[sink] = [item for key in keys for item in self.client.zrange(key, 0, -1)] + self.dead_in(sink)
        return places

    @invariant()
    def a_record_is_owed_to_a_sink_in_one_place(self) -> None:
        for items in self.owed().values() if hasattr(self, "book") else ():
            assert len(items) == len(set(items))

    @invariant()
    def what_is_owed_of_a_call_is_what_it_waits_for(self) -> None:
        if not hasattr(self, "book"):
            return
        owed = [item.decode().partition("/")[0] for items in self.owed().values() for item in items]
        for sid in SIDS:
            assert owed.count(sid) == int(self.client.hget(self.book.key("deliveries", sid), "pending") or 0)

    @invariant()
    def nothing_that_is_owed_is_forgotten(self) -> None:
        for sink, items in self.owed().items() if hasattr(self, "book") else ():
            for item in items:
                sid, _, event_key = item.decode().partition("/")
                assert self.book.event(sid, event_key) is not None
                state = self.client.hget(self.book.key("deliveries", sid), f"{sink}/{event_key}")
                assert state is not None

    @invariant()
    def dead_calls_are_those_that_were_given_up_on_and_not_mended(self) -> None:
        if hasattr(self, "book"):
            assert {raw.decode() for raw in self.client.zrange(self.book.key("dead"), 0, -1)} == self.dead_calls


def test_a_record_is_owed_to_a_sink_in_one_place_whoever_mends_it(redis_server):
    MendingMachine.server = redis_server
    run_state_machine_as_test(MendingMachine, settings=settings(max_examples=40, stateful_step_count=40, deadline=None))
