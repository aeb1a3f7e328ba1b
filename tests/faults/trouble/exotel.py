"""Faults of Exotel: down, slow, bursts of 429, quota shared with another client, credentials refused, truncated responses."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from faults.scene import DidNotBite, Scene, fault

# An account pauses for a while after a burst of 429, and Redis may be unreachable for as long.
LULL_SECONDS = 40.0


async def _trouble(scene: Scene, kind: str, account: str | None, *, in_vain: bool = True, **details: Any) -> str:
    """Keep a fault on for a while, and count the requests that met it; `in_vain`: none of them was useful."""
    exotel, seconds = scene.machine.exotel, scene.pace.trouble
    where = {} if account is None else {"account": account}
    before, began = _arrivals(await exotel.summary(), account), time.monotonic()
    await exotel.trouble(kind, **where, **details, for_seconds=seconds)
    await asyncio.sleep(seconds)
    met = _arrivals(await exotel.summary(), account) - before
    if in_vain:
        scene.trouble_at_exotel(account, began)
    if not met:
        raise DidNotBite("no request came by")
    return f"{met} requests of {account or 'all accounts'} in {seconds:g} s"


def _arrivals(summary: dict[str, Any], account: str | None) -> int:
    return int(summary["arrivals"] if account is None else summary["accounts"][account]["arrivals"])


def _some_account(scene: Scene) -> str | None:
    """Choose all accounts, or the largest: the smallest may have no request in that time."""
    return scene.dice.choice((None, scene.machine.setup.accounts[0].sid))


@fault("Exotel down", "exotel")
async def down(scene: Scene) -> str:
    return await _trouble(scene, "down", _some_account(scene))


@fault("Exotel slow", "exotel")
async def slow(scene: Scene) -> str:
    """Exotel is slower than Legwork's time-out."""
    return await _trouble(scene, "slow", _some_account(scene), seconds=scene.machine.setup.timeout_seconds + 0.5)


@fault("Exotel slower than usual", "exotel")
async def slower(scene: Scene) -> str:
    return await _trouble(scene, "slow", None, in_vain=False, seconds=scene.machine.setup.timeout_seconds / 2)


@fault("Exotel answers 503", "exotel")
async def failing(scene: Scene) -> str:
    return await _trouble(scene, "error", _some_account(scene), status=503)


@fault("Exotel cuts every third answer off", "exotel")
async def cut(scene: Scene) -> str:
    return await _trouble(scene, "cut", None, share=0.33)


@fault("Exotel answers by halves", "exotel")
async def truncated(scene: Scene) -> str:
    return await _trouble(scene, "truncated", _some_account(scene))


@fault("Exotel refuses the credentials (401)", "exotel")
async def revoked(scene: Scene) -> str:
    return await _trouble(scene, "revoked", _some_account(scene), status=401)


@fault("Exotel refuses the account (403)", "exotel")
async def forbidden(scene: Scene) -> str:
    return await _trouble(scene, "revoked", _some_account(scene), status=403)


async def _lull(scene: Scene) -> None:
    """Wait until the account for bursts is fetched again: it pauses for a while after a burst."""
    account, began = scene.machine.setup.stormy, time.monotonic()
    before = _arrivals(await scene.machine.exotel.summary(), account.sid)
    while _arrivals(await scene.machine.exotel.summary(), account.sid) == before:
        if time.monotonic() - began > LULL_SECONDS:
            raise DidNotBite(f"no request within {LULL_SECONDS:g} s")
        scene.driver.begin(await scene.driver.next_call(account, "answered"), plainly=True)
        await asyncio.sleep(0.5)


async def _storm(scene: Scene, form: str) -> str:
    """A burst of 429, which a call placed for it must meet."""
    account = scene.machine.setup.stormy
    await _lull(scene)
    scene.driver.begin(await scene.driver.next_call(account, "answered"), plainly=True)
    return await _trouble(scene, "throttled", account.sid, form=form, retry_after=2)


@fault("429 with Retry-After in seconds", "exotel")
async def storm_in_seconds(scene: Scene) -> str:
    return await _storm(scene, "seconds")


@fault("429 with Retry-After as a date", "exotel")
async def storm_with_a_date(scene: Scene) -> str:
    return await _storm(scene, "date")


@fault("429 without Retry-After", "exotel")
async def storm_without_a_word(scene: Scene) -> str:
    return await _storm(scene, "none")


@fault("another client eats half of the quota", "exotel")
async def eaten(scene: Scene) -> str:
    """Another client uses half of the quota, while Legwork needs more than the other half."""
    setup, account = scene.machine.setup, scene.machine.setup.stormy
    await _lull(scene)
    calls = await scene.machine.exotel.place(account.sid, "answered", round(setup.quota * 0.8))
    before = (await scene.machine.exotel.summary())["accounts"][account.sid]["eaten"]
    for sid in calls:
        scene.driver.begin(scene.driver.made(sid, account.sid, "answered"))
    await _trouble(scene, "eat", account.sid, in_vain=False, per_second=setup.quota / setup.quota_seconds / 2)
    eaten = (await scene.machine.exotel.summary())["accounts"][account.sid]
    if eaten["eaten"] == before:
        raise DidNotBite("the other client ate nothing")
    return f"{eaten['eaten'] - before} requests eaten, {eaten['refused']} of ours refused so far"
