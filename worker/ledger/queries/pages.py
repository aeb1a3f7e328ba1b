"""Walk through what is too long to be looked at as a whole: a page at a time, while others add to it and take away."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = TypeVar("Row")

# One round trip each. Larger pages would hardly be faster, and would hold Redis up while everybody waits.
PAGE = 200


def walk(
    client: Any, key: str, *, since: float = float("-inf"), until: float = float("inf")
) -> Iterator[tuple[bytes, float]]:
    """Yield the members of a sorted set with their scores between `since` and `until`, the lowest first.

    What is added at the end after the walk has begun is left out, so that a walk ends whatever is done to its rows.
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
        else:  # more of one score than a page has room for
            size *= 2


def in_pages(rows: Iterable[Row], size: int = PAGE) -> Iterator[list[Row]]:
    """Yield the rows in lists of up to `size`."""
    left = iter(rows)
    while page := list(islice(left, size)):
        yield page
