"""Faults of processes: kill -9 and SIGTERM, of one or of all at once."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from faults.proxy import Mood
from faults.scene import DidNotBite, Scene, fault

if TYPE_CHECKING:
    from faults.members import Member

# After SIGTERM the work in flight is finished. The longest step is a request to a hanging Exotel or sink, followed by
# an unreachable Redis.
STOP_SECONDS = 20.0
# Processes started while Redis is unreachable wait for it.
UP_SECONDS = 60.0


def _alive(scene: Scene, members: list[Member]) -> list[Member]:
    found = [member for member in members if member.alive and member.ready_word in member.said_since_start()]
    if not found:
        raise DidNotBite("nobody was up to be killed")
    scene.dice.shuffle(found)
    return found


async def _start_again(scene: Scene, members: list[Member]) -> None:
    await asyncio.sleep(scene.dice.uniform(0.1, 1.5))
    for member in members:
        if not member.alive:
            await member.start()
    await asyncio.gather(*(scene.machine.until_up(member, UP_SECONDS) for member in members))


async def _kill(members: list[Member]) -> str:
    pids = [member.signal(signal.SIGKILL, group=True) for member in members]
    await asyncio.gather(*(member.ended(30) for member in members))
    return ", ".join(f"{member.name} (pid {pid})" for member, pid in zip(members, pids, strict=True))


async def _terminate(scene: Scene, members: list[Member]) -> str:
    for member in members:
        member.signal(signal.SIGTERM)
    try:
        took = await asyncio.gather(*(member.ended(STOP_SECONDS) for member in members))
    except TimeoutError:
        late = [member for member in members if member.alive]
        for member in late:
            await member.kill()
        raise AssertionError(f"{[m.name for m in late]} did not end within {STOP_SECONDS:g} s of SIGTERM") from None
    codes = {member.name: member.process.returncode for member in members if member.process}
    # While there is a call that kills workers, a stopping worker may have fetched it.
    usual = {0, -signal.SIGKILL} if scene.machine.poison_file.read_text(encoding="ascii") else {0}
    assert set(codes.values()) <= usual, f"SIGTERM ended them with {codes}"
    return ", ".join(f"{member.name} in {each:.1f} s" for member, each in zip(members, took, strict=True))


@fault("worker killed", "processes")
async def worker_killed(scene: Scene) -> str:
    chosen = _alive(scene, scene.machine.workers)[:1]
    killed = await _kill(chosen)
    await _start_again(scene, chosen)
    return killed


@fault("worker told to end", "processes")
async def worker_terminated(scene: Scene) -> str:
    chosen = _alive(scene, scene.machine.workers)[:1]
    ended = await _terminate(scene, chosen)
    await _start_again(scene, chosen)
    return ended


@fault("all workers killed", "processes")
async def workers_killed(scene: Scene) -> str:
    chosen = _alive(scene, scene.machine.workers)
    killed = await _kill(chosen)
    await _start_again(scene, chosen)
    return killed


@fault("web killed in the middle of requests", "processes")
async def web_killed(scene: Scene) -> str:
    machine, driver = scene.machine, scene.driver
    chosen = _alive(scene, machine.webs)[:1]
    url = machine.web_url(chosen[0])
    if machine.proxy.mood is Mood.OPEN:
        machine.proxy.delay = 0.15  # so that requests last long enough to be interrupted
    try:
        calls = [await driver.next_call() for _ in range(20)]
        for call in calls:
            driver.begin(call)
        await scene.wait_for(lambda: driver.under_way[url] > 0, 5, "a request under way")
        await asyncio.sleep(0.1)
        under_way, before = driver.under_way[url], driver.answers["no answer"]
        killed = await _kill(chosen)
        await asyncio.sleep(0.3)
        unanswered = driver.answers["no answer"] - before
    finally:
        machine.proxy.delay = 0.0
    await _start_again(scene, chosen)
    if not unanswered:
        raise DidNotBite(f"{killed}: {under_way} requests under way, all of them answered")
    return f"{killed}: {under_way} requests under way, {unanswered} never answered"


@fault("a web's server killed, not its processes", "processes")
async def web_server_killed(scene: Scene) -> str:
    """Kill as the kernel does when memory is short. The restarted process needs the port."""
    chosen = _alive(scene, scene.machine.webs)[0]
    children = _children(chosen)
    pid = chosen.signal(signal.SIGKILL)
    await chosen.ended(30)
    try:
        await scene.wait_for(lambda: not any(map(_runs, children)), 30, "its processes to end with it")
    finally:
        await _start_again(scene, [chosen])
    return f"{chosen.name} (pid {pid}), and its processes {children} ended"


@fault("one of a web's processes killed", "processes")
async def web_process_killed(scene: Scene) -> str:
    chosen = _alive(scene, scene.machine.webs)[0]
    await scene.wait_for(lambda: len(_children(chosen)) > 1, 10, "more than one process to be there")
    children = _children(chosen)
    victim = scene.dice.choice(children)
    os.kill(victim, signal.SIGKILL)
    await scene.wait_for(lambda: len(set(_children(chosen)) - {victim}) == len(children), 15, "another in its place")
    return f"{victim} of {chosen.name}, and another took its place"


def _children(member: Member) -> list[int]:
    assert member.process is not None
    pid = member.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _runs(pid: int) -> bool:
    """Return whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@fault("web told to end", "processes")
async def web_terminated(scene: Scene) -> str:
    chosen = _alive(scene, scene.machine.webs)[:1]
    ended = await _terminate(scene, chosen)
    await _start_again(scene, chosen)
    return ended


@fault("everybody killed", "processes")
async def everybody_killed(scene: Scene) -> str:
    chosen = [*_alive(scene, scene.machine.workers), *_alive(scene, scene.machine.webs)]
    killed = await _kill(chosen)
    await _start_again(scene, chosen)
    return killed


@fault("everybody told to end", "processes")
async def everybody_terminated(scene: Scene) -> str:
    chosen = [*_alive(scene, scene.machine.workers), *_alive(scene, scene.machine.webs)]
    ended = await _terminate(scene, chosen)
    await _start_again(scene, chosen)
    return ended


@fault("worker frozen", "processes")
async def worker_frozen(scene: Scene) -> str:
    (chosen, *_) = _alive(scene, scene.machine.workers)
    pid = chosen.signal(signal.SIGSTOP)
    await asyncio.sleep(scene.pace.trouble)
    chosen.signal(signal.SIGCONT)
    return f"{chosen.name} (pid {pid}) for {scene.pace.trouble:g} s"


@fault("worker frozen past its leases", "processes", long=True)
async def worker_frozen_for_long(scene: Scene) -> str:
    (chosen, *_) = _alive(scene, scene.machine.workers)
    seconds = scene.machine.setup.lease_seconds + 3
    pid = chosen.signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    chosen.signal(signal.SIGCONT)
    return f"{chosen.name} (pid {pid}) for {seconds:g} s"
