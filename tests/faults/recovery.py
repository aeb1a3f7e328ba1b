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
OUTAGE_SECONDS = 20.0
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


async def all_workers_killed(here: Scene) -> Recovered:
    """Kill every worker with kill -9 during requests to Exotel; restart them at once."""
    interrupted = await _calls_under_way(here)
    workers = here.machine.workers
    for worker in workers:
        worker.signal(signal.SIGKILL, group=True)
    await asyncio.gather(*(worker.ended(5) for worker in workers))
    began = time.monotonic()
    await asyncio.gather(*(worker.start() for worker in workers))
    return await _measured(here, "all workers killed and started again", began, interrupted)


async def redis_killed(here: Scene) -> Recovered:
    """Kill Redis with kill -9; start it again 20 s later, when it reads its append-only file."""
    machine = here.machine
    interrupted = await _calls_under_way(here)
    await machine.redis.kill()
    await asyncio.sleep(OUTAGE_SECONDS)
    await machine.redis.start()
    await machine.until_redis_answers()
    return await _measured(here, "Redis killed, back after 20 s", time.monotonic(), interrupted)


async def redis_unreachable(here: Scene, mood: Mood, *, forget: bool = False) -> Recovered:
    """Make Redis unreachable for 20 s."""
    proxy = here.machine.proxy
    interrupted = await _calls_under_way(here)
    await proxy.turn(mood)
    await asyncio.sleep(OUTAGE_SECONDS)
    await proxy.turn(Mood.OPEN, forget=forget)
    what = f"Redis out of reach for 20 s ({mood.value}{', connections lost' if forget else ''})"
    return await _measured(here, what, time.monotonic(), interrupted)


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


async def _measured(here: Scene, what: str, began: float, interrupted: list[str]) -> Recovered:
    """Watch calls posted after `began`, until the interrupted ones are done, for a minimum time."""
    seen, calls = here.machine.tail.first_seen, here.driver.calls
    flow = await _until(here, lambda: any(seen.get(sid, 0) > began for sid in _after(here, began)), began)
    done = await _until(here, lambda: all(sid in seen for sid in interrupted), began)
    until = max(time.monotonic(), began + here.pace.watch)
    await _until(here, lambda: time.monotonic() > until, began)
    ordinary = [sid for sid in _after(here, began) if calls[sid].scenario in {"answered", "inbound", "three-agents"}]
    await _until(here, lambda: all(sid in seen for sid in ordinary), began)
    worst = max((seen.get(sid, time.monotonic()) - (calls[sid].noted_at or 0) for sid in ordinary), default=0.0)
    return Recovered(what, flow, len(interrupted), done, worst, here.machine.setup.lease_seconds + FLOW_SECONDS)


def _after(here: Scene, began: float) -> Iterable[str]:
    return [sid for sid, call in here.driver.calls.items() if call.noted_at is not None and call.noted_at > began]


async def _until(here: Scene, condition, began: float) -> float:
    while not condition() and time.monotonic() - began < _GIVE_UP_SECONDS:
        await asyncio.sleep(0.05)
    return time.monotonic() - began
