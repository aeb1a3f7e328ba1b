"""The window by itself, on a simulated clock: held against counting by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.quota import NANOSECONDS, OtherClient, SlidingWindow, fullest_window

limits = st.integers(1, 6)
windows = st.integers(1, 40)
pauses = st.lists(st.integers(0, 25), max_size=60)


def instants(pauses):
    at, times = 0, []
    for pause in pauses:
        at += pause
        times.append(at)
    return times


@given(pauses, limits, windows)
def test_with_refused_ones_counted_an_arrival_is_let_in_exactly_while_the_window_holds_no_more_than_the_limit(
    pauses, limit, window
):
    quota = SlidingWindow(limit, window)
    times = instants(pauses)
    for position, at in enumerate(times):
        within = sum(at - window < earlier for earlier in times[: position + 1])
        assert (quota.arrive(at) is None) == (within <= limit)


@given(pauses, limits, windows)
def test_with_refused_ones_forgiven_those_let_in_fill_no_window_beyond_the_limit(pauses, limit, window):
    quota = SlidingWindow(limit, window, count_refused=False)
    let_in: list[int] = []
    for at in instants(pauses):
        room = sum(at - window < earlier for earlier in let_in) < limit
        assert (quota.arrive(at) is None) == room
        if room:
            let_in.append(at)
    assert fullest_window(let_in, window) <= limit


@given(pauses, limits, windows, st.booleans())
def test_the_wait_that_is_told_is_the_shortest_that_helps(pauses, limit, window, count_refused):
    def quota_after(times):
        quota = SlidingWindow(limit, window, count_refused=count_refused)
        return quota, [quota.arrive(at) for at in times]

    times = instants([0, *pauses])
    wait = quota_after(times)[1][-1]
    if wait is not None:
        assert quota_after(times)[0].arrive(times[-1] + wait) is None
        assert quota_after(times)[0].arrive(times[-1] + wait - 1) is not None


def test_two_arrivals_exactly_one_window_apart_are_not_in_the_same_window():
    quota = SlidingWindow(1, 60)
    assert quota.arrive(0) is None
    assert quota.arrive(60) is None
    assert fullest_window([0, 60], 60) == 1
    assert fullest_window([0, 59], 60) == 2


@given(pauses, windows)
def test_the_fullest_window_is_what_counting_every_window_by_hand_finds(pauses, window):
    times = instants(pauses)
    by_hand = max((sum(at - window < other <= at for other in times) for at in times), default=0)
    assert fullest_window(times, window) == by_hand


def test_another_client_takes_its_share_of_the_window():
    quota = SlidingWindow(10, NANOSECONDS)
    others = OtherClient(per_second=4, since=0)
    assert others.spend(quota, NANOSECONDS) == 5
    let_in = [quota.arrive(NANOSECONDS) is None for _ in range(10)]
    # Its arrival at 0 has just left the window: four are in it.
    assert let_in == [True] * 6 + [False] * 4


class Chronicle(SlidingWindow):
    def __init__(self):
        super().__init__(3, NANOSECONDS)
        self.arrived = []

    def arrive(self, at):
        self.arrived.append(at)
        return super().arrive(at)


@given(st.integers(1, 50), pauses)
def test_another_client_never_arrives_before_what_is_already_counted(per_second, pauses):
    quota = Chronicle()
    others = OtherClient(per_second, since=0)
    for at in instants(pauses):
        others.spend(quota, at * NANOSECONDS)
        quota.arrive(at * NANOSECONDS)
    assert quota.arrived == sorted(quota.arrived)


def test_another_client_stops_when_its_time_is_over():
    quota = SlidingWindow(100, 60 * NANOSECONDS)
    others = OtherClient(per_second=1, since=0, until=5 * NANOSECONDS)
    assert others.spend(quota, 30 * NANOSECONDS) == 6
    assert others.spend(quota, 40 * NANOSECONDS) == 0
