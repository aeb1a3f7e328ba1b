"""Run the suite in order: traffic throughout, faults alone and shuffled, a quiet time, then the judge."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from faults.driver import Driver
from faults.judge import Seen, Verdict, judge
from faults.machine import Machine, Setup
from faults.records import UNAVAILABLE
from faults.scene import LANES, TABLE, Fault, Happened, Pace, Scene, happen
from faults.trouble import hosts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

# Marks of an unexpected exception in a log, Legwork's and Celery's. A traceback that is not JSON was printed, not
# logged.
BUGS = (b'"step.crashed"', b'"dispatcher.crashed"', b'"request.crashed"', b"Unrecoverable error")
# After this many times the planned number of attempts a lane stops: the run will not pass.
TRIES = 3


@asynccontextmanager
async def scene(folder: Path, *, seed: int, pace: Pace, setup: Setup | None = None) -> AsyncIterator[Scene]:
    """A running system under test, with its observers."""
    async with Machine(setup or Setup(), folder) as machine:
        found = Scene(machine, Driver(machine, random.Random(f"{seed} traffic")), random.Random(f"{seed} faults"), pace)
        watch = asyncio.create_task(_watch(machine))
        try:
            yield found
        finally:
            watch.cancel()


async def _watch(machine: Machine) -> None:
    while True:
        machine.tail.look()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def traffic(here: Scene, *, at_least: int = 0) -> AsyncIterator[None]:
    """Post calls until the block is over and there were enough; at the end every callback has its 200."""
    over = asyncio.Event()
    task = asyncio.create_task(here.driver.run(lambda: over.is_set() and len(here.driver.calls) >= at_least))
    try:
        yield
        over.set()
        await task
    finally:
        task.cancel()


async def alone(here: Scene, faults: Iterable[Fault], said: Callable[[Happened], None]) -> list[Happened]:
    """Run faults one after the other, each after calls are delivered again."""
    found = []
    for each in faults:
        found.append(await happen(here, each))
        said(found[-1])
        await fresh(here, seconds=60)
    return found


async def shuffled(here: Scene, total: int, said: Callable[[Happened], None], *, long: bool) -> list[Happened]:
    """Run a number of effective faults, each kind at least once: lanes concurrently, faults of a lane in sequence."""
    seed = here.dice.random()

    async def lane(name: str) -> list[Happened]:
        # Own random numbers, so that the order does not depend on the speed of other lanes.
        dice = random.Random(f"{seed} {name}")
        kinds = [each for each in TABLE.values() if each.lane == name and (long or not each.long)]
        wanted = max(len(kinds), round(total * LANES[name]))
        return await _in_turn(replace(here, dice=dice), kinds, wanted, said)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lane(name)) for name in LANES]
    await here.machine.heal()
    return [each for task in tasks for each in task.result()]


async def _in_turn(here: Scene, kinds: list[Fault], wanted: int, said: Callable[[Happened], None]) -> list[Happened]:
    """Run until enough had an effect; a kind is repeated after all others, or if it had no effect."""
    found: list[Happened] = []
    deck: list[Fault] = []
    tries = 0
    while sum(each.bit for each in found) < wanted and tries < TRIES * wanted:
        if not deck:
            deck = here.dice.sample(kinds, len(kinds))
        each, tries = deck.pop(), tries + 1
        found.append(await happen(here, each))
        said(found[-1])
        if not found[-1].bit:
            deck.insert(0, each)
        await asyncio.sleep(here.dice.uniform(*here.pace.gap))
    return found


async def poison(here: Scene, said: Callable[[Happened], None], *, buried: bool) -> Happened:
    """Run the fault that takes minutes, concurrently with the others."""

    async def act(scene: Scene) -> str:
        return await hosts.poison_a_call(scene, buried=buried)

    found = await happen(here, Fault("a call kills its worker", "processes", act))
    said(found)
    return found


async def fresh(here: Scene, *, seconds: float) -> float:
    """Post a call of each account, and return the seconds until all their records are in the file."""
    began = time.monotonic()
    calls = [await here.driver.next_call(account, "answered") for account in here.machine.setup.accounts[:2]]
    for call in calls:
        here.driver.begin(call, plainly=True)
    seen = here.machine.tail.first_seen
    while not all(call.sid in seen for call in calls):
        assert time.monotonic() - began < seconds, f"no fresh call came through within {seconds:g} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def calm(here: Scene, seconds: float) -> float:
    """Wait until every accepted call has its record at both sinks and nothing waits; return how long that took.

    After `seconds` the judge starts, even if something is missing.
    """
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        at_hook = {record.call_sid for record in here.machine.receiver.taken}
        owed = here.driver.obligations.keys()
        if owed <= at_hook and owed <= here.machine.tail.first_seen.keys():
            status = await here.machine.status()
            left = status["calls"]["waiting"] + status["calls"]["fetching"]
            if not left + sum(sink["waiting"] for sink in status["sinks"].values()):
                break
        await asyncio.sleep(0.5)
    return time.monotonic() - began


async def verdict(here: Scene) -> Verdict:
    """Collect the observations, and pass them to the judge."""
    machine, driver = here.machine, here.driver
    taken, spoilt = machine.tail.read_all()
    sinks = {"file": taken, "hook": machine.receiver.taken}
    seen = Seen(
        calls=driver.calls,
        sinks=sinks,
        unacknowledged=machine.receiver.unanswered,
        spoilt=spoilt,
        truths=await machine.exotel.truths(list(driver.obligations)),
        summary=await machine.exotel.summary(),
        status=await machine.status(),
        troubles=here.troubles,
        poisoned=here.poisoned,
        shared={machine.setup.stormy.sid},
        attempts=len(machine.setup.retry_schedule) + 1,
        crashes=crashes(machine, poisoned=hosts.deaths(here)),
    )
    if any(_not_whole(record.event) for record in taken):
        seen.arrivals = await machine.exotel.arrivals()
    return judge(seen)


def _not_whole(event: dict[str, object]) -> bool:
    data = event["data"]
    return event["type"] == UNAVAILABLE or not (isinstance(data, dict) and data["settled"])


def crashes(machine: Machine, *, poisoned: int) -> list[str]:
    """Return log lines that show bugs, and processes that ended unexpectedly."""
    found = []
    for member in (*machine.webs, *machine.workers):
        lines = member.log.read_bytes().splitlines()
        bugs = [line for line in lines if any(word in line for word in BUGS) or line.startswith(b"Traceback")]
        found += [f"{member.name}: {line.decode(errors='replace')}" for line in bugs]
    deserters = [death for death in machine.deaths if not death.asked]
    if len(deserters) > poisoned:
        found += [f"{death.member} ended by itself with {death.code}" for death in deserters]
    return found
