"""The record of every request that arrived at the API, as evidence for tests."""

from __future__ import annotations

import re
import threading
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.quota import NANOSECONDS, OtherClient, SlidingWindow, fullest_window
from sandbox.times import utc_time

if TYPE_CHECKING:
    from collections.abc import Callable

# How many of the latest are kept individually; the request lines are most of the 200 MB that they may take.
MOST_ARRIVALS = 1_000_000
_LONGEST_LINE = 200

_ACCOUNT = re.compile(r"/v1/Accounts/([^/?]+)")
_CALL = re.compile(r"/Calls/([^/?.]+)")

# The status of an arrival without an answer: not yet, or because the connection was reset.
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it arrived; the quota refused it for `refused_for` nanoseconds, or None."""

    number: int
    account_sid: str
    refused_for: int | None


@dataclass(slots=True)
class _Account:
    window: SlidingWindow
    arrivals: int = 0
    refused: int = 0
    writes: int = 0
    eaten: int = 0
    others: OtherClient | None = None
    statuses: Counter[int] = field(default_factory=Counter)


class Arrivals:
    """Times, counts and checks each arrival in one step, so that no two can overtake each other.

    Bounded: counts are kept for ever, individual arrivals only for the last `most`.
    """

    def __init__(
        self,
        account_sids: tuple[str, ...],
        new_window: Callable[[], SlidingWindow],
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        most: int = MOST_ARRIVALS,
    ) -> None:
        self.clock = clock
        self._wall_offset = time.time_ns() - clock()
        self._lock = threading.Lock()
        # "" stands for accounts that do not exist: they have no quota to keep and share one entry.
        self._sids = ("", *account_sids)
        self._indexes = {sid: index for index, sid in enumerate(self._sids)}
        self._most = most
        self._accounts = {sid: _Account(new_window()) for sid in self._sids}
        self._count = 0
        self._at = array("q")
        self._account = array("H")
        self._status = array("H")
        self._lines: list[str] = []

    def arrive(self, method: str, path: str) -> Arrival:
        """Record a request for `path` (with its query). Call it before anything else is done with the request."""
        with self._lock:
            at = self.clock()
            found = _ACCOUNT.match(path)
            sid = found[1] if found and found[1] in self._accounts else ""
            account = self._accounts[sid]
            if account.others:
                account.eaten += account.others.spend(account.window, at)
            refused_for = account.window.arrive(at) if sid else None
            account.arrivals += 1
            account.refused += refused_for is not None
            account.writes += method not in ("GET", "HEAD")
            self._keep(at, self._indexes[sid], f"{method} {path}"[:_LONGEST_LINE])
            self._count += 1
            return Arrival(self._count - 1, sid, refused_for)

    def _keep(self, at: int, account: int, line: str) -> None:
        if len(self._at) < self._most:
            self._at.append(at)
            self._account.append(account)
            self._status.append(NO_ANSWER)
            self._lines.append(line)
        else:
            slot = self._count % self._most
            self._at[slot], self._account[slot] = at, account
            self._status[slot], self._lines[slot] = NO_ANSWER, line

    def answered(self, arrival: Arrival, status: int) -> None:
        """Record how an arrival was answered: an HTTP status, or `NO_ANSWER`."""
        with self._lock:
            if self._count - self._most <= arrival.number < self._count:
                self._status[arrival.number % self._most] = status
            self._accounts[arrival.account_sid].statuses[status] += 1

    def eat(self, account_sid: str | None, per_second: float, seconds: float | None = None) -> None:
        """Let another client use the quota of an account, or of all, for some seconds; a rate of 0 ends it."""
        with self._lock:
            now = self.clock()
            until = None if seconds is None else now + round(seconds * NANOSECONDS)
            for sid, account in self._accounts.items():
                if not sid or account_sid not in (None, sid):
                    continue
                if account.others:
                    account.eaten += account.others.spend(account.window, now)
                account.others = OtherClient(per_second, now, until) if per_second else None

    def shown(self, *, since: int = 0, limit: int = 1000, call_sid: str = "") -> dict[str, Any]:
        """Return individual arrivals from number `since` on, and the number of the next page."""
        with self._lock:
            number = max(since, self._count - self._most, 0)
            rows: list[dict[str, Any]] = []
            while number < self._count and len(rows) < limit:
                if call_sid in self._lines[number % self._most]:
                    rows.append(self._row(number))
                number += 1
        return {"requests": rows, "next": number}

    def _row(self, number: int) -> dict[str, Any]:
        slot = number % self._most
        method, path = self._lines[slot].split(" ", 1)
        call = _CALL.search(path)
        at = self._at[slot]
        return {
            "number": number,
            "monotonic": at / NANOSECONDS,
            "at": utc_time((at + self._wall_offset) / NANOSECONDS),
            "account_sid": self._sids[self._account[slot]] or None,
            "method": method,
            "path": path,
            "call_sid": call[1] if call else None,
            "status": self._status[slot] or None,
        }

    def summary(self) -> dict[str, Any]:
        """Return totals and, for each account, the fullest window among the kept arrivals."""
        with self._lock:
            first = self._count % self._most if self._count > self._most else 0
            times = self._at[first:] + self._at[:first]
            owners = self._account[first:] + self._account[:first]
            shown = {sid: self._totals(account) for sid, account in self._accounts.items()}
            windows = {sid: account.window for sid, account in self._accounts.items()}
        unknown = shown.pop("")
        for index, sid in enumerate(self._sids[1:], start=1):
            own = array("q", (at for at, owner in zip(times, owners, strict=True) if owner == index))
            window = windows[sid]
            shown[sid] |= {
                "quota": window.limit,
                "quota_seconds": window.window / NANOSECONDS,
                "fullest_window": fullest_window(own, window.window),
            }
        everything = [unknown, *shown.values()]
        statuses: Counter[str] = Counter()
        for part in everything:
            statuses.update(part["statuses"])
        return {
            "arrivals": sum(part["arrivals"] for part in everything),
            "kept": len(times),
            "refused": sum(part["refused"] for part in everything),
            "writes": sum(part["writes"] for part in everything),
            "statuses": dict(statuses),
            "accounts": shown,
            "unknown_accounts": {"arrivals": unknown["arrivals"], "writes": unknown["writes"]},
        }

    @staticmethod
    def _totals(account: _Account) -> dict[str, Any]:
        return {
            "arrivals": account.arrivals,
            "refused": account.refused,
            "writes": account.writes,
            "eaten": account.eaten,
            "statuses": {str(status or "none"): count for status, count in sorted(account.statuses.items())},
        }
