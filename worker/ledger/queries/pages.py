"""Walk through a long sorted set page by page, while others add and remove members."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = TypeVar("Row")

# Members per page, each one round trip. Larger pages would hardly be faster, and would block Redis for longer.
PAGE = 200


def walk(
    client: Any, key: str, *, since: float = float("-inf"), until: float = float("inf")
) -> Iterator[tuple[bytes, float]]:
    """Yield the members of a sorted set with their scores between `since` and `until`, the lowest first.

    Members added at the end after the walk has begun are left out, so that it always ends.
    """
    last = client.zrange(key, 0, 0, desc=True, withscores=True)
    until = min(until, last[0][1]) if last else float("-inf")
    size, passed = PAGE, (since, b"")
    while True:
        rows = client.zrangebyscore(key, passed[0], until, start=0, num=size, withscores=True)
        fresh = [(member, score) for member, score in rows if (score, member) > passed]
        yield from fresh
        if len(rows) < size:
            return
        if fresh:
            passed = fresh[-1][1], fresh[-1][0]
        else:  # more members of one score than fit a page
            size *= 2


def in_pages(rows: Iterable[Row], size: int = PAGE) -> Iterator[list[Row]]:
    """Yield the rows in lists of up to `size`."""
    left = iter(rows)
    while page := list(islice(left, size)):
        yield page
