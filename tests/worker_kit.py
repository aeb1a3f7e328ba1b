"""A context with one account, a pretend Exotel, and a ledger whose clock moves only when it is told to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from factories import ACCOUNT, FrozenClock, make_callback, make_settings
from payloads.samples import ANSWERS
from stubs import answer

from worker.context import WorkerContext
from worker.ledger import Ledger
from worker.ledger.backlog import Lane
from worker.ledger.queries.lookup import CallHistory, call_history
from worker.sinks.base import Sink
from worker.steps.fetch import fetch_call

if TYPE_CHECKING:
    from worker.ledger.backlog import Lease

SID = ANSWERS["S1"].call_sid


def legs_answer(call_sid=SID, *, legs=3, total=None, statuses=(), numbers=(), **headers):
    """An answer of the Legs API like S1 (an outbound call: caller, then two callees), about any call."""
    document = json.loads(ANSWERS["S1"].body.replace(SID.encode(), call_sid.encode()))
    document["legs"] = document["legs"][:legs]
    document["MetaData"] = {"Total": total or legs, "Count": legs}
    for leg, status in zip(document["legs"], statuses, strict=False):
        leg["Status"] = status
    for leg, number in zip(document["legs"], numbers, strict=False):
        leg["PhoneNumber"] = number
    return answer(document, **headers)


class MemorySink(Sink):
    """Keeps what it is sent; fails with what `failures` holds, one after the other, before that."""

    def __init__(self, spec):
        super().__init__(spec)
        self.sent = []
        self.failures = []

    def send(self, records):
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(records)
        return "kept"


class BatchSink(MemorySink):
    batch = 3


class Workbench:
    def __init__(self, client, redis_url, exotel_url, *, sink_specs=None, opened=None, **variables):
        usual = {"exotel_base_url": exotel_url, "exotel_timeout_seconds": 20, "retry_schedule": "15 60 300"}
        self.settings = make_settings(redis_url, **usual | variables)
        if sink_specs is not None:
            self.settings = replace(self.settings, sinks=tuple(sink_specs))
        self.clock = FrozenClock()
        self.ledger = Ledger(client, self.settings, clock=self.clock)
        self.ledger.open()
        self.naps: list[float] = []
        self.nudges = 0
        self.context = WorkerContext(
            self.settings, self.ledger, opened or {}, sleep=self._sleep, dice=lambda: 0.0, nudge=self._nudge
        )
        self.book = self.ledger.calls[ACCOUNT]

    def close(self):
        for client in self.context.clients.values():
            client.close()

    def _sleep(self, seconds):
        self.naps.append(seconds)
        self.clock.advance(seconds)

    def _nudge(self):
        self.nudges += 1

    def admit(self, call_sid=SID, *, wait=0.0, ended=True, **params):
        return self.book.admit(make_callback(call_sid, ended=ended, **params), wait_seconds=wait)

    def lease(self, most=None) -> Lease | None:
        leases = self.book.fetches.lease(1, most=most)
        return leases[0] if leases else None

    def fetch(self) -> Lease | None:
        """Fetch what is most urgent; None if nothing is due."""
        lease = self.lease()
        if lease is not None:
            fetch_call(self.context, ACCOUNT, lease)
        return lease

    def fetch_until_done(self):
        """Fetch whatever there is to fetch, however long it takes by the ledger's clock; the waits in seconds."""
        waits, waited = [], 0.0
        while (wait := self.wait_of_next()) is not None:
            self.clock.advance(wait)
            waited += wait
            if self.fetch() is not None:
                waits.append(waited)
                waited = 0.0
        return waits

    def wait_of_next(self):
        """The seconds until the next call is due, None without one."""
        dues = [
            score
            for lane in Lane
            for _, score in self.ledger.client.zrange(self.book.fetches.due_key(lane), 0, 0, withscores=True)
        ]
        return max(0.0, (min(dues) - self.clock.now_ms) / 1000) if dues else None

    def due_in(self, call_sid=SID):
        """The lane that a call waits in, and for how many seconds."""
        for lane in Lane:
            score = self.ledger.client.zscore(self.book.fetches.due_key(lane), call_sid)
            if score is not None:
                return lane, round((score - self.clock.now_ms) / 1000, 3)
        return None

    def story(self, call_sid=SID) -> CallHistory:
        story = call_history(self.ledger, call_sid)
        assert story is not None
        return story

    def events(self, call_sid=SID):
        """The records sent out about a call, by `<revision>/<kind>`."""
        return self.story(call_sid).events

    def gate(self):
        return self.book.bucket.look().gate.value


def fetched(exotel):
    """The calls that were asked about, but for the one that cannot exist: a worker tries the key when it starts."""
    return [sid for seen in exotel.seen if (sid := seen.target.split("/")[5]) != "0" * 32]
