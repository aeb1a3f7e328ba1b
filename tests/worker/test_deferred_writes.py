"""What could not be noted while Redis was away is noted when it is back."""

from __future__ import annotations

import pytest
import redis
from factories import ACCOUNT
from stubs import StubServer
from worker_kit import SID, Workbench, legs_answer

from worker.connections import connect
from worker.deferred_writes import DeferredWrites
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port
from worker.steps.fetch import fetch_call
from worker.tasks import _run


def away():
    raise redis.ConnectionError("away")


def test_notes_are_made_in_order_and_once():
    made, deferred_writes = [], DeferredWrites()
    for number in range(3):
        deferred_writes.add(lambda number=number: made.append(number))
    assert deferred_writes.settle() == 3
    assert made == [0, 1, 2]
    assert deferred_writes.settle() == 0


def test_a_note_that_cannot_be_made_is_kept_and_keeps_no_other_from_it():
    made, deferred_writes = [], DeferredWrites()
    deferred_writes.add(away)
    deferred_writes.add(lambda: made.append("other"))
    assert (deferred_writes.settle(), made) == (0, []), "Redis may be away altogether: one try is enough"
    assert (deferred_writes.settle(), made) == (1, ["other"])
    assert deferred_writes.settle() == 0


def test_the_dispatcher_catches_up_as_soon_as_it_can(bench, make_dispatcher):
    bench.admit()
    lease = bench.lease()
    bench.context.deferred_writes.add(lambda: bench.book.fetches.release([lease]))
    make_dispatcher(bench).housekeep()
    assert bench.book.fetches.survey() == (1, 0, 0, 0, 0)


@pytest.mark.slow
def test_a_request_whose_answer_could_not_be_noted_costs_neither_its_lease_nor_its_token(tmp_path):
    """Redis was away for 20 s. What was being fetched then lay under its lease for a minute more, and as it filled the
    window, so did everything else; its tokens counted as in use for two minutes."""
    port = free_port()
    server = embedded_redis.start(tmp_path, port=port, password="password")
    with StubServer() as exotel, redis.Redis.from_url(server.url) as reachable:
        bench = Workbench(reachable, server.url, exotel.url)
        with connect(bench.settings) as client:
            bench = Workbench(client, server.url, exotel.url)

            def answer_while_redis_ends(_):
                server.stop()
                return legs_answer()

            exotel.choose(answer_while_redis_ends)
            bench.admit()
            lease = bench.lease()
            fetches = bench.book.fetches
            _run(bench.context, lambda: fetch_call(bench.context, ACCOUNT, lease), lambda: fetches.release([lease]))
            assert bench.context.deferred_writes.settle() == 0, "it is still away"
            server = embedded_redis.start(tmp_path, port=port, password="password")
            try:
                while not bench.context.deferred_writes.settle():
                    pass
                bench.context.deferred_writes.settle()
                look = bench.book.bucket.look()
                assert (look.in_flight, look.cooling_down) == (0, 1)
                assert fetches.survey() == (1, 0, 0, 0, 0)
                exotel.always(legs_answer())
                bench.fetch()
                assert bench.story(SID).summary.state == "settled"
            finally:
                bench.close()
                server.stop()
