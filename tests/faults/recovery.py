"""Measure how long it takes until new calls are delivered, and until interrupted ones are done; check the limits."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.proxy import Mood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faults.scene import Scene

# Issue 3: new calls are delivered within this time; interrupted ones within a lease plus this time.
FLOW_SECONDS = 5.0
# Time limits of the waits themselves.
_GIVE_UP_SECONDS = 120.0
# Number of calls that are interrupted while a worker processes them.
_INTERRUPTED = 40


@dataclass(frozen=True)
class Recovered:
    """The fault, the time until new calls were delivered and interrupted ones done, and the longest time of a later call."""

    what: str
    flow_seconds: float
    interrupted: int
    interrupted_seconds: float
    worst_seconds: float
    interrupted_bound: float

    @property
    def ok(self) -> bool:
        return self.flow_seconds <= FLOW_SECONDS and self.interrupted_seconds <= self.interrupted_bound

    def told(self) -> str:
        return (
            f"{self.what}: calls flow after {self.flow_seconds:.1f} s (bound {FLOW_SECONDS:g} s), {self.interrupted} "
            f"interrupted ones are done after {self.interrupted_seconds:.1f} s (bound {self.interrupted_bound:g} s), "
            f"a later one takes {self.worst_seconds:.1f} s at most"
        )


@dataclass(frozen=True)
class Recovery:
    """An outage that is over: calls are delivered again, but what it interrupted may still wait for its lease."""

    here: Scene
    what: str
    began: float
    interrupted: list[str]
    flow_seconds: float

    async def done(self) -> Recovered:
        """Watch calls posted since, until the interrupted ones are done, for a minimum time."""
        here, began = self.here, self.began
        seen, calls = here.machine.tail.first_seen, here.driver.calls
        await _until(here, lambda: all(sid in seen for sid in self.interrupted), began)
        done = max(0.0, *(seen.get(sid, time.monotonic()) - began for sid in self.interrupted))
        until = max(time.monotonic(), began + here.pace.watch)
        await _until(here, lambda: time.monotonic() > until, began)
        ordinary = [
            sid for sid in _after(here, began) if calls[sid].scenario in {"answered", "inbound", "three-agents"}
        ]
        await _until(here, lambda: all(sid in seen for sid in ordinary), began)
        worst = max((seen.get(sid, time.monotonic()) - (calls[sid].noted_at or 0) for sid in ordinary), default=0.0)
        bound = here.machine.setup.lease_seconds + FLOW_SECONDS
        return Recovered(self.what, self.flow_seconds, len(self.interrupted), done, worst, bound)


async def all_workers_killed(here: Scene) -> Recovery:
    """Kill every worker with kill -9 during requests to Exotel; restart them at once."""
    interrupted = await _calls_under_way(here)
    workers = here.machine.workers
    for worker in workers:
        worker.signal(signal.SIGKILL, group=True)
    await asyncio.gather(*(worker.ended(5) for worker in workers))
    began = time.monotonic()
    await asyncio.gather(*(worker.start() for worker in workers))
    return await _flowing(here, "all workers killed and started again", began, interrupted)


async def redis_killed(here: Scene) -> Recovery:
    """Kill Redis with kill -9; start it again after an outage, when it reads its append-only file."""
    machine, outage = here.machine, here.pace.outage
    interrupted = await _calls_under_way(here)
    await machine.redis.kill()
    await asyncio.sleep(outage)
    await machine.redis.start()
    await machine.until_redis_answers()
    return await _flowing(here, f"Redis killed, back after {outage:g} s", time.monotonic(), interrupted)


async def redis_unreachable(here: Scene, mood: Mood, *, forget: bool = False) -> Recovery:
    """Make Redis unreachable for an outage."""
    proxy, outage = here.machine.proxy, here.pace.outage
    interrupted = await _calls_under_way(here)
    await proxy.turn(mood)
    await asyncio.sleep(outage)
    await proxy.turn(Mood.OPEN, forget=forget)
    what = f"Redis out of reach for {outage:g} s ({mood.value}{', connections lost' if forget else ''})"
    return await _flowing(here, what, time.monotonic(), interrupted)


async def _calls_under_way(here: Scene) -> list[str]:
    """Return calls that workers are fetching; a slower Exotel makes the requests last."""
    machine, driver = here.machine, here.driver
    await machine.exotel.trouble("slow", seconds=1.0, for_seconds=3)
    account = machine.setup.accounts[0]
    sids = await machine.exotel.place(account.sid, "answered", _INTERRUPTED)
    tasks = [driver.begin(driver.made(sid, account.sid, "answered"), plainly=True) for sid in sids]
    await asyncio.gather(*tasks)
    await asyncio.sleep(0.3)
    return sids


async def _flowing(here: Scene, what: str, began: float, interrupted: list[str]) -> Recovery:
    """Wait until a call that came after `began` has its record."""
    seen = here.machine.tail.first_seen
    flow = await _until(here, lambda: any(seen.get(sid, 0) > began for sid in _after(here, began)), began)
    return Recovery(here, what, began, interrupted, flow)


def _after(here: Scene, began: float) -> Iterable[str]:
    return [sid for sid, call in here.driver.calls.items() if call.noted_at is not None and call.noted_at > began]


async def _until(here: Scene, condition, began: float) -> float:
    while not condition() and time.monotonic() - began < _GIVE_UP_SECONDS:
        await asyncio.sleep(0.05)
    return time.monotonic() - began
