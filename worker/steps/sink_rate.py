"""Enforce a sink's rate across all workers: each request takes a token of its bucket."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.context import WorkerContext

# Seconds for which a thread waits for a token of a sink's rate; for a longer wait the delivery goes back.
LONGEST_WAIT_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 0.05


@contextmanager
def allowed(context: WorkerContext, sink: str, token: str) -> Iterator[float]:
    """Hold a token of the sink's rate during a request, and yield 0; without one, yield the seconds until a retry."""
    bucket = context.ledger.rates.get(sink)
    if bucket is None:
        yield 0.0
        return
    grant = bucket.take(token, max_wait_seconds=LONGEST_WAIT_SECONDS)
    if not grant.taken:
        yield max(grant.wait_seconds, SHORTEST_WAIT_SECONDS)
        return
    if grant.wait_seconds > 0:
        context.sleep(grant.wait_seconds)
    try:
        yield 0.0
    finally:
        bucket.give_back(token)
