"""Faults that a test driver switches on for a while, for one account or for all."""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import asdict, dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from sandbox.wire import Reply, error

if TYPE_CHECKING:
    from collections.abc import Callable

# The kinds of faults, and what each does.
KINDS = {
    "down": "the connection is reset before anything is answered",
    "slow": "every answer takes `seconds` longer",
    "throttled": "429 for everything, with `Retry-After` of `retry_after` seconds as `form`: seconds, date or none",
    "error": "`status` (500 to 599) for everything",
    "revoked": "`status` (401, 402 or 403) for everything",
    "truncated": "complete answers, with a matching length, but only half of the body",
    "cut": "the connection is reset in the middle of the body",
    "eat": "another client uses `per_second` requests of the quota",
}

_MESSAGES = {401: "Authentication failed", 402: "Payment Required", 403: "Forbidden"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `until` is on the monotonic clock, None for ever; it affects a `share` of the requests."""

    fault: str
    account: str | None = None
    until: float | None = None
    share: float = 1.0
    seconds: float = 3.0
    status: int = 0
    retry_after: float = 5.0
    form: str = "seconds"
    per_second: float = 0.0

    def reply(self) -> Reply | None:
        """Return the reply that replaces the right one; None for faults of another kind."""
        if self.fault == "throttled":
            return too_many(self.retry_after, self.form)
        if self.fault in ("error", "revoked"):
            return error(self.status, _MESSAGES.get(self.status, "Internal Server Error"))
        return None


class Faults:
    """The active faults; safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, dice: Callable[[], float] = random.random) -> None:
        self.clock = clock
        self._dice = dice
        self._lock = threading.Lock()
        self._on: dict[tuple[str, str | None], Fault] = {}

    def switch_on(self, fault: Fault) -> None:
        """Add a fault; it replaces one of the same kind for the same account."""
        with self._lock:
            self._on[fault.fault, fault.account] = fault

    def switch_off(self, kind: str | None = None) -> None:
        """End all faults, or those of one kind."""
        with self._lock:
            self._on = {key: fault for key, fault in self._on.items() if kind not in (None, fault.fault)}

    def active(self) -> list[Fault]:
        now = self.clock()
        with self._lock:
            self._on = {key: fault for key, fault in self._on.items() if fault.until is None or now < fault.until}
            return list(self._on.values())

    def meet(self, account_sid: str) -> dict[str, Fault]:
        """Return the faults that affect a request of this account, by kind."""
        if not self._on:
            return {}
        return {
            fault.fault: fault
            for fault in self.active()
            if fault.account in (None, account_sid) and (fault.share >= 1 or self._dice() < fault.share)
        }

    def shown(self) -> list[dict[str, Any]]:
        """Return the active faults as plain data."""
        now = self.clock()
        return [
            {key: value for key, value in asdict(fault).items() if key != "until"}
            | {"seconds_left": None if fault.until is None else max(0.0, fault.until - now)}
            for fault in self.active()
        ]


def too_many(seconds: float, form: str, headers: dict[str, str] | None = None) -> Reply:
    """Return a 429 with `Retry-After` in one of its two forms, or without it."""
    said = dict(headers or {})
    if form == "seconds":
        said["Retry-After"] = str(math.ceil(seconds))
    elif form == "date":
        # A date has whole seconds only: round up, so that no client comes back too early.
        said["Retry-After"] = formatdate(time.time() + seconds + 1, usegmt=True)
    return error(429, "Rate limit exceeded", said, Code="RATE_LIMIT_EXCEEDED")
