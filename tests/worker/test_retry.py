"""When to try again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.retry import JITTER, wait_before

SECONDS = st.floats(0, 1e5)
SCHEDULES = st.lists(SECONDS, min_size=1, max_size=8)
DICE = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(("attempt", "wait"), [(1, 15), (2, 60), (3, 300), (4, None), (99, None)])
def test_each_failure_has_its_wait_and_past_the_end_there_is_none(attempt, wait):
    assert wait_before(attempt, (15, 60, 300), dice=lambda: 0.0) == wait


@given(SCHEDULES, st.data(), st.none() | SECONDS, DICE)
def test_no_wait_is_shorter_than_promised_nor_much_longer(schedule, data, at_least, thrown):
    attempt = data.draw(st.integers(1, len(schedule)))
    promised = max(schedule[attempt - 1], at_least or 0)
    wait = wait_before(attempt, schedule, at_least=at_least, dice=lambda: thrown)
    assert promised <= wait <= promised * (1 + JITTER)


def test_real_dice_spread_a_crowd():
    assert len({wait_before(1, (100,)) for _ in range(50)}) > 40


@given(st.none() | SECONDS)
def test_what_the_other_side_asks_for_does_not_lengthen_the_schedule(at_least):
    assert wait_before(2, (1.0,), at_least=at_least) is None
