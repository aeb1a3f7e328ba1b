"""Name the ledger's keys in Redis, and document what each holds.

Every key of an account has the account as its hash tag, so that one script may use them all on a Redis Cluster too.
Times are milliseconds since the epoch, by Redis's own clock.

| key | type | holds |
|---|---|---|
| `lw:ledger` | hash | `schema` (of all that is stored), `created_at`, `subscribers` (grows), `indexed` (`all`: every call is) |
| `lw:workers` | zset | worker process with its number of threads → last time it reported |
| `lw:sinks` | hash | sink → JSON of its state, unless it is active |
| `lw:sink-runs` | hash | sink → failures since its last success |
| `lw:subscribers` | hash | sink added at run time → JSON of it; its URL, secrets and options encrypted |
| `lw:removed-sinks` | hash | recently removed sink → when |
| `lw:{guesses}:<address>`, `lw:{guesses}:in-all` | string | wrong passwords from an address, and from everywhere; expire |
| `lw:tokens` | hash | token of the API, by its name → JSON of it, with its digest |
| `lw:token-uses` | hash | token → when it was last used, to the hour |
| `lw:signed-out:<session>` | string | a session of the console that was signed out; expires with it |
| `lw:meters` | hash | counts and measurements of all processes: see `worker/ledger/meters.py` |
| `lw:series:<series>:minutes:<kept>`, `…:hours:<kept>` | string | counts over time; expire: see `meters/add.lua` |
| `lw:{a}:call:<sid>` | list | the call's state as JSON, then its callbacks, packed, in order of arrival |
| `lw:{a}:story:<sid>` | list | the call's history, one JSON per step, the last 50 |
| `lw:{a}:events:<sid>` | hash | `<revision>/<kind>` → the packed record as sent; `partial` → the last incomplete answer |
| `lw:{a}:deliveries:<sid>` | hash | `<sink>/<revision>/<kind>` → JSON of the delivery; `pending` → how many are not finished |
| `lw:{a}:began` | zset | call → when it began; before its record says so, when its first callback arrived |
| `lw:{a}:term:<term>` | list | the packed CallSids that a term finds: see `worker/ledger/index.py` |
| `lw:{a}:settled`, `:dead`, `:forget` | zset | call → when it settled, when it failed, when to forget it |
| `lw:{a}:totals` | hash | counters: received, settled, tests, `delivered:<sink>` …; times: `answered_at`, `tested_at` |
| `lw:{a}:asking` | string | a worker that has started asks Exotel about the account; expires |
| `lw:{a}:fence` | string | the last lease id issued |
| `lw:{a}:fetch:…`, `lw:{a}:sink:<name>:…` | | one backlog each: see `Backlog` |
| `lw:{a}:bucket:flying`, `:cooling`, `:gate` | zset, zset, hash | the token bucket: see `TokenBucket` |
| `lw:{sink:<name>}:bucket:…` | | the token bucket of a sink that has a `rate` |
"""

from __future__ import annotations

#: The version of all that is stored. Raise it when an older Legwork could misread what this one writes.
SCHEMA = 1

LEDGER = "lw:ledger"
#: The field of LEDGER that tells how far calls of an earlier version are indexed.
INDEXED = "indexed"
WORKERS = "lw:workers"
SINKS = "lw:sinks"
SINK_RUNS = "lw:sink-runs"
METERS = "lw:meters"
SERIES = "lw:series:"
SUBSCRIBERS = "lw:subscribers"
REMOVED_SINKS = "lw:removed-sinks"
# One hash tag, because one script counts both.
GUESSES = "lw:{guesses}:"
ALL_GUESSES = "lw:{guesses}:in-all"
SIGNED_OUT = "lw:signed-out:"
TOKENS = "lw:tokens"
TOKEN_USES = "lw:token-uses"  # noqa: S105  a key in Redis


def of_account(account_sid: str, *parts: str) -> str:
    """Return a key that belongs to an account."""
    return ":".join((f"lw:{{{account_sid}}}", *parts))
