"""How the sinks are: failing after a run of failures, tried one delivery at a time, disabled after five days of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from factories import FrozenClock

from worker.ledger.health import DISABLED_AFTER_SECONDS, FAILURES_IN_A_ROW, PROBE_SECONDS, SinkHealth
from worker.ledger.scripts import Scripts


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def health(client, redis_url, clock):
    return SinkHealth(client, Scripts(client), clock=clock)


def fail(health, times, sink="crm"):
    return [health.failed(sink, "500") for _ in range(times)]


def test_a_run_of_failures_makes_a_sink_failing_and_says_so_once(health):
    assert fail(health, FAILURES_IN_A_ROW) == [""] * (FAILURES_IN_A_ROW - 1) + ["failing"]
    assert fail(health, 3) == ["", "", ""]
    assert health.states()["crm"]["reason"] == "500"


@pytest.mark.parametrize(("batch", "batches"), [(1, 10), (2, 5), (4, 3), (5, 2), (6, 2), (100, 2)])
def test_each_record_of_a_batch_counts_but_one_batch_is_an_accident(health, batch, batches):
    """Twenty-four failed attempts of four records, in six batches, were no ten in a row: nobody was told."""
    become = [health.failed("crm", "500", attempts=batch) for _ in range(batches)]
    assert become == [""] * (batches - 1) + ["failing"]


def test_a_success_in_between_begins_the_run_anew(health):
    fail(health, FAILURES_IN_A_ROW - 1)
    assert not health.succeeded("crm")
    fail(health, FAILURES_IN_A_ROW - 1)
    assert health.states() == {}


def test_a_failing_sink_is_tried_one_at_a_time(health, clock):
    fail(health, FAILURES_IN_A_ROW)
    assert not health.may_probe("crm")
    clock.advance(PROBE_SECONDS)
    assert health.may_probe("crm")
    assert not health.may_probe("crm"), "the turn is taken"


def test_a_success_tells_of_the_recovery_until_it_is_carried_out(health):
    """The worker may die in between, before it has brought forward what waits."""
    fail(health, FAILURES_IN_A_ROW)
    assert [health.succeeded("crm"), health.succeeded("crm")] == [True, True]
    assert health.states()["crm"]["state"] == "failing"
    assert [health.recovered("crm"), health.recovered("crm")] == [True, False]
    assert health.states() == {}
    assert not health.succeeded("crm")
    assert fail(health, 1) == [""]


def test_a_recovery_does_not_enable_what_was_disabled_meanwhile(health):
    fail(health, FAILURES_IN_A_ROW)
    assert health.succeeded("crm")
    health.disable("crm", "410: gone")
    assert not health.recovered("crm")
    assert health.states()["crm"]["state"] == "disabled"


def test_five_days_of_nothing_but_failures_disable_a_sink(health, clock):
    fail(health, FAILURES_IN_A_ROW)
    clock.advance(DISABLED_AFTER_SECONDS - 1)
    assert fail(health, 1) == [""]
    clock.advance(1)
    assert fail(health, 1) == ["disabled"]
    assert fail(health, 1) == [""], "and that is said once"
    assert not health.may_probe("crm")
    assert not health.succeeded("crm"), "a late success does not enable what was disabled"
    assert health.enable("crm")
    assert health.states() == {}


def test_the_sinks_do_not_mix(health):
    fail(health, FAILURES_IN_A_ROW)
    assert fail(health, 1, sink="other") == [""]
    assert list(health.states()) == ["crm"]


def test_a_sink_that_is_disabled_stays_so_for_the_reason_it_was(health, clock):
    """An operator who disabled it once more, for nothing, took away the word why it had been."""
    assert health.disable("crm", "410: gone")
    clock.advance(1)
    assert not health.disable("crm", "by the operator")
    state = health.states()["crm"]
    assert (state["reason"], state["since"]) == ("410: gone", round(clock.now_ms - 1000))


def test_of_several_that_disable_a_sink_at_once_one_has_done_it(health):
    """Each delivery that was under way when a subscriber said 410 told the operators of it."""
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: health.disable("crm", "410: gone"), range(32)))
    assert sum(done) == 1
