"""Read the latest members of many sorted sets by time, in one round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: A member of a sorted set, and its time.
    Member = tuple[bytes, float]


def latest_members(
    client: Any,
    keys: Sequence[str],
    *,
    limit: int,
    highest: float | str = "+inf",
    lowest: float | str = "-inf",
    wanted: Callable[[int, Member], bool] | None = None,
) -> list[list[Member]]:
    """Return for each set its `limit` latest members between two times, or a few more with the same time.

    `wanted` says whether a member (of the set at an index of `keys`) counts: members with the same time that were on an
    earlier page are left out. Raises redis.RedisError.
    """
    found: dict[int, list[Member]] = {}
    size, left = limit, list(range(len(keys)))
    while left:
        pipeline = client.pipeline(transaction=False)
        for at in left:
            pipeline.zrevrangebyscore(keys[at], highest, lowest, start=0, num=size, withscores=True)
        for at, members in zip(left, pipeline.execute(), strict=True):
            fresh = members if wanted is None else [member for member in members if wanted(at, member)]
            if len(fresh) >= limit or len(members) < size:
                found[at] = fresh
        # The rest have more members of one time than fit a page.
        left, size = [at for at in left if at not in found], size * 2
    return [found[at] for at in range(len(keys))]
