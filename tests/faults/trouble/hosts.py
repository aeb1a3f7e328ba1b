"""Faults of hosts: a worker whose wall clock is off by hours, and a call that kills every worker that touches it."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from faults.scene import DidNotBite, Scene, fault
from faults.trouble.processes import UP_SECONDS

if TYPE_CHECKING:
    from faults.members import Member

POISONED = "no worker survived fetching it"
DEATHS = 5


@fault("a worker's clock is fast", "processes")
async def clock_fast(scene: Scene) -> str:
    return await _clock_off(scene, 5)


@fault("a worker's clock is slow", "processes")
async def clock_slow(scene: Scene) -> str:
    return await _clock_off(scene, -30)


async def _clock_off(scene: Scene, hours: float) -> str:
    machine = scene.machine
    chosen = scene.dice.choice([worker for worker in machine.workers if worker.alive] or machine.workers)
    await _end(chosen)
    await chosen.start(FAULTS_CLOCK_HOURS=str(hours))
    try:
        await machine.until_up(chosen, UP_SECONDS)
        process = chosen.process
        ready = next((line for line in chosen.said_since_start().splitlines() if b"worker.ready" in line), None)
        await asyncio.sleep(scene.pace.trouble)
        # A call that kills its worker may have been fetched: then the worker was restarted, and may still be waiting for Redis.
        if ready is None or chosen.process is not process or not chosen.alive:
            raise DidNotBite("it died of something else meanwhile")
    finally:
        await _end(chosen)
        await chosen.start()
    off = (datetime.fromisoformat(json.loads(ready)["timestamp"]) - datetime.now(UTC)).total_seconds() / 3600
    await machine.until_up(chosen, UP_SECONDS)
    if round(off) != hours:
        raise DidNotBite(f"its clock was off by {off:.2f} hours")
    return f"{chosen.name} worked {scene.pace.trouble:g} s with a clock {off:+.1f} hours off"


async def _end(worker: Member) -> None:
    if worker.alive:
        worker.signal(signal.SIGTERM)
        try:
            await worker.ended(20)
        except TimeoutError:
            await worker.kill()


async def poison_a_call(scene: Scene, *, buried: bool) -> str:
    """A call that kills the worker that fetches it, among calls that were posted at the same time.

    `buried=False` waits for the first death only, and then makes the call an ordinary one.
    """
    machine, driver = scene.machine, scene.driver
    account = machine.setup.accounts[1]
    sids = await machine.exotel.place(account.sid, "answered", 12)
    calls = [driver.made(sid, account.sid, "answered") for sid in sids]
    poison, before = calls[3].sid, deaths(scene)
    bound = DEATHS * (machine.setup.lease_seconds + 15)
    # Slow enough that calls fetched at the same time die with it.
    await machine.exotel.trouble("slow", account=account.sid, seconds=0.4, for_seconds=bound if buried else 5)
    machine.poison_file.write_text(poison, encoding="ascii")
    try:
        await asyncio.gather(*map(driver.begin, calls))
        told = await (_until_buried(scene, poison, bound) if buried else _until_first_death(scene, before))
        return f"{deaths(scene) - before} worker(s) died of {poison}; {told}"
    finally:
        # However this ended: otherwise the killing call would be marked failed much later, and count as failed without
        # reason.
        machine.poison_file.write_text("", encoding="ascii")


async def _until_first_death(scene: Scene, before: int) -> str:
    # Other faults at this time, such as its account's suspension, may keep workers from fetching it.
    await scene.wait_for(lambda: deaths(scene) > before, 2 * scene.machine.setup.lease_seconds, "a worker to die of it")
    return "then it was cured"


async def _until_buried(scene: Scene, poison: str, bound: float) -> str:
    scene.poisoned.add(poison)
    took = await scene.wait_for(lambda: _reason(scene, poison) is not None, bound, "the call to be buried")
    assert _reason(scene, poison) == POISONED, _reason(scene, poison)
    return f"it was buried after {took:.0f} s"


def deaths(scene: Scene) -> int:
    """Return workers that died without being killed by a fault."""
    return sum(not death.asked and death.code == -signal.SIGKILL for death in scene.machine.deaths)


def _reason(scene: Scene, sid: str) -> str | None:
    found = [record for record in scene.machine.receiver.taken if record.call_sid == sid]
    return str(found[0].event["data"].get("reason")) if found else None
