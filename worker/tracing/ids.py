"""Derive the ids of a trace from the call, so that no trace data is stored in the ledger."""

from __future__ import annotations

import hashlib


def trace_id_of(account_sid: str, call_sid: str) -> int:
    """Return the trace id of a call: 128 bits."""
    return _derived(16, "trace", account_sid, call_sid)


def span_id_of(account_sid: str, call_sid: str, step: str) -> int:
    """Return the id of the span of a step (`callback`, `fetch 2`) of a call: 64 bits."""
    return _derived(8, "span", account_sid, call_sid, step)


def _derived(size: int, *parts: str) -> int:
    # Neither id may be 0 (W3C Trace Context); a hash of 0 is practically impossible.
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:size], "big") or 1
