"""The context of the faults (machine, traffic, random numbers, timing), and the table in which they are registered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from faults.judge import Trouble

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from faults.driver import Driver
    from faults.machine import Machine

# Faults of one lane run one after the other; different lanes run concurrently. The number is a lane's share of all
# faults: shorter ones run more often.
LANES = {"processes": 0.35, "redis": 0.25, "exotel": 0.22, "sinks": 0.18}


class DidNotBite(Exception):
    """Raised by a fault that cannot prove that it had an effect: it does not count."""


@dataclass(frozen=True)
class Pace:
    """How long faults last, in seconds."""

    outage: float  # of Redis
    trouble: float  # at Exotel and at sinks
    gap: tuple[float, float]  # from the end of a fault to the beginning of the next of its lane
    watch: float  # how long calls are watched after a recovery


SHORT = Pace(outage=3.0, trouble=2.5, gap=(0.1, 0.5), watch=3.0)
FULL = Pace(outage=20.0, trouble=8.0, gap=(1.0, 6.0), watch=30.0)
# After this many seconds a fault counts as stuck.
_LONGEST_SECONDS = 400.0


@dataclass
class Scene:
    machine: Machine
    driver: Driver
    dice: random.Random
    pace: Pace
    troubles: list[Trouble] = field(default_factory=list)
    poisoned: set[str] = field(default_factory=set)

    def trouble_at_exotel(self, account: str | None, began: float) -> None:
        """Record that Exotel gave no usable answer from `began` until now, also to requests in flight then."""
        self.troubles.append(Trouble(account, began - 1, time.monotonic() + 1))

    async def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until a condition is true, and return how long that took. Raises DidNotBite."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise DidNotBite(f"not within {seconds:g} s: {what}")
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@dataclass(frozen=True)
class Fault:
    """`act` starts the fault, ends it, and returns the proof that it had an effect."""

    name: str
    lane: str
    act: Callable[[Scene], Awaitable[str]]
    #: True if it is too long for the short form.
    long: bool = False


TABLE: dict[str, Fault] = {}


def fault(name: str, lane: str, *, long: bool = False) -> Callable[[Callable[[Scene], Awaitable[str]]], None]:
    """Register a function as a fault."""

    def enter(act: Callable[[Scene], Awaitable[str]]) -> None:
        assert lane in LANES
        assert name not in TABLE
        TABLE[name] = Fault(name, lane, act, long)

    return enter


class Outcome(StrEnum):
    """The outcome of a fault."""

    BIT = "bit"
    DID_NOT = "did not bite"
    BROKE = "broke a promise"


@dataclass(frozen=True)
class Happened:
    """A fault that was run: its duration, and the proof of its effect (or why it does not count)."""

    name: str
    lane: str
    seconds: float
    outcome: Outcome
    proof: str

    @property
    def bit(self) -> bool:
        return self.outcome is Outcome.BIT


async def happen(scene: Scene, each: Fault) -> Happened:
    """Run a fault. A guarantee broken at that time is reported, and does not end the run."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            outcome, proof = Outcome.BIT, await each.act(scene)
    except DidNotBite as reason:
        outcome, proof = Outcome.DID_NOT, str(reason)
    except (AssertionError, TimeoutError) as reason:
        outcome, proof = Outcome.BROKE, f"{type(reason).__name__}: {reason}"
    return Happened(each.name, each.lane, time.monotonic() - began, outcome, proof)
