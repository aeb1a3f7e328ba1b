"""The door watches the ledger: callbacks are turned away before Redis is full, and what was accepted is finished."""

from __future__ import annotations

import time

import pytest
from door import PROBLEM, STATUS
from house import ACCOUNT, make_callback
from stubs import StubServer
from workbench import legs_answer

from webhook.context.headroom import LOOK_SECONDS, Watch
from webhook.operations.checks import check_ledger
from webhook.operations.finding import Verdict
from worker.context import Workshop
from worker.ledger.capacity import FULL_AT, look_at_room
from worker.ledger.queries.totals import account_standing, sink_standing
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
def house(make_house, exotel, tmp_path):
    """The door, with a Redis of its own that has little room."""
    server = embedded_redis.start(tmp_path / "redis", settings='appendonly no\nsave ""\n')
    variables = {"sinks": f"file:{tmp_path}/records.jsonl", "confirm_seconds": 0, "exotel_quota": 10_000}
    house = make_house(server.url, exotel_base_url=exotel.url, **variables)
    house.redis.config_set("maxmemory", house.redis.info("memory")["used_memory"] + ROOM_BYTES)
    yield house
    server.stop()


def post(house, call_sid):
    return house.post(STATUS, data={"CallSid": call_sid, "EventType": "terminal"})


def fill_up(house):
    """Accept calls until there is room for no more."""
    sids = []
    while look_at_room(house.ledger).spoken_for < FULL_AT:
        sids += [f"call{len(sids) + number:05}" for number in range(50)]
        for sid in sids[-50:]:
            house.ledger.calls[ACCOUNT].admit(make_callback(sid), wait_seconds=0)
    return sids


def work_off(house):
    """Do what workers do, until there is nothing to do."""
    sinks = open_sinks(house.settings)
    shop = Workshop(house.settings, house.ledger, sinks)
    book = house.ledger.calls[ACCOUNT]
    (deliveries,) = house.ledger.deliveries.values()
    while leases := book.fetches.lease(50):
        for lease in leases:
            fetch_call(shop, ACCOUNT, lease)
        deliver(shop, ACCOUNT, deliveries.sink, deliveries.backlog.lease(50))
    for sink in sinks.values():
        sink.close()


def test_with_no_limit_there_is_always_room(house):
    house.redis.config_set("maxmemory", 0)
    assert look_at_room(house.ledger) == (0.0, 0.0)
    assert not Watch(house.ledger).is_nearly_full()


def test_the_door_is_shut_while_there_is_room_yet(house):
    fill_up(house)
    time.sleep(LOOK_SECONDS)  # so stale the door's look may be
    answer = post(house, "late00001")
    assert (answer.status_code, answer.content_type) == (503, PROBLEM)
    assert int(answer.headers["Retry-After"]) > 0
    assert house.story("late00001") is None
    house.ledger.try_to_write()
    assert look_at_room(house.ledger).used < FULL_AT


def test_it_says_so_in_readyz(house):
    fill_up(house)
    answer = house.get("/readyz")
    assert answer.status_code == 503
    part = answer.json["parts"]["ledger"]
    assert part["state"] == "nearly full"
    assert part["spoken_for"] >= FULL_AT > part["used"]
    assert "maxmemory" in part["hint"]


def test_the_check_says_so_too_though_something_could_be_written(house):
    """It said that all was well, while callbacks were turned away for want of room."""
    fill_up(house)
    found = list(check_ledger(house.ledger))
    (wrong,) = [finding for finding in found if finding.verdict is Verdict.WRONG]
    assert "callbacks are answered with 503; raise maxmemory" in wrong.text
    assert not [finding for finding in found if finding.text == "can be written"]


def test_what_was_accepted_is_fetched_settled_and_delivered_while_the_door_is_shut(house, tmp_path):
    """Nine tenths full of waiting calls, there was no room to settle them: each takes six times as much with its record."""
    sids = fill_up(house)
    time.sleep(LOOK_SECONDS)
    assert post(house, "late00001").status_code == 503
    work_off(house)
    standing = account_standing(house.ledger, ACCOUNT)
    assert (standing.received, standing.settled, standing.waiting) == (len(sids), len(sids), 0)
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == len(sids)
    (sink,) = house.settings.sinks
    assert sink_standing(house.ledger, sink.name, {}).waiting == 0


def test_it_opens_again_when_there_is_room(house):
    fill_up(house)
    watch = Watch(house.ledger, monotonic=iter(range(0, 1000, 2)).__next__)
    assert watch.is_nearly_full()
    work_off(house)
    assert not watch.is_nearly_full()
    time.sleep(LOOK_SECONDS)
    assert post(house, "late00001").json == {"call_sid": "late00001", "accepted": True}
    assert house.get("/readyz").status_code == 200


def test_one_look_a_second_is_enough(house):
    times = iter([0.0, 0.5, 0.9, 1.1])
    watch = Watch(house.ledger, monotonic=lambda: next(times))
    assert not watch.is_nearly_full()
    fill_up(house)
    assert [watch.is_nearly_full() for _ in range(2)] == [False, False]
