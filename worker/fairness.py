"""Divide the free places among the backlogs by max-min fairness."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Key = TypeVar("Key")

# The largest share of all threads that one sink may hold, so that a slow one (each delivery a time-out) leaves most to others.
LARGEST_PART_OF_A_SINK = 0.5
# The largest share for all failing sinks together: thirty that each wait for a time-out would block the healthy ones.
LARGEST_PART_OF_THE_FAILING = 0.5


class Want(NamedTuple):
    """How many places a backlog could use now, and how many it holds already."""

    demand: int
    held: int


def share(room: int, wants: Mapping[Key, Want], *, most_each: int) -> dict[Key, int]:
    """Return how many of `room` places each backlog gets: those that hold the fewest first, none more than `most_each`.

    A busy backlog fills all places only while no other wants them: as soon as a quiet one has work, it holds fewer, and so
    comes first. Ties go to the backlog that is first in the mapping.
    """
    queue = [(want.held, order, key) for order, (key, want) in enumerate(wants.items()) if want.demand > 0]
    heapq.heapify(queue)
    given: dict[Key, int] = {}
    while room > 0 and queue:
        held, order, key = heapq.heappop(queue)
        if held >= most_each:
            break
        given[key] = given.get(key, 0) + 1
        room -= 1
        if given[key] < wants[key].demand:
            heapq.heappush(queue, (held + 1, order, key))
    return given
