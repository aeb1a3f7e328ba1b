"""Post callbacks as Exotel would, and record them: each CallSid answered with 200 must end as a record."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from faults.wire import Answer, NoAnswer, Refused, ask, multipart

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from faults.machine import Account, Machine

# The mix of scenarios: mostly ordinary calls, some with legs that are final late or broken answers. 429s belong to the
# account that is used for bursts of 429.
SCENARIOS = {
    "answered": 30,
    "inbound": 20,
    "three-agents": 10,
    "busy": 5,
    "missed": 5,
    "transferred": 4,
    "listened-in": 3,
    "sip-agent": 3,
    "xml": 3,
    "odd-values": 3,
    "unknown-status": 2,
    "legs-late": 2,
    "count-below-total": 2,
    "leg-in-progress": 2,
    "no-legs-at-first": 1,
    "400-first": 1,
    "404-at-first": 1,
    "500": 1,
    "html-502": 1,
    "html-200": 1,
    "cut-off": 1,
    # These two end without all legs, after the last retry.
    "404-for-ever": 0.4,
    "count-below-total-for-ever": 0.4,
}
# Exotel retries after 5 and after 15 minutes; here sooner, and as often as needed.
AGAIN_SECONDS = (1.0, 2.0, 3.0)
# Concurrent callbacks: as with Exotel, one that waits for a response does not stop the others.
AT_ONCE = 200
_BATCH = 40


@dataclass(slots=True)
class Call:
    """A call at the mock Exotel, and the responses to its callbacks."""

    sid: str
    account: str
    scenario: str
    sent_at: float = 0.0
    #: When one of its callbacks first got a 200: from then on a record is required. `time.monotonic`.
    noted_at: float | None = None


@dataclass
class Driver:
    """Calls and their callbacks, at a rate that can be changed while it runs."""

    machine: Machine
    dice: random.Random
    per_second: float = 10.0
    asks_another: bool = False
    calls: dict[str, Call] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    #: Callbacks in flight at each web, by its URL.
    under_way: Counter[str] = field(default_factory=Counter)
    #: Scenarios and their weights.
    scenarios: dict[str, float] = field(default_factory=lambda: dict(SCENARIOS))
    _stock: dict[str, list[Call]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def obligations(self) -> dict[str, Call]:
        return {sid: call for sid, call in self.calls.items() if call.noted_at is not None}

    async def run(self, enough: Callable[[], bool]) -> None:
        """Post calls until there are enough, and then wait until every callback has its final response."""
        due = time.monotonic()
        while not enough():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            # After a pause it continues at its rate, without catching up in a burst.
            due = max(due + 1 / self.per_second, time.monotonic() - 1)
            while len(self._tasks) >= AT_ONCE:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            self.begin(await self.next_call())
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    @staticmethod
    def made(sid: str, account: str, scenario: str) -> Call:
        """Take over a call that other code has placed."""
        return Call(sid, account, scenario)

    def begin(self, call: Call, *, plainly: bool = False) -> asyncio.Task[None]:
        """Start posting a call's callbacks; `plainly`: only a StatusCallback."""
        self.calls[call.sid] = call
        call.sent_at = time.monotonic()
        task = asyncio.create_task(self._post(call, "status") if plainly else self._tell(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def next_call(self, account: Account | None = None, scenario: str | None = None) -> Call:
        """Place a new call, of any account and scenario, or of the given ones."""
        accounts = self.machine.setup.accounts
        chosen = account or self.dice.choices(accounts, [each.weight for each in accounts])[0]
        if scenario is not None:
            return Call((await self.machine.exotel.place(chosen.sid, scenario, 1))[0], chosen.sid, scenario)
        stock = self._stock.setdefault(chosen.sid, [])
        if not stock:
            kinds = Counter(self.dice.choices(list(self.scenarios), list(self.scenarios.values()), k=_BATCH))
            for kind, count in kinds.items():
                stock += [
                    Call(sid, chosen.sid, kind) for sid in await self.machine.exotel.place(chosen.sid, kind, count)
                ]
            self.dice.shuffle(stock)
        return stock.pop()

    async def _tell(self, call: Call) -> None:
        manner = self.dice.random()
        if manner < 0.15:
            await self._post(call, "passthru", last=False)
            await self._post(call, "status")
        elif manner < 0.3:
            await asyncio.gather(self._post(call, "status"), self._post(call, "status"))
        elif manner < 0.4:
            await self._post(call, "passthru", last=True)
        else:
            await self._post(call, "status")

    async def _post(self, call: Call, kind: str, *, last: bool = True) -> None:
        """Post one callback until it gets a 200; a Passthru in mid-call is posted only once."""
        attempt = 0
        while True:
            answer = await self.post_once(call, kind, last=last)
            if answer is not None and answer.status == 200:
                call.noted_at = call.noted_at or time.monotonic()
                return
            if kind == "passthru" and not last:
                return
            await asyncio.sleep(AGAIN_SECONDS[min(attempt, len(AGAIN_SECONDS) - 1)])
            attempt += 1

    async def post_once(self, call: Call, kind: str, *, last: bool = True) -> Answer | None:
        """Post it once; if a web refuses the connection, try the next one. Returns None without a response.

        `asks_another`: it also tries the next web without a response; a callback that arrives twice is stored once.
        """
        webs = [self.machine.web_url(web) for web in self.machine.webs]
        self.dice.shuffle(webs)
        token = next(account.token for account in self.machine.setup.accounts if account.sid == call.account)
        for web in webs:
            self.under_way[web] += 1
            try:
                answer = await self._ask(f"{web}/callbacks/{token}/{kind}", call, last=last)
            except Refused:
                self.answers["refused"] += 1
                continue
            except NoAnswer:
                self.answers["no answer"] += 1
                if self.asks_another:
                    continue
                return None
            finally:
                self.under_way[web] -= 1
            self.answers[str(answer.status)] += 1
            return answer
        self.answers["nobody listens"] += 1
        return None

    async def _ask(self, url: str, call: Call, *, last: bool) -> Answer:
        """Return the request: a Passthru (a GET, which is not call-ended), or a StatusCallback in one of three forms."""
        if url.endswith("passthru"):
            fields = {"CallSid": call.sid, "CallType": "call-attempt", "Direction": "incoming", "flow_id": "228000"}
            if last:
                fields |= {"CallType": "completed", "DialCallStatus": "completed", "DialCallDuration": "21"}
            return await ask("GET", f"{url}?{urlencode(fields)}")
        fields = {"CallSid": call.sid, "EventType": "terminal", "Status": "completed", "Legs[0][Status]": "completed"}
        form = self.dice.choice(("multipart", "urlencoded", "json"))
        if form == "json":
            return await ask("POST", url, document=fields)
        if form == "urlencoded":
            kind = "application/x-www-form-urlencoded"
            return await ask("POST", url, body=urlencode(fields).encode(), headers={"Content-Type": kind})
        body, kind = multipart(list(fields.items()))
        return await ask("POST", url, body=body, headers={"Content-Type": kind})
