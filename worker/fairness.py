"""Who gets the free places: the max-min fair share of a small room among many backlogs."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Key = TypeVar("Key")

# No sink may hold more than so much of the fleet's threads: a slow one, each delivery a time-out, leaves most to the others.
LARGEST_PART_OF_A_SINK = 0.5
# Nor do all failing sinks together: thirty that wait for a time-out each would keep every thread from those that are well.
LARGEST_PART_OF_THE_FAILING = 0.5


class Want(NamedTuple):
    """How many places a backlog could fill now, and how many it holds already."""

    demand: int
    held: int


def share(room: int, wants: Mapping[Key, Want], *, most_each: int) -> dict[Key, int]:
    """Divide `room` places so that whoever holds least comes first; nobody ends with more than `most_each`.

    A noisy backlog fills the room only while nobody else wants it: as soon as a quiet one asks, it holds less, and is
    first. Ties go to whom the mapping names first.
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
