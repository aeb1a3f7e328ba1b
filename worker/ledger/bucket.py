"""The token bucket: at no time have more than `quota` requests arrived at Exotel within any window.

A token that was taken comes back exactly one window after the response to its request arrived. A request arrives at some
moment between its sending and its response, so its token is out from before its arrival until at least one window after
it. In any window that ends at t, each request that arrived has its token out at t; there are N tokens; so at most N
arrived. No clock of any worker, no jitter of the network and no number of processes comes into it; only Redis's own
clock does. In the long run W / (W + mean latency) of the quota is used, and no safe schedule serves a call earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from worker.ledger.backlog import Clock, server_clock
from worker.ledger.keys import of_account

if TYPE_CHECKING:
    import redis

    from worker.ledger.scripts import Argument, Scripts

# When 429s come although we keep the quota, somebody else spends from the same account: use a fifth less for ten
# minutes with each storm of them, then climb back by a twentieth of the quota a minute (see lua/bucket/prelude.lua).
YIELD_SECONDS = 600
YIELD_FACTOR = 0.8
# After a pause one request goes first, and the others once it got in. If there is no news of it for so long, another
# goes: its holder may have died. Most answers take less than a second.
TRIAL_SECONDS = 5


class Gate(StrEnum):
    """Whether requests may start at all."""

    OPEN = "open"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    PROBE = "probe"  # suspended, and one request is due to find out whether it still is
    TRIAL = "trial"  # the pause after a 429 is over, and one request is due to find out whether the storm is


@dataclass(frozen=True, slots=True)
class Grant:
    """What came of asking for a token.

    `taken`: the token is ours and the request may start after `wait_seconds`. Otherwise `why` says what is in the way
    (`empty`, `paused`, `suspended`) and `wait_seconds` when to ask again.
    """

    taken: bool
    wait_seconds: float
    why: str

    @property
    def is_probe(self) -> bool:
        """Is this the one request that finds out whether the account works again, suspended or throttled as it was?"""
        return self.why in {"probe", "trial"}

    @property
    def ends_suspension(self) -> bool:
        """Does the account count as suspended until this one gets through?"""
        return self.why == "probe"


class Look(NamedTuple):
    """How the bucket stands: tokens free now, back soon, in use, cooling down, the limit in force, and the gate."""

    free: int
    soon: int
    in_flight: int
    cooling_down: int
    limit: int
    gate_seconds: float
    gate: Gate


class TokenBucket:
    """The tokens of one account, shared by every process through Redis.

    `quota` tokens; `window_seconds` until a token is back after its response; `hold_seconds`: how long a holder may keep
    a token before it must have returned it (after that the holder is taken for dead).
    """

    def __init__(
        self,
        scripts: Scripts,
        account_sid: str,
        *,
        quota: int,
        window_seconds: float,
        hold_seconds: float,
        probe_seconds: float,
        clock: Clock = server_clock,
    ) -> None:
        self._scripts = scripts
        self.quota = quota
        self._window_ms = window_seconds * 1000
        self._hold_ms = hold_seconds * 1000
        self._probe_ms = probe_seconds * 1000
        self._clock = clock
        self.keys = [of_account(account_sid, "bucket", part) for part in ("flying", "cooling", "gate")]

    @property
    def gate_key(self) -> str:
        """The key of the gate: what shuts it, and until when."""
        return self.keys[2]

    def take(self, token: str, *, max_wait_seconds: float = 1.0) -> Grant:
        """Take a token under a name of its own; reserve the next one if it is back within `max_wait_seconds`."""
        args: list[Argument] = [
            token,
            self.quota,
            self._window_ms,
            self._hold_ms,
            max_wait_seconds * 1000,
            self._probe_ms,
            TRIAL_SECONDS * 1000,
            self._clock(),
        ]
        why, wait = self._scripts.run("bucket/take", self.keys, args)
        return Grant(why in (b"taken", b"probe", b"trial"), float(wait) / 1000, why.decode())

    def still_open(self, token: str) -> float:
        """After waiting for a reserved token: return 0 if its request may start.

        Otherwise the gate was shut meanwhile, the token has gone back unused, and the seconds are until it opens.
        """
        return float(self._scripts.run("bucket/still_open", self.keys, [token, self._clock()])) / 1000

    def give_back(self, token: str) -> None:
        """Return a token, as soon as the response to its request has arrived or was given up."""
        self._scripts.run("bucket/give_back", self.keys, [token, self._window_ms, self._clock()])

    def pause(self, seconds: float | None) -> bool:
        """Shut the gate for everyone, one window where `seconds` is None. True if a storm of 429s begins with this one."""
        pause_ms = self._window_ms if seconds is None else seconds * 1000
        args: list[Argument] = [pause_ms, YIELD_SECONDS * 1000, YIELD_FACTOR, self._clock()]
        return bool(self._scripts.run("bucket/pause", self.keys, args))

    def suspend(self, reason: str) -> bool:
        """Stop asking for this account but for one probe every `probe_seconds`. True if it was not suspended."""
        return bool(self._scripts.run("bucket/suspend", self.keys, [reason, self._probe_ms, self._clock()]))

    def resume(self) -> bool:
        """A probe got through: end a suspension, and a storm of 429s. True if there was either."""
        return bool(self._scripts.run("bucket/resume", self.keys, []))

    def look(self, ahead_seconds: float = 1.0) -> Look:
        """See how the bucket stands, and what comes back within `ahead_seconds`."""
        args: list[Argument] = [self.quota, ahead_seconds * 1000, self._clock()]
        return read_look(self._scripts.run("bucket/look", self.keys, args))

    def look_on(self, pipeline: redis.client.Pipeline, ahead_seconds: float = 1.0) -> None:
        """Queue the same on a pipeline, for `read_look`."""
        args: list[Argument] = [self.quota, ahead_seconds * 1000, self._clock()]
        self._scripts.run("bucket/look", self.keys, args, pipeline=pipeline)


def read_look(answer: list[Any]) -> Look:
    """Return what `bucket/look` answered."""
    free, soon, in_flight, cooling_down, limit, wait, gate = answer
    return Look(free, soon, in_flight, cooling_down, limit, float(wait) / 1000, Gate(gate.decode()))
