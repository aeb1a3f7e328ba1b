"""The quota as Exotel would count it: arrivals in an exact sliding window, in whole nanoseconds."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NANOSECONDS = 1_000_000_000


class SlidingWindow:
    """At most `limit` arrivals in `(t - window, t]`, for every instant t at which something arrives."""

    def __init__(self, limit: int, window: int, *, count_refused: bool = True) -> None:
        """`window` in nanoseconds. With `count_refused`, refused requests count too: a client that never pauses stays out."""
        self.limit = limit
        self.window = window
        self.count_refused = count_refused
        self._counted: deque[int] = deque()

    def arrive(self, at: int) -> int | None:
        """Count an arrival at `at` nanoseconds, which must not be before the previous one.

        Returns None if it is within the quota, else the nanoseconds until one would be accepted.
        """
        while self._counted and self._counted[0] <= at - self.window:
            self._counted.popleft()
        refused = len(self._counted) >= self.limit
        if self.count_refused or not refused:
            self._counted.append(at)
        if not refused:
            return None
        # One is accepted again when enough have left the window that one more makes `limit`.
        return self._counted[len(self._counted) - self.limit] + self.window - at


class OtherClient:
    """A second program of the same customer, which uses the same quota at a steady rate."""

    def __init__(self, per_second: float, since: int, until: int | None = None) -> None:
        """`since` and `until` in nanoseconds: when it begins and ends."""
        self._spacing = max(1, round(NANOSECONDS / per_second))
        self._next = since
        self._until = until

    def spend(self, window: SlidingWindow, now: int) -> int:
        """Make the arrivals that are due up to `now`, in nanoseconds; return how many."""
        if self._until is not None:
            now = min(now, self._until)
        # Arrivals that have left the window do not matter, so a long pause is not made up for.
        self._next = max(self._next, now - window.window)
        spent = 0
        while self._next <= now:
            window.arrive(self._next)
            self._next += self._spacing
            spent += 1
        return spent


def fullest_window(arrivals: Sequence[int], window: int) -> int:
    """Return the most arrivals that any half-open window of `window` nanoseconds holds; `arrivals` in order of time.

    It uses two pointers over the arrivals, independently of the code that enforces the quota.
    """
    fullest = oldest = 0
    for newest, at in enumerate(arrivals):
        while arrivals[oldest] <= at - window:
            oldest += 1
        fullest = max(fullest, newest - oldest + 1)
    return fullest
