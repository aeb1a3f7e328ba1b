"""What every limiter is given to do: so many calls at once, with latencies that depend on the call alone."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

# The clocks of the processes, as parts of the window: at 60 s they are 3 s and 0.6 s slow, 1.2 s and 3 s fast. Hosts
# without a time service drift that far within days. Redis's own clock is right.
SKEWS = (-0.05, -0.01, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A campaign: `calls` calls, all due at once, under a quota that is a part of what they need."""

    quota: int = 200
    window: int = 60
    windows: float = 3.0
    processes: int = len(SKEWS)
    threads: int = 8
    seed: int = 20260916
    # A request is counted so long after it was sent, and answered so long after that; one in fifty takes longer.
    before: tuple[float, float] = (0.005, 0.100)
    after: tuple[float, float] = (0.045, 0.300)
    slow: float = 1.0
    slow_share: float = 0.02

    @property
    def seconds(self) -> float:
        """How long the run takes."""
        return self.window * self.windows

    @property
    def calls(self) -> int:
        """More than anybody could serve, refusals included: at no time is there nothing to do."""
        return round(self.quota * (self.windows + 2))

    def latency(self, call: int) -> tuple[float, float]:
        """Seconds before and after a call's request is counted: the same for every limiter."""
        dice = random.Random(f"{self.seed}:{call}")
        extra = self.slow if dice.random() < self.slow_share else 0.0
        return dice.uniform(*self.before), dice.uniform(*self.after) + extra


def skew_clock(seconds: float) -> None:
    """Let this process's wall clock be wrong. To be called before anything is imported that reads it."""
    right, right_ns, shift_ns = time.time, time.time_ns, round(seconds * 1e9)
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + shift_ns
