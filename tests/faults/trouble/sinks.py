"""Faults of sinks: down, slow, refusing, disconnecting without a response; a full disk under a file."""

from __future__ import annotations

import asyncio
import resource
import time
from typing import TYPE_CHECKING

from faults.scene import DidNotBite, Scene, fault

if TYPE_CHECKING:
    from collections.abc import Iterator

# A failing sink is tried only at intervals, and Redis may be unreachable for a while.
WELL_SECONDS = 40.0


async def _well(scene: Scene) -> None:
    """Wait until the receiver gets records, so that there is something to disturb."""
    began = time.monotonic()
    taken = scene.machine.receiver.taken
    await scene.wait_for(lambda: bool(taken) and taken[-1].at > began, WELL_SECONDS, "a delivery")


@fault("sink down", "sinks")
async def down(scene: Scene) -> str:
    receiver = scene.machine.receiver
    await _well(scene)
    before = len(receiver.taken)
    receiver.close()
    try:
        owed = len(scene.driver.obligations)
        await asyncio.sleep(scene.pace.trouble)
        owed = len(scene.driver.obligations) - owed
    finally:
        taken = len(receiver.taken) - before
        await receiver.open()
    if not owed:
        raise DidNotBite("there was nothing to deliver")
    return f"{scene.pace.trouble:g} s, {owed} calls noted meanwhile, {taken} records taken"


@fault("sink slow", "sinks")
async def slow(scene: Scene) -> str:
    await _well(scene)
    scene.machine.receiver.delay = 2.0
    return await _counted(scene, "slow")


@fault("sink answers 500", "sinks")
async def failing(scene: Scene) -> str:
    await _well(scene)
    scene.machine.receiver.status = 500
    return await _counted(scene, "500")


@fault("sink answers 503 with Retry-After", "sinks")
async def busy(scene: Scene) -> str:
    await _well(scene)
    scene.machine.receiver.status, scene.machine.receiver.retry_after = 503, 2
    return await _counted(scene, "503")


@fault("sink takes a record and says nothing", "sinks")
async def speechless(scene: Scene) -> str:
    await _well(scene)
    scene.machine.receiver.speechless = True
    return await _counted(scene, "speechless")


async def _counted(scene: Scene, name: str) -> str:
    receiver = scene.machine.receiver
    before = receiver.counts[name]
    try:
        await asyncio.sleep(scene.pace.trouble)
    finally:
        receiver.delay, receiver.status, receiver.retry_after, receiver.speechless = 0.0, 200, None, False
    met = receiver.counts[name] - before
    if not met:
        raise DidNotBite("nothing was delivered meanwhile")
    return f"{met} deliveries in {scene.pace.trouble:g} s"


@fault("disk full under the file", "sinks")
async def disk_full(scene: Scene) -> str:
    """Limit the size of all files to that file's: writes beyond it are truncated, as on a full disk.

    A limit on the workers' processes, not a small file system, because that would need root. Workers started meanwhile
    have no limit, as if they ran on another host.
    """
    size = scene.machine.records_file.stat().st_size
    before = _said(scene)
    limited = set(_workers(scene))
    # In the middle of the next record, so that a part of it is written and must be undone.
    _limit(limited, size + 700)
    try:
        await asyncio.sleep(scene.pace.trouble)
        count = _said(scene) - before
    finally:
        _limit(limited & set(_workers(scene)), resource.RLIM_INFINITY)
    if not count:
        raise DidNotBite("nobody wrote to the full disk")
    return f"{count} writes failed at {size + 700} bytes"


def _workers(scene: Scene) -> Iterator[int]:
    return (worker.process.pid for worker in scene.machine.workers if worker.alive and worker.process)


def _limit(pids: set[int], size: int) -> None:
    for pid in pids:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(
            pid, resource.RLIMIT_FSIZE, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard)
        )


def _said(scene: Scene) -> int:
    return sum(worker.log.read_bytes().count(b"File too large") for worker in scene.machine.workers)
