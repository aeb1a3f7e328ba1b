"""The names of everything the ledger keeps in Redis, and what each holds.

Every key of one account carries the account in a hash tag, so that one script may touch them all on a Redis Cluster too.
Times are milliseconds since the epoch, by Redis's own clock.

| key | type | holds |
|---|---|---|
| `lw:ledger` | hash | `schema` (of all that is stored), `created_at`, `subscribers` (grows with each change of them) |
| `lw:workers` | zset | worker process with its number of threads → last sign of life |
| `lw:sinks` | hash | sink → JSON of its state, where it is not simply active |
| `lw:sink-runs` | hash | sink → failures since its last success |
| `lw:subscribers` | hash | sink added at run time → JSON of it; its URL, secrets and options encrypted |
| `lw:removed-sinks` | hash | sink removed lately → when |
| `lw:{guesses}:<address>`, `lw:{guesses}:in-all` | string | wrong passwords from an address, and from everywhere; expire |
| `lw:tokens` | hash | token of the API, by its name → JSON of it, with its digest |
| `lw:token-uses` | hash | token → when it was used, to the hour |
| `lw:signed-out:<session>` | string | a session of the console ended before its time; expires with it |
| `lw:meters`, `lw:minutes` | hash | what all processes have counted and measured: see `worker/ledger/meters.py` |
| `lw:{a}:call:<sid>` | list | the call's state as JSON, then its callbacks, packed, in order of arrival |
| `lw:{a}:story:<sid>` | list | what happened to the call, one JSON a step, the last 50 |
| `lw:{a}:events:<sid>` | hash | `<revision>/<kind>` → the record sent out, packed; `partial` → the last incomplete answer |
| `lw:{a}:deliveries:<sid>` | hash | `<sink>/<revision>/<kind>` → JSON of the delivery; `pending` → how many are not finished |
| `lw:{a}:settled`, `:dead`, `:forget` | zset | call → when it settled, when it was given up, when to forget it |
| `lw:{a}:totals` | hash | counters: received, settled, `delivered:<sink>` … |
| `lw:{a}:fence` | string | the last lease id given out |
| `lw:{a}:fetch:…`, `lw:{a}:sink:<name>:…` | | one backlog each: see `Backlog` |
| `lw:{a}:bucket:flying`, `:cooling`, `:gate` | zset, zset, hash | the token bucket: see `TokenBucket` |
| `lw:{sink:<name>}:bucket:…` | | the token bucket of a sink that has a `rate` |
"""

from __future__ import annotations

#: The version of all that is stored. Raise it when an older Legwork could misread what this one writes.
SCHEMA = 1

LEDGER = "lw:ledger"
WORKERS = "lw:workers"
SINKS = "lw:sinks"
SINK_RUNS = "lw:sink-runs"
METERS = "lw:meters"
MINUTES = "lw:minutes"
SUBSCRIBERS = "lw:subscribers"
REMOVED_SINKS = "lw:removed-sinks"
# One hash tag, for one script counts both.
GUESSES = "lw:{guesses}:"
ALL_GUESSES = "lw:{guesses}:in-all"
SIGNED_OUT = "lw:signed-out:"
TOKENS = "lw:tokens"
TOKEN_USES = "lw:token-uses"  # noqa: S105  a key in Redis


def of_account(account_sid: str, *parts: str) -> str:
    """Return the key of something that belongs to an account."""
    return ":".join((f"lw:{{{account_sid}}}", *parts))
