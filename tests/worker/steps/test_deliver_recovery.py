"""A failing sink that takes a record again gets at once all that waits for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from delivery_kit import Deliveries
from factories import ACCOUNT
from sink_contract import sink_spec
from worker_kit import MemorySink, legs_answer

from schemas.settings.sink_fields import RateLimit
from worker.errors import Refused, TemporaryFailure
from worker.ledger.backlog import Lane

HOUR = 3600
CALLS = 12


class Outage(MemorySink):
    """Takes as many records as it is told, and says 503 to the others; `says` is what it answers to the next one instead."""

    takes = 0
    says: Exception | None = None

    def send(self, records):
        if self.takes <= 0:
            raise TemporaryFailure("503")
        self.takes -= 1
        if self.says is not None:
            said, self.says = self.says, None
            raise said
        return super().send(records)

    @property
    def subjects(self):
        return [record["subject"] for (record,) in self.sent]


@pytest.fixture
def sink():
    return Outage(sink_spec("stdout:"))


@pytest.fixture
def make_outage(make_bench, exotel, sink, accounts):
    """An hour in which everything that is due for the sink fails; after it nothing is due for another while."""
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))

    def make(rate=None):
        spec = replace(sink.spec, rate=rate and RateLimit().read(rate))
        pager = MemorySink(replace(sink_spec("stdout:", name="pager"), types=("legwork.operator.sink_recovered",)))
        sinks = {"crm": sink, "pager": pager}
        bench = make_bench(sink_specs=[spec, pager.spec], opened=sinks, confirm_seconds=0, **accounts)
        deliveries = Deliveries(bench, sink)
        for number in range(CALLS):
            bench.admit(f"call{number:04}")
            bench.fetch()
            bench.clock.advance(1)
        until = bench.clock.now_ms + HOUR * 1000
        while bench.clock.now_ms < until:
            deliveries.deliver()
            bench.clock.advance(HOUR / 12)
        assert deliveries.standing() == ("failing", CALLS, 0, 0)
        assert deliveries.book.backlog.survey().due == 0
        sink.takes = 1000
        return deliveries

    return make


def one_more(deliveries, number=CALLS):
    """A call whose record is due at once, and is the probe; what is due then may go out in the same run."""
    deliveries.bench.admit(f"call{number:04}")
    deliveries.bench.fetch()
    assert deliveries.deliver(1) == 1


def drain(deliveries):
    """Deliver until nothing is due, without any time passing."""
    while deliveries.deliver():
        pass


def test_what_an_hour_of_failures_has_put_off_goes_out_with_the_first_success(make_outage, sink):
    """The records of the first minute were tried again 95 minutes after their sink was back, and new ones overtook them."""
    deliveries = make_outage()
    waiting = deliveries.bench.ledger.client.zrange(deliveries.book.backlog.due_key(Lane.RETRY), 0, -1)
    assert all(wait > HOUR / 2 for _, wait in deliveries.due_in())
    nudges = deliveries.bench.nudges
    one_more(deliveries)
    assert deliveries.bench.nudges > nudges, "nobody waits for the next tick"
    drain(deliveries)
    assert deliveries.standing() == ("active", 0, CALLS + 1, 0)
    assert sink.subjects == [f"call{CALLS:04}", *(item.decode().partition("/")[0] for item in waiting)]


def test_a_refusal_is_a_recovery_too(make_outage, sink):
    deliveries = make_outage()
    sink.says = Refused("400: not this one")
    one_more(deliveries)
    drain(deliveries)
    assert deliveries.standing() == ("active", 0, CALLS, 1)


def test_the_attempts_that_were_made_still_count(make_outage, sink):
    deliveries = make_outage()
    attempts = len(deliveries.delivery()["attempts"])
    sink.takes = 1
    one_more(deliveries)
    drain(deliveries)
    assert len(deliveries.delivery()["attempts"]) == attempts + 1
    assert deliveries.due_in() == [(Lane.RETRY, deliveries.bench.settings.delivery_schedule[attempts])] * CALLS


def test_a_sink_that_fails_and_recovers_by_turns_uses_up_no_delivery_before_its_schedule_is_over(make_outage, sink):
    """Each recovery makes all of them due, and each costs them an attempt: within minutes they were dead letters."""
    deliveries = make_outage()
    schedule = deliveries.bench.settings.delivery_schedule
    began = deliveries.delivery()["attempts"][0]["at"]
    for turn in range(2 * len(schedule)):
        sink.says = None
        sink.takes = 1
        one_more(deliveries, CALLS + turn)
        drain(deliveries)
        deliveries.bench.clock.advance(1)
    assert deliveries.delivery()["state"] == "waiting"
    until = began / 1000 + sum(schedule)
    deliveries.bench.clock.advance(until - deliveries.bench.clock.now_ms / 1000 + 1)
    drain(deliveries)
    assert deliveries.delivery()["state"] == "dead"


def test_an_active_sinks_retries_keep_their_times(make_outage, sink):
    deliveries = make_outage()
    one_more(deliveries)
    drain(deliveries)
    sink.says = TemporaryFailure("429", retry_after=600)
    one_more(deliveries, CALLS + 1)
    one_more(deliveries, CALLS + 2)
    assert deliveries.due_in() == [(Lane.RETRY, 600.0)]


def test_the_sinks_rate_holds(make_outage, sink):
    deliveries = make_outage(rate=f"{CALLS}/m")
    deliveries.bench.clock.advance(61)
    one_more(deliveries)
    drain(deliveries)
    assert deliveries.standing() == ("active", 1, CALLS, 0), "one waits for a token"


def test_every_account_gets_its_own_at_once(make_outage, sink):
    deliveries = make_outage()
    ledger = deliveries.bench.ledger
    theirs = ledger.deliveries["acme2m", "crm"].backlog
    ledger.client.zadd(theirs.due_key(Lane.RETRY), {"theirs0001/1/completed": deliveries.bench.clock.now_ms + 10**7})
    one_more(deliveries)
    assert theirs.survey().due == 1


def test_a_recovery_that_was_interrupted_is_carried_out_by_the_next_success(make_outage, sink):
    """Its sink would be active, and all that waits for it would go on waiting."""
    deliveries = make_outage()
    client = deliveries.bench.ledger.client
    client.execute_command("ACL", "SETUSER", "default", "-zcount")
    try:
        with pytest.raises(redis.RedisError):
            one_more(deliveries)
    finally:
        client.execute_command("ACL", "SETUSER", "default", "+zcount")
    assert (deliveries.standing()[0], deliveries.book.backlog.survey().due) == ("failing", 0)
    one_more(deliveries, CALLS + 1)
    drain(deliveries)
    # The first of the two is still leased: nobody has written down that it was delivered.
    assert deliveries.standing() == ("active", 1, CALLS + 1, 0)


def test_the_recovery_is_told_once(make_outage, sink):
    deliveries = make_outage()
    one_more(deliveries)
    one_more(deliveries, CALLS + 1)
    assert deliveries.bench.ledger.deliveries[ACCOUNT, "pager"].backlog.survey().due == 1
