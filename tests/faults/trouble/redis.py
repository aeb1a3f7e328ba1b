"""Faults of Redis: killed, unreachable in several ways, out of memory, read-only; the broker emptied; messages duplicated."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from faults.proxy import Mood, free_port
from faults.scene import DidNotBite, Scene, fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Celery's list of messages that no worker has taken yet, and the hash of those taken.
QUEUE, TAKEN = "legwork", "unacked"


@fault("Redis killed", "redis")
async def redis_killed(scene: Scene) -> str:
    machine = scene.machine
    before = await machine.direct.dbsize()
    assert machine.redis.process is not None
    pid = machine.redis.process.pid
    await machine.redis.kill()
    await asyncio.sleep(scene.dice.choice((0.2, scene.pace.outage / 4)))
    await machine.redis.start()
    await machine.until_redis_answers()
    after = await machine.direct.dbsize()
    if not before:
        raise DidNotBite("there was nothing in Redis to lose")
    return f"pid {pid}, {before} keys before and {after} after"


@fault("Redis refuses connections", "redis")
async def redis_refuses(scene: Scene) -> str:
    return await _out_of_reach(scene, Mood.REFUSE, "aborted")


@fault("Redis is silent", "redis")
async def redis_silent(scene: Scene) -> str:
    return await _out_of_reach(scene, Mood.SILENT, "held")


@fault("Redis is silent, and old connections for ever", "redis")
async def redis_silent_for_ever(scene: Scene) -> str:
    return await _out_of_reach(scene, Mood.SILENT, "forgotten", forget=True)


@fault("Redis breaks off in the middle of replies", "redis")
async def redis_cuts(scene: Scene) -> str:
    return await _out_of_reach(scene, Mood.CUT, "cut")


async def _out_of_reach(scene: Scene, mood: Mood, count: str, *, forget: bool = False) -> str:
    proxy = scene.machine.proxy
    before = proxy.counts[count]
    await proxy.turn(mood)
    try:
        await asyncio.sleep(scene.pace.outage)
    finally:
        await proxy.turn(Mood.OPEN, forget=forget)
    if proxy.counts[count] == before:
        raise DidNotBite(f"nothing was {count}")
    return f"{scene.pace.outage:g} s, {proxy.counts[count] - before} times {count}"


@fault("Redis out of memory", "redis")
async def redis_out_of_memory(scene: Scene) -> str:
    direct = scene.machine.direct
    return await _unwritable(
        scene, "OOM", lambda: direct.config_set("maxmemory", "1mb"), lambda: direct.config_set("maxmemory", "0")
    )


@fault("Redis read-only", "redis")
async def redis_read_only(scene: Scene) -> str:
    """As after a failed failover: it is a replica without a primary."""
    direct, nobody = scene.machine.direct, free_port()
    return await _unwritable(
        scene, "READONLY", lambda: direct.replicaof("127.0.0.1", nobody), lambda: direct.replicaof("NO", "ONE")
    )


@fault("Redis lacks a replica", "redis")
async def redis_without_replica(scene: Scene) -> str:
    direct = scene.machine.direct
    return await _unwritable(
        scene,
        "NOREPLICAS",
        lambda: direct.config_set("min-replicas-to-write", 1),
        lambda: direct.config_set("min-replicas-to-write", 0),
    )


async def _unwritable(
    scene: Scene, error: str, begin: Callable[[], Awaitable[object]], end: Callable[[], Awaitable[object]]
) -> str:
    """Make writes fail with an error that Redis counts."""
    before = await _errors(scene, error)
    refused = scene.driver.answers["503"]
    await begin()
    try:
        await asyncio.sleep(scene.pace.outage / 2)
        count = await _errors(scene, error) - before
    finally:
        await end()
    if not count:
        raise DidNotBite(f"no write failed with {error}")
    return f"{count} writes failed with {error}, {scene.driver.answers['503'] - refused} callbacks were answered 503"


async def _errors(scene: Scene, name: str) -> int:
    found = (await scene.machine.direct.info("errorstats")).get(f"errorstat_{name}", {})
    return int(found.get("count", 0))


@fault("broker emptied", "redis")
async def broker_emptied(scene: Scene) -> str:
    """All messages are deleted, with all that Celery stores about its queues; the ledger is in another database."""
    messages = await _until_there_are_messages(scene)
    await scene.machine.broker.flushdb()
    return f"{messages} messages gone"


@fault("messages doubled", "redis")
async def messages_doubled(scene: Scene) -> str:
    broker = scene.machine.broker
    await _until_there_are_messages(scene)
    taken = [_message(entry) for entry in await broker.hvals(TAKEN)]
    copies = [*await broker.lrange(QUEUE, 0, -1), *taken]
    if not copies:
        raise DidNotBite("the messages were gone before they could be copied")
    await broker.lpush(QUEUE, *copies, *copies)
    return f"{len(copies)} messages, each twice more"


def _message(entry: bytes) -> bytes:
    """Return the message in an entry of the hash of taken messages: `[message, exchange, routing key]`."""
    import json

    return json.dumps(json.loads(entry)[0]).encode()


async def _until_there_are_messages(scene: Scene) -> int:
    """Wait until messages are in flight; a slower Exotel makes that happen."""
    broker, deadline = scene.machine.broker, time.monotonic() + 10
    await scene.machine.exotel.trouble("slow", seconds=0.5, for_seconds=3)
    while time.monotonic() < deadline:
        count = await broker.llen(QUEUE) + await broker.hlen(TAKEN)
        if count >= 3:
            return int(count)
        await asyncio.sleep(0.01)
    raise DidNotBite("no message was on its way")
