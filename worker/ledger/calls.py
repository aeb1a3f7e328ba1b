"""The calls of one account: store, claim, postpone, decide and forget them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from worker.ledger.admission import admission
from worker.ledger.backlog import Backlog, Clock, Lane, Lease, server_clock
from worker.ledger.bucket import TokenBucket
from worker.ledger.call import CallState, OwedCall
from worker.ledger.codec import (
    pack_body,
    pack_event,
    unpack_body,
    unpack_callback,
    unpack_event,
)
from worker.ledger.index import add_to_index, began_key, began_ms, pack_sid, term_keys, terms_in
from worker.ledger.keys import of_account
from worker.record.search_terms import found_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from schemas.callback import Callback
    from schemas.settings import Account
    from worker.ledger.call import Verdict
    from worker.ledger.scripts import Argument, Scripts

# Seconds that a fetch may take beyond its request (waiting for a token, settling, a slow Redis) before its lease expires.
LEASE_MARGIN_SECONDS = 30.0
# Seconds until an unfinished call whose retention is over is checked again.
FORGET_AGAIN_SECONDS = 60.0
# However short memory is, a delivered call is kept this long: Exotel repeats callbacks within twenty minutes, and they
# would be taken for a new call.
REMEMBERED_SECONDS = 3600.0
# Calls forgotten per round: small and frequent. A round every ten seconds in each worker keeps up with a quota of 1,800
# requests a minute.
FORGOTTEN_AT_ONCE = 300


def lease_seconds(account: Account) -> float:
    """Return the lease of a fetch in seconds: a time-out each for connecting and reading, and the margin."""
    return 2 * account.timeout_seconds + LEASE_MARGIN_SECONDS


# What a script answers if callbacks are still to be indexed.
_TO_BE_INDEXED = 2


class CallBook:
    """Everything about the calls of one account; its backlog is `fetches`, its quota `bucket`."""

    def __init__(
        self,
        client: redis.Redis,
        scripts: Scripts,
        account: Account,
        *,
        retention_seconds: float,
        probe_seconds: float,
        worker: str = "-",
        clock: Clock = server_clock,
    ) -> None:
        self.account = account
        self._client: Any = client  # its answers are bytes, which redis-py's types cannot say
        self._scripts = scripts
        self._clock = clock
        self._retention_ms = retention_seconds * 1000
        self.fetches = Backlog(
            scripts, account.sid, "fetch", lease_seconds=lease_seconds(account), worker=worker, clock=clock
        )
        self.bucket = TokenBucket(
            scripts,
            account.sid,
            quota=account.quota,
            window_seconds=account.quota_seconds,
            hold_seconds=lease_seconds(account),
            probe_seconds=probe_seconds,
            clock=clock,
        )

    def key(self, *parts: str) -> str:
        """Return a key of this account."""
        return of_account(self.account.sid, *parts)

    def admit(self, callback: Callback, *, wait_seconds: float) -> bool:
        """Store a callback durably; the call is due in `wait_seconds` if this callback decides it (see `admit.lua`).

        Returns True if the call was unknown. Raises redis.RedisError if nothing could be stored.
        """
        keys, args = admission(self.fetches, callback, wait_seconds=wait_seconds, clock=self._clock())
        reply = self._scripts.run("backlog/admit", keys, args)
        if reply == _TO_BE_INDEXED:
            add_to_index(self._scripts, self.fetches.keys, self.account.sid, callback.call_sid, [callback])
        return bool(reply == 1)

    def admit_unknown_on(self, pipeline: redis.client.Pipeline, callback: Callback, lane: Lane) -> None:
        """Queue on a pipeline: admit a call, due now in a lane, unless it is known. The reply is 1 if it was not."""
        keys, args = admission(self.fetches, callback, lane=lane, is_import=True, clock=self._clock())
        self._scripts.run("backlog/admit", keys, args, pipeline=pipeline)

    def claim(self, lease: Lease) -> OwedCall | None:
        """Begin the work on a leased call; return None if the lease is stale."""
        claim = self.fetches.claim(lease)
        if claim is None:
            return None
        state, *callbacks = self._client.lrange(self.key("call", lease.item), 0, -1)
        return OwedCall(
            lease,
            claim,
            CallState.parse(state),
            tuple(unpack_callback(packed, lease.item) for packed in callbacks),
        )

    def partial(self, call_sid: str) -> bytes | None:
        """Return Exotel's last incomplete answer for this call that contained legs, or None."""
        packed = self._client.hget(self.key("events", call_sid), "partial")
        return None if packed is None else unpack_body(packed)

    def event(self, call_sid: str, event_key: str) -> dict[str, Any] | None:
        """Return the record that was sent as `<revision>/<kind>`, or None."""
        packed = self._client.hget(self.key("events", call_sid), event_key)
        return None if packed is None else unpack_event(packed)

    def postpone(
        self,
        call: OwedCall,
        *,
        wait_seconds: float,
        attempt: bool,
        settle_seconds: float,
        lane: Lane | None = None,
        step: dict[str, Any] | None = None,
        partial: bytes | None = None,
        requests: int = 0,
    ) -> bool:
        """Put a call back, due again after `wait_seconds`; return False if the lease was stale.

        `attempt`: whether it uses up one attempt of the schedule. If a call-ended callback came during the lease, the call
        is due `settle_seconds` after that callback instead, and the schedule starts again. `partial`: an incomplete answer
        to keep. `requests`: how many were made.
        """
        sid = call.call_sid
        keys = [*self.fetches.keys, self.key("call", sid), self.key("story", sid), self.key("events", sid)]
        args: list[Argument] = [
            sid,
            call.lease.id,
            wait_seconds * 1000,
            int(attempt),
            int(lane or 0),
            int(call.state.ended is not None),
            settle_seconds * 1000,
            "" if step is None else json.dumps(step),
            b"" if partial is None else pack_body(partial),
            requests,
            self._clock(),
        ]
        return bool(self._scripts.run("backlog/postpone", keys, args))

    def decide(self, call_sid: str, lease: Lease, verdict: Verdict, *, callbacks: Sequence[Callback] = ()) -> bool:
        """Finish a call, index it, and put its record on the sinks' backlogs, in one script; return False for a stale lease.

        `callbacks` are those that the worker knows; others are read and indexed in a second step.
        """
        per_call = [self.key(part, call_sid) for part in ("call", "story", "events", "deliveries")]
        per_account = [self.key(part) for part in ("settled", "dead", "forget", "totals")]
        sink_lanes = [self.key(f"sink:{sink}", "due", Lane.LIVE.name.lower()) for sink in verdict.sinks]
        confirm = "" if verdict.confirm_seconds is None else verdict.confirm_seconds * 1000
        terms, sid = found_by(callbacks, verdict.event), self.account.sid
        args: list[Argument] = [
            call_sid,
            lease.id,
            verdict.outcome,
            verdict.event_key,
            b"" if verdict.event is None else pack_event(verdict.event),
            verdict.revision,
            verdict.reason,
            verdict.requests,
            confirm,
            "" if verdict.step is None else json.dumps(verdict.step),
            self._retention_ms,
            self._clock(),
            began_ms(verdict.event),
            pack_sid(call_sid),
            len(callbacks),
            len(terms),
            *terms,
            *verdict.sinks,
        ]
        keys = [*self.fetches.keys, *per_call, *per_account, began_key(sid), *term_keys(sid, terms), *sink_lanes]
        reply = self._scripts.run("backlog/settle", keys, args)
        if reply == _TO_BE_INDEXED:
            packed = self._client.lrange(self.key("call", call_sid), 1, -1)
            others = [unpack_callback(each, call_sid) for each in packed]
            add_to_index(self._scripts, self.fetches.keys, self.account.sid, call_sid, others)
        return bool(reply)

    def announce(self, item: str, event: dict[str, Any], sinks: Sequence[str]) -> bool:
        """Put a record that is about no call on the sinks' backlogs as `item`; return False if it was there before."""
        kind = event["type"].rpartition(".")[2]
        keys = [
            *(self.key(part, item) for part in ("events", "deliveries")),
            self.key("forget"),
            *(self.key(f"sink:{sink}", "due", Lane.LIVE.name.lower()) for sink in sinks),
        ]
        args: list[Argument] = [item, f"1/{kind}", pack_event(event), self._clock(), *sinks]
        return bool(self._scripts.run("operator/announce", keys, args))

    def look_on(self, pipeline: redis.client.Pipeline, *, among: int) -> None:
        """Queue on a pipeline: count the calls and measure their waits; the longest is sought `among` those due first."""
        keys = [*self.fetches.keys, self.key("totals"), self.key("dead"), self.bucket.gate_key]
        args: list[Argument] = [self.key("call", ""), among, self._clock()]
        self._scripts.run("backlog/look_at_calls", keys, args, pipeline=pipeline)

    def states_on(self, pipeline: redis.client.Pipeline, sids: Sequence[str]) -> None:
        """Queue on a pipeline: look up the states of calls (see `states.lua`)."""
        keys = [*self.fetches.keys, self.key("settled"), self.key("dead"), *(self.key("call", sid) for sid in sids)]
        self._scripts.run("backlog/states", keys, sids, pipeline=pipeline)

    def forget_old(self, now_ms: float, *, early: bool = False) -> int:
        """Forget calls whose retention is over, or with `early` those delivered over an hour ago; return how many."""
        ahead_ms = max(0.0, self._retention_ms - REMEMBERED_SECONDS * 1000) if early else 0.0
        due = self._client.zrangebyscore(self.key("forget"), "-inf", now_ms + ahead_ms, start=0, num=FORGOTTEN_AT_ONCE)
        pipeline = self._client.pipeline(transaction=False)
        sids = [raw.decode() for raw in due]
        for sid in sids:
            pipeline.lindex(self.key("call", sid), 0)
        for sid, state in zip(sids, pipeline.execute() if sids else (), strict=True):
            terms = terms_in(state)
            per_call = [self.key(part, sid) for part in ("call", "story", "events", "deliveries")]
            per_account = [self.key(part) for part in ("settled", "forget", "dead", "began")]
            keys = [*self.fetches.keys, *per_call, *per_account, *term_keys(self.account.sid, terms)]
            args: list[Argument] = [
                sid,
                FORGET_AGAIN_SECONDS * 1000,
                ahead_ms,
                pack_sid(sid),
                " ".join(terms),
                self._clock(),
            ]
            self._scripts.run("backlog/forget", keys, args, pipeline=pipeline)
        return sum(pipeline.execute()) if due else 0
