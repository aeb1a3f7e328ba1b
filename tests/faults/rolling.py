"""Do a rolling restart under load: stop and start each web and each worker, one after the other."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.scene import Scene

# Without other faults, a process ends within the longest request to Exotel and a margin.
STOP_SECONDS = 10.0
# Below the quota, so that a call waits only for Legwork.
PER_SECOND = 20.0


@dataclass(frozen=True)
class Rolled:
    """The responses during a rolling restart, the longest stop, and the longest call (limit: a lease)."""

    answers: dict[str, int]
    slowest_stop_seconds: float
    worst_seconds: float
    worst_bound: float
    calls: int
    webs_ended: int

    @property
    def ok(self) -> bool:
        """Return whether all were answered with 200, by either web.

        `refused` is a web that is down: the load balancer tries the other one, before it has sent anything. `no answer` is a
        connection that was made while its web was stopping, without any data yet: it is closed, and the other web is tried
        too. Each web that stops may cause one of these; usually there is none.
        """
        return (
            self.answers.keys() <= {"200", "refused", "no answer"}
            and self.answers.get("no answer", 0) <= self.webs_ended
            and self.worst_seconds <= self.worst_bound
        )

    def told(self) -> str:
        return (
            f"answers {self.answers}, SIGTERM to end {self.slowest_stop_seconds:.1f} s at most, "
            f"{self.calls} calls took {self.worst_seconds:.1f} s at most (bound {self.worst_bound:g} s)"
        )


async def rolling_restart(here: Scene, *, rounds: int = 1, slack_seconds: float = 0.0) -> Rolled:
    """Stop and start all processes, as a deployment does; the driver acts as load balancer.

    `slack_seconds` is added to the limits, for other load on the machine.
    """
    machine, driver = here.machine, here.driver
    before, usual = Counter(driver.answers), driver.per_second
    driver.per_second, driver.asks_another = PER_SECOND, True
    began, slowest = time.monotonic(), 0.0
    try:
        for member in (*machine.webs, *machine.workers) * rounds:
            await asyncio.sleep(0.5)
            member.signal(signal.SIGTERM)
            slowest = max(slowest, await member.ended(STOP_SECONDS + slack_seconds))
            assert member.process is not None
            assert member.process.returncode == 0, f"{member.name} ended with {member.process.returncode}"
            await member.start()
            await machine.until_up(member)
        await asyncio.sleep(0.5)
    finally:
        driver.per_second, driver.asks_another = usual, False
    ended = time.monotonic()
    answers = {name: count for name, count in (driver.answers - before).items() if count}
    met = [
        call
        for call in driver.calls.values()
        if call.noted_at is not None and began < call.noted_at < ended and call.scenario == "answered"
    ]
    seen = machine.tail.first_seen
    bound = machine.setup.lease_seconds + slack_seconds
    deadline = time.monotonic() + bound
    while not all(call.sid in seen for call in met) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    worst = max(seen.get(call.sid, time.monotonic()) - (call.noted_at or 0.0) for call in met)
    return Rolled(answers, slowest, worst, bound, len(met), len(machine.webs) * rounds)
