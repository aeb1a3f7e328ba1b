"""The token bucket: no more than `quota` requests arrive at Exotel within any window.

A taken token comes back exactly one window after the response to its request arrived. A request arrives at some time
between its sending and its response, so its token is in use from before its arrival until at least one window after it. In
any window that ends at t, each request that arrived has its token in use at t; there are N tokens; so at most N arrived.
This depends on no worker's clock, no network jitter and no number of processes, only on Redis's own clock. In the long run
W / (W + mean latency) of the quota is used, and no safe schedule serves a call earlier.
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

# A 429 although the quota is kept means that another program uses the same account: use a fifth less for ten minutes
# with each series of 429s, then grow back by a twentieth of the quota a minute (see lua/bucket/prelude.lua).
YIELD_SECONDS = 600
YIELD_FACTOR = 0.8
# After a pause one request is sent as a trial, and the others once it succeeded. If its result is unknown after this long,
# another one is sent: its holder may have died. Most responses take less than a second.
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
        """Return whether this is the single request that tests whether a suspended or throttled account works again."""
        return self.why in {"probe", "trial"}

    @property
    def ends_suspension(self) -> bool:
        """Return whether the account counts as suspended until this request succeeds."""
        return self.why == "probe"


class Look(NamedTuple):
    """The bucket's state: tokens free now, free soon, in flight, cooling down, the effective limit, and the gate."""

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
    a token before it must have returned it (after that the holder counts as dead).
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
        """Return the key of the gate: what closes it, and until when."""
        return self.keys[2]

    def take(self, token: str, *, max_wait_seconds: float = 1.0) -> Grant:
        """Take a token under the unique name `token`; or reserve the next one, if it is free within `max_wait_seconds`."""
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
        """Return 0 if the request of a reserved token may start, after the wait for the token.

        Otherwise the gate was closed meanwhile, the token was returned unused, and the result is the seconds until it opens.
        """
        return float(self._scripts.run("bucket/still_open", self.keys, [token, self._clock()])) / 1000

    def give_back(self, token: str) -> None:
        """Give back a token, as soon as the response to its request has arrived or was abandoned."""
        self._scripts.run("bucket/give_back", self.keys, [token, self._window_ms, self._clock()])

    def pause(self, seconds: float | None) -> bool:
        """Close the gate to all requests; for one window if `seconds` is None. Returns True if this begins a series of 429s."""
        pause_ms = self._window_ms if seconds is None else seconds * 1000
        args: list[Argument] = [pause_ms, YIELD_SECONDS * 1000, YIELD_FACTOR, self._clock()]
        return bool(self._scripts.run("bucket/pause", self.keys, args))

    def suspend(self, reason: str) -> bool:
        """Suspend requests, except one probe every `probe_seconds`. Returns True if the account was not suspended."""
        return bool(self._scripts.run("bucket/suspend", self.keys, [reason, self._probe_ms, self._clock()]))

    def resume(self) -> bool:
        """End a suspension and a series of 429s after a successful probe. Returns True if there was either."""
        return bool(self._scripts.run("bucket/resume", self.keys, []))

    def allow_probe(self) -> bool:
        """Let the next request find out now whether the account works again. Returns False if it is not suspended."""
        return bool(self._scripts.run("bucket/allow_probe", self.keys, [self._clock()]))

    def look(self, ahead_seconds: float = 1.0) -> Look:
        """Return the bucket's state, and how many tokens come back within `ahead_seconds`."""
        args: list[Argument] = [self.quota, ahead_seconds * 1000, self._clock()]
        return read_look(self._scripts.run("bucket/look", self.keys, args))

    def look_on(self, pipeline: redis.client.Pipeline, ahead_seconds: float = 1.0) -> None:
        """Queue `look` on a pipeline, for `read_look`."""
        args: list[Argument] = [self.quota, ahead_seconds * 1000, self._clock()]
        self._scripts.run("bucket/look", self.keys, args, pipeline=pipeline)


def read_look(answer: list[Any]) -> Look:
    """Parse `look.lua`'s reply."""
    free, soon, in_flight, cooling_down, limit, wait, gate = answer
    return Look(free, soon, in_flight, cooling_down, limit, float(wait) / 1000, Gate(gate.decode()))
