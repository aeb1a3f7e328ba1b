"""The door watches the ledger: callbacks are turned away before Redis is full, and what was accepted is finished."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, make_callback
from processes import until
from stubs import StubServer
from web_app import PROBLEM, STATUS
from worker_kit import legs_answer

from webhook.context.headroom import Headroom
from webhook.operations.checks import check_ledger
from webhook.operations.finding import Verdict
from worker.context import WorkerContext
from worker.ledger.capacity import FULL_AT, read_capacity
from worker.ledger.queries.totals import totals_of_account, totals_of_sink
from worker.process import embedded_redis
from worker.sinks import open_sinks
from worker.steps.deliver import deliver
from worker.steps.fetch import fetch_call

ROOM_BYTES = 2_000_000


@pytest.fixture
def exotel():
    with StubServer() as server:
        server.choose(lambda seen: legs_answer(seen.target.split("/")[-2]))
        yield server


@pytest.fixture
def web(make_web, exotel, tmp_path):
    """The web, with a Redis of its own that has little room."""
    server = embedded_redis.start(tmp_path / "redis", settings='appendonly no\nsave ""\n')
    variables = {"sinks": f"file:{tmp_path}/records.jsonl", "confirm_seconds": 0, "exotel_quota": 10_000}
    web = make_web(server.url, exotel_base_url=exotel.url, **variables)
    web.redis.config_set("maxmemory", web.redis.info("memory")["used_memory"] + ROOM_BYTES)
    yield web
    server.stop()


def post(web, call_sid):
    return web.post(STATUS, data={"CallSid": call_sid, "EventType": "terminal"})


def fill_up(web):
    """Accept calls until there is room for no more."""
    sids = []
    while read_capacity(web.ledger).committed < FULL_AT:
        sids += [f"call{len(sids) + number:05}" for number in range(50)]
        for sid in sids[-50:]:
            web.ledger.calls[ACCOUNT].admit(make_callback(sid), wait_seconds=0)
    return sids


def sees_no_room(web):
    """Does the application know? It looks once a second at most."""
    return web.app.extensions["legwork"].headroom.is_nearly_full()


def work_off(web):
    """Do what workers do, until there is nothing to do."""
    sinks = open_sinks(web.settings)
    context = WorkerContext(web.settings, web.ledger, sinks)
    book = web.ledger.calls[ACCOUNT]
    (deliveries,) = web.ledger.deliveries.values()
    while leases := book.fetches.lease(50):
        for lease in leases:
            fetch_call(context, ACCOUNT, lease)
        deliver(context, ACCOUNT, deliveries.sink, deliveries.backlog.lease(50))
    for sink in sinks.values():
        sink.close()


def test_with_no_limit_there_is_always_room(web):
    web.redis.config_set("maxmemory", 0)
    assert read_capacity(web.ledger) == (0.0, 0.0)
    assert not Headroom(web.ledger).is_nearly_full()


def test_the_door_is_shut_while_there_is_room_yet(web):
    fill_up(web)
    until(lambda: sees_no_room(web))
    answer = post(web, "late00001")
    assert (answer.status_code, answer.content_type) == (503, PROBLEM)
    assert int(answer.headers["Retry-After"]) > 0
    assert web.story("late00001") is None
    web.ledger.try_to_write()
    assert read_capacity(web.ledger).used < FULL_AT


def test_it_says_so_in_readyz(web):
    fill_up(web)
    answer = web.get("/readyz")
    assert answer.status_code == 503
    part = answer.json["parts"]["ledger"]
    assert part["state"] == "nearly full"
    assert part["committed"] >= FULL_AT > part["used"]
    assert "maxmemory" in part["hint"]


def test_the_check_says_so_too_though_something_could_be_written(web):
    """It said that all was well, while callbacks were turned away for want of room."""
    fill_up(web)
    found = list(check_ledger(web.ledger))
    (wrong,) = [finding for finding in found if finding.verdict is Verdict.WRONG]
    assert "callbacks are answered with 503; raise maxmemory" in wrong.text
    assert not [finding for finding in found if finding.text == "can be written"]


def test_what_was_accepted_is_fetched_settled_and_delivered_while_the_door_is_shut(web, tmp_path):
    """Nine tenths full of waiting calls, there was no room to settle them: each takes six times as much with its record."""
    sids = fill_up(web)
    until(lambda: sees_no_room(web))
    assert post(web, "late00001").status_code == 503
    work_off(web)
    standing = totals_of_account(web.ledger, ACCOUNT)
    assert (standing.received, standing.settled, standing.waiting) == (len(sids), len(sids), 0)
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == len(sids)
    (sink,) = web.settings.sinks
    assert totals_of_sink(web.ledger, sink.name, {}).waiting == 0


def test_it_opens_again_when_there_is_room(web):
    fill_up(web)
    watch = Headroom(web.ledger, monotonic=iter(range(0, 1000, 2)).__next__)
    assert watch.is_nearly_full()
    work_off(web)
    assert not watch.is_nearly_full()
    until(lambda: not sees_no_room(web))
    assert post(web, "late00001").json == {"call_sid": "late00001", "accepted": True}
    assert web.get("/readyz").status_code == 200


def test_one_look_a_second_is_enough(web):
    times = iter([0.0, 0.5, 0.9, 1.1])
    watch = Headroom(web.ledger, monotonic=lambda: next(times))
    assert not watch.is_nearly_full()
    fill_up(web)
    assert [watch.is_nearly_full() for _ in range(2)] == [False, False]
