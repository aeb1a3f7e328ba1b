"""The traffic for every limiter: calls due at once, with latencies that depend only on the call."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

# The processes' clock errors, as parts of the window: at 60 s they are 3 s and 0.6 s slow, 1.2 s and 3 s fast. Hosts
# without a time service drift that far within days. Redis's own clock is right.
SKEWS = (-0.05, -0.01, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A campaign: `calls` calls, all due at once, under a quota smaller than they need."""

    quota: int = 200
    window: int = 60
    windows: float = 3.0
    processes: int = len(SKEWS)
    threads: int = 8
    seed: int = 20260916
    # Seconds until a request is counted, and from then until its response; one in fifty takes longer.
    before: tuple[float, float] = (0.005, 0.100)
    after: tuple[float, float] = (0.045, 0.300)
    slow: float = 1.0
    slow_share: float = 0.02

    @property
    def seconds(self) -> float:
        """Return how many seconds the run takes."""
        return self.window * self.windows

    @property
    def calls(self) -> int:
        """Return more calls than could be served, refusals included, so that there is always work."""
        return round(self.quota * (self.windows + 2))

    def latency(self, call: int) -> tuple[float, float]:
        """Return the seconds before and after a call's request is counted: the same for every limiter."""
        dice = random.Random(f"{self.seed}:{call}")
        extra = self.slow if dice.random() < self.slow_share else 0.0
        return dice.uniform(*self.before), dice.uniform(*self.after) + extra


def skew_clock(seconds: float) -> None:
    """Set this process's wall clock wrong. Call it before importing anything that reads the clock."""
    right, right_ns, shift_ns = time.time, time.time_ns, round(seconds * 1e9)
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + shift_ns
