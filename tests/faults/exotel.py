"""Control the mock Exotel from outside: place calls, start faults, read the truth."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from faults.wire import ask

# How many truths are requested at once.
_AT_ONCE = 16


@dataclass
class Exotel:
    """The sandbox at `url`."""

    url: str

    async def place(self, account: str, scenario: str, count: int) -> list[str]:
        """Place ended calls whose callbacks the sandbox does not post; return their CallSids."""
        order = {"account": account, "scenario": scenario, "count": count, "ended_ago": 30, "callbacks": False}
        return list((await self._ask("POST", "/calls", order))["call_sids"])

    async def trouble(self, fault: str, **details: Any) -> None:
        await self._ask("POST", "/faults", {"fault": fault, **details})

    async def relieve(self, fault: str) -> None:
        await self._ask("DELETE", f"/faults/{fault}")

    async def summary(self) -> dict[str, Any]:
        return await self._ask("GET", "/requests/summary")

    async def truths(self, sids: list[str]) -> dict[str, dict[str, Any]]:
        """Return what really happened in each of these calls."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(sid: str) -> dict[str, Any]:
            async with gate:
                return await self._ask("GET", f"/calls/{sid}")

        return dict(zip(sids, await asyncio.gather(*map(one, sids)), strict=True))

    async def arrivals(self, since: int = 0) -> list[dict[str, Any]]:
        """Return every request that arrived, from number `since` on."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self._ask("GET", f"/requests?since={since}&limit=10000")
            if not page["requests"]:
                return found
            found += page["requests"]
            since = page["next"]

    async def _ask(self, method: str, path: str, document: Any = None) -> Any:
        answer = await ask(method, self.url + path, document=document, seconds=60)
        assert answer.status // 100 == 2, (method, path, answer)
        return answer.json()
