"""What every fault is given: the machine, the traffic, the dice, the pace; and the table that faults enter themselves in."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.judge import Trouble

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from faults.driver import Driver
    from faults.machine import Machine

# Faults of one lane come one after the other; those of different lanes whenever they come.
LANES = ("processes", "redis", "exotel", "sinks")


class DidNotBite(Exception):
    """Raised by a fault that cannot prove that it did what it is for: it does not count."""


@dataclass(frozen=True)
class Pace:
    """How long troubles last, in seconds."""

    outage: float  # of Redis
    trouble: float  # at Exotel and at sinks
    gap: tuple[float, float]  # from the end of a fault to the beginning of the next of its lane


SHORT = Pace(outage=3.0, trouble=2.5, gap=(0.5, 1.5))
FULL = Pace(outage=20.0, trouble=8.0, gap=(1.0, 6.0))


@dataclass
class Scene:
    machine: Machine
    driver: Driver
    dice: random.Random
    pace: Pace
    troubles: list[Trouble] = field(default_factory=list)
    poisoned: set[str] = field(default_factory=set)

    def trouble_at_exotel(self, account: str | None, began: float) -> None:
        """Note that Exotel gave no good answer from `began` until now; what was under way then met it too."""
        self.troubles.append(Trouble(account, began - 1, time.monotonic() + 1))

    async def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until it holds, and return how long that took. Raises DidNotBite."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise DidNotBite(f"not within {seconds:g} s: {what}")
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@dataclass(frozen=True)
class Fault:
    """`act` makes the trouble, ends it, and returns the proof that it bit."""

    name: str
    lane: str
    act: Callable[[Scene], Awaitable[str]]
    #: Too long for the short form.
    long: bool = False


TABLE: dict[str, Fault] = {}


def fault(name: str, lane: str, *, long: bool = False) -> Callable[[Callable[[Scene], Awaitable[str]]], None]:
    """Enter a function in the table."""

    def enter(act: Callable[[Scene], Awaitable[str]]) -> None:
        assert lane in LANES
        assert name not in TABLE
        TABLE[name] = Fault(name, lane, act, long)

    return enter


@dataclass(frozen=True)
class Happened:
    """A fault that was tried: when, for how long, and what proves that it bit (or why it does not count)."""

    name: str
    lane: str
    began: float
    seconds: float
    bit: bool
    proof: str


async def happen(scene: Scene, each: Fault) -> Happened:
    """Let a fault happen."""
    began = time.monotonic()
    try:
        bit, proof = True, await each.act(scene)
    except DidNotBite as reason:
        bit, proof = False, str(reason)
    return Happened(each.name, each.lane, began, time.monotonic() - began, bit, proof)
