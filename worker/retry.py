"""Compute the wait before a retry, from a schedule with random jitter."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Dice = Callable[[], float]

# A tenth spreads items that failed together over minutes in the long waits, and adds little to the short ones.
JITTER = 0.1


def wait_before(
    attempt: int,
    schedule: Sequence[float],
    *,
    at_least: float | None = None,
    dice: Dice = random.random,
) -> float | None:
    """Return the seconds to wait after `attempt` failures (1 = the first), or None past the schedule's end.

    Jitter is only ever added, so a wait is never shorter than the schedule's; `at_least` is a `Retry-After`, in seconds.
    """
    if attempt > len(schedule):
        return None
    wait = max(schedule[attempt - 1], at_least or 0.0)
    return wait * (1 + JITTER * dice())
