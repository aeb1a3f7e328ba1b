"""A simulated call, and the register of all calls."""

from __future__ import annotations

import bisect
import itertools
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.scenarios import SCENARIOS
from sandbox.sids import call_sid, leg_sid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.plans import LegPlan, Scenario

# Unassigned numbers. Customers' numbers are 0900000NNCC: a serial below 90 and the scenario's code.
EXOPHONE = "04000000001"
BACKUP_EXOPHONE = "04000000002"
PARTIES = {
    "agent": "09000009001",
    "second agent": "09000009002",
    "third agent": "09000009003",
    "SIP agent": "sip:agentone1a2b3c",
    "supervisor": "09000009009",
}
_SERIALS = 90

# About 150 MB of calls; the oldest are forgotten first, as Exotel forgets after some months.
MOST_CALLS = 250_000


@dataclass(slots=True, eq=False)
class Call:
    """A call, with its whole course known in advance; its state at any time is computed from the clock.

    All times are Unix time. `began` and `ended` are what the API states: a call of 40 s at a speed of 20 lasts
    2 s, so the API states that it began before it was placed, and ended when it really did.
    """

    sid: str
    account_sid: str
    scenario: Scenario
    customer: str
    agent: str
    placed: float
    ended: float
    speed: float
    custom_field: str
    with_callbacks: bool = True
    passthru_url: str = field(default="", repr=False)
    status_url: str = field(default="", repr=False)
    reads: int = 0
    posted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def began(self) -> float:
        return self.ended - self.scenario.seconds

    def moment(self, seconds: float) -> float:
        """Return the real time at which the call is that many seconds old; past its end, at the same speed."""
        return self.ended - (self.scenario.seconds - seconds) / self.speed

    def number(self, leg: LegPlan) -> str:
        if leg.party == "customer":
            return self.customer
        return self.agent if leg.party == "agent" else PARTIES[leg.party]

    def leg_sid(self, leg: LegPlan) -> str:
        return leg_sid(self.sid, self.scenario.legs.index(leg))

    @property
    def caller(self) -> str:
        return self.number(self.scenario.legs[0])

    @property
    def callee(self) -> str:
        return EXOPHONE if self.scenario.inbound else self.customer

    @property
    def recording_url(self) -> str:
        """The recording's URL; empty if the caller and a callee never talked."""
        if not any(leg.talks for leg in self.scenario.callees):
            return ""
        return f"https://recordings.example/{self.account_sid}/{self.sid}.mp3"


class Calls:
    """All calls of all accounts; safe to use from many threads."""

    def __init__(self, speed: float, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._speed = speed
        self._serial = itertools.count(1)
        self._lock = threading.Lock()
        self._by_sid: dict[str, Call] = {}
        self._in_order: deque[Call] = deque()
        self._by_start: dict[str, list[Call]] = {}

    def place(
        self,
        scenario: Scenario,
        account_sid: str,
        *,
        customer: str = "",
        agent: str = "",
        custom_field: str = "",
        after: float = 0.0,
        ended_ago: float | None = None,
        with_callbacks: bool = True,
        passthru_url: str = "",
        status_url: str = "",
    ) -> Call:
        """Place a call `after` seconds from now; or one that has been over for `ended_ago` seconds."""
        serial = next(self._serial)
        now = self.now()
        placed = now + after
        ended = placed + scenario.seconds / self._speed
        if ended_ago is not None:
            placed, ended = now, now - ended_ago
        call = Call(
            sid=call_sid(ended - scenario.seconds),
            account_sid=account_sid,
            scenario=scenario,
            customer=customer or f"0900000{serial % _SERIALS:02d}{scenario.code:02d}",
            agent=agent or PARTIES["agent"],
            placed=placed,
            ended=ended,
            speed=self._speed,
            custom_field=custom_field or f"order_{serial}",
            with_callbacks=with_callbacks,
            passthru_url=passthru_url,
            status_url=status_url,
        )
        with self._lock:
            self._by_sid[call.sid] = call
            self._in_order.append(call)
            bisect.insort(self._by_start.setdefault(account_sid, []), call, key=start_order)
            if len(self._in_order) > MOST_CALLS:
                self._forget(self._in_order.popleft())
        return call

    def _forget(self, call: Call) -> None:
        del self._by_sid[call.sid]
        siblings = self._by_start[call.account_sid]
        del siblings[bisect.bisect_left(siblings, start_order(call), key=start_order)]

    def get(self, sid: str) -> Call | None:
        with self._lock:
            return self._by_sid.get(sid)

    def read(self, call: Call) -> int:
        """Count a read of the call's legs and return its number, from 1."""
        with self._lock:
            call.reads += 1
            return call.reads

    def is_over(self, call: Call) -> bool:
        return call.ended <= self.now()

    def latest(self, limit: int, offset: int = 0) -> tuple[int, list[Call]]:
        """Return the number of calls, and a page of them, newest first."""
        with self._lock:
            return len(self._in_order), list(itertools.islice(reversed(self._in_order), offset, offset + limit))

    def started_between(self, account_sid: str, earliest: float, latest: float) -> list[Call]:
        """Return an account's ended calls that began in that time, both ends included, oldest first."""
        with self._lock:
            calls = self._by_start.get(account_sid, [])
            low = bisect.bisect_left(calls, int(earliest), key=start_second)
            high = bisect.bisect_right(calls, int(latest), key=start_second)
            found = calls[low:high]
        now = self.now()
        return [call for call in found if call.ended <= now]


def start_second(call: Call) -> int:
    """Return the whole second in which the call began, the precision of Exotel's times."""
    return int(call.began)


def start_order(call: Call) -> tuple[int, str]:
    """Return the sort key of the calls list, which is also its cursor."""
    return start_second(call), call.sid


def cycle(names: Iterable[Scenario] = ()) -> Callable[[], Scenario]:
    """Return a function that gives the scenarios in turn, for ever; without names, all. Safe to call from many threads."""
    chosen = tuple(names) or tuple(SCENARIOS.values())
    turns = itertools.count()
    return lambda: chosen[next(turns) % len(chosen)]
