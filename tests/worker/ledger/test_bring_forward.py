"""Bringing forward: what waits is due now, in its order; what is leased, and all of others, stays as it is."""

from __future__ import annotations

import pytest
import redis
from factories import ACCOUNT, FrozenClock, make_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.ledger import Ledger
from worker.ledger.backlog import BROUGHT_FORWARD_AT_ONCE, Lane
from worker.ledger.keys import LEDGER, SCHEMA
from worker.ledger.operations.bringing_forward import bring_forward

NOW_MS = FrozenClock().now_ms
#: Seconds from now until an item is due; several are due at the same time.
WAITS = st.sampled_from([-3600.0, -1.0, 0.0, 0.001, 5.0, 5.0, 5.001, 30.0, 7200.0]) | st.floats(-100, 100_000)
#: Items by lane and wait; the number of each is its name.
BACKLOGS = st.lists(st.tuples(st.sampled_from(Lane), WAITS), max_size=40)


@pytest.fixture
def make_ledger(redis_server, accounts):
    with redis.Redis.from_url(redis_server.url, protocol=2) as client:

        def make():
            client.flushall()
            variables = {"sinks": "stdout: file:records.jsonl", **accounts}
            return Ledger(client, make_settings(redis_server.url, **variables), clock=FrozenClock())

        yield make
        client.flushall()


def put(ledger, book, items):
    """Let deliveries wait, each named `call<number>/1/completed`."""
    pipeline = ledger.client.pipeline()
    for number, (lane, wait) in enumerate(items):
        due = f"{NOW_MS + wait * 1000:.3f}"
        pipeline.zadd(book.backlog.due_key(lane), {f"call{number:04}/1/completed": due})
    pipeline.execute()


def waiting(ledger, book):
    """What waits, the most urgent first, as lists of item and due time by lane."""
    return {lane: ledger.client.zrange(book.backlog.due_key(lane), 0, -1, withscores=True) for lane in Lane}


def all_but(ledger, book):
    """All that is stored, apart from the due lists of one backlog."""
    own = {key.encode() for key in book.backlog.keys[: len(Lane)]}
    return {key: ledger.client.dump(key) for key in ledger.client.scan_iter() if key not in own}


# The fixture's ledger is empty each time that it is made.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=BACKLOGS, others=BACKLOGS, leased=st.integers(0, 10))
def test_nothing_is_lost_or_doubled_and_what_is_not_meant_stays(make_ledger, items, others, leased):
    ledger = make_ledger()
    book = ledger.deliveries[ACCOUNT, "stdout"]
    for each in ledger.deliveries.values():
        put(ledger, each, items if each is book else others)
    for raw, _ in waiting(ledger, book)[Lane.RETRY]:
        ledger.client.hset(book.backlog.keys[7], raw, 3)  # attempts
    leases = book.backlog.lease(leased)
    before, rest = waiting(ledger, book), all_but(ledger, book)

    later = sum(due > NOW_MS for lane in Lane for _, due in before[lane])
    assert book.backlog.bring_forward() == later
    after = waiting(ledger, book)
    assert all_but(ledger, book) == rest, "leases, attempts, other sinks and other accounts"
    for lane in Lane:
        assert {item for item, _ in after[lane]} == {item for item, _ in before[lane]}
        assert all(due <= NOW_MS for _, due in after[lane])
        due_before = [row for row in before[lane] if row[1] <= NOW_MS]
        assert [row for row in after[lane] if row in due_before] == due_before, "what was due keeps its time"
        moved = [item for item, due in before[lane] if due > NOW_MS]
        assert [item for item, _ in after[lane] if item in moved] == moved, "in the order that they had"
    assert book.backlog.bring_forward() == 0
    assert waiting(ledger, book) == after
    assert book.backlog.release(leases) == len(leases)
    assert book.backlog.survey().due == len(items), "all of it can be leased"


def test_what_has_been_due_for_a_while_goes_before_what_is_brought_forward(make_ledger):
    ledger = make_ledger()
    book = ledger.deliveries[ACCOUNT, "stdout"]
    put(ledger, book, [(Lane.RETRY, 600.0), (Lane.RETRY, -1.0), (Lane.RETRY, 5.0)])
    book.backlog.bring_forward()
    assert [lease.item[:8] for lease in book.backlog.lease(3)] == ["call0001", "call0002", "call0000"]


@pytest.mark.parametrize("extra", [-1, 0, 1, BROUGHT_FORWARD_AT_ONCE])
def test_a_backlog_of_more_than_one_run_comes_forward_whole_and_in_its_order(make_ledger, extra):
    ledger = make_ledger()
    book = ledger.deliveries[ACCOUNT, "stdout"]
    number = BROUGHT_FORWARD_AT_ONCE + extra
    lanes = (Lane.LIVE, Lane.RETRY)
    # The names are in another order than the due times.
    put(ledger, book, [(lanes[at % 2], 60.0 + number - at) for at in range(number)])
    before = waiting(ledger, book)
    assert book.backlog.bring_forward() == number
    after = waiting(ledger, book)
    assert {lane: [item for item, _ in rows] for lane, rows in after.items()} == {
        lane: [item for item, _ in rows] for lane, rows in before.items()
    }
    assert book.backlog.survey().due == number


def test_all_accounts_of_a_sink_are_brought_forward_and_no_other_sink(make_ledger):
    ledger = make_ledger()
    for book in ledger.deliveries.values():
        put(ledger, book, [(Lane.RETRY, 60.0), (Lane.LIVE, 0.0), (Lane.RECONCILE, 9.0)])
    assert bring_forward(ledger, "stdout") == 2 * len(ledger.calls)
    due = {key: book.backlog.survey().due for key, book in ledger.deliveries.items()}
    assert due == {(sid, sink): 3 if sink == "stdout" else 1 for sid, sink in ledger.deliveries}


def test_in_anothers_ledger_nothing_is_brought_forward(make_ledger):
    ledger = make_ledger()
    ledger.client.hset(LEDGER, "schema", SCHEMA + 1)
    put(ledger, ledger.deliveries[ACCOUNT, "stdout"], [(Lane.RETRY, 60.0)])
    assert bring_forward(ledger, "stdout") == 0
    assert ledger.deliveries[ACCOUNT, "stdout"].backlog.survey().due == 0
