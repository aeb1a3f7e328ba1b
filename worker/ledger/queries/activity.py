"""Read what was counted over time, by the minute, the quarter of an hour or the hour: of all, of an account, of a sink."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.meters import COLUMNS, DELIVERED, FAILED, MINUTES_KEPT, TOOK, ring_keys
from worker.metrics import DELIVERY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from worker.ledger import Ledger

_BYTES = 4
# In an hour.
_MINUTES = 60


class Range(NamedTuple):
    """How far back to look: the length of a step in minutes, and how many whole steps there are before the present one."""

    word: str
    step_minutes: int
    steps: int

    @property
    def by_the_hour(self) -> bool:
        """Return whether it is read from what is kept by the hour."""
        return self.step_minutes % _MINUTES == 0

    @property
    def slot_seconds(self) -> int:
        """Return the length of a slot of the ring that it is read from."""
        return _MINUTES * 60 if self.by_the_hour else 60


#: The ranges of the charts, by the word that stands for them in a URL.
RANGES = {span.word: span for span in (Range("hour", 1, 60), Range("day", 15, 96), Range("week", 60, 168))}


class Step(NamedTuple):
    """The counts of one step, one a column (see `meters.COLUMNS`); `at` is its start, in seconds since the epoch."""

    at: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """What was counted in a range: whole steps, the oldest first, idle ones included; and the step that is under way."""

    whole: list[Step]
    present: Step

    @property
    def steps(self) -> list[Step]:
        """Return all steps, the present one last."""
        return [*self.whole, self.present]

    def total(self, column: int) -> int:
        """Return a column's sum over all steps."""
        return sum(step.counts[column] for step in self.steps)


def read_activity(ledger: Ledger, series: Sequence[str], span: Range) -> list[Activity]:
    """Return the activity of each series (`meters.ALL`, or a name by `series_name`). Two round trips."""
    ledger.meters.flush()
    now = int(ledger.client.time()[0])
    per_step = span.step_minutes * 60 // span.slot_seconds
    end = now // span.slot_seconds + 1
    first = (now // span.slot_seconds // per_step - span.steps) * per_step
    hours = ledger.meters.hours_kept
    rings = [
        _Ring(
            key=ring_keys(name, hours)[span.by_the_hour],
            columns=COLUMNS[name.partition(" ")[0]],
            kept=hours if span.by_the_hour else MINUTES_KEPT,
        )
        for name in series
    ]
    pipeline = ledger.client.pipeline()  # a transaction: what is read of a ring is of one moment
    for ring in rings:
        for start, stop in ring.parts(first, end):
            pipeline.getrange(ring.key, start, stop - 1)
    answers = iter(pipeline.execute() if rings else ())
    found = []
    for ring in rings:
        rows = ring.rows(first, end, answers)
        steps = [
            Step((first + at) * span.slot_seconds, tuple(map(sum, zip(*rows[at : at + per_step], strict=True))))
            for at in range(0, len(rows), per_step)
        ]
        found.append(Activity(steps[:-1], steps[-1]))
    return found


class _Ring(NamedTuple):
    """A ring of slots, as `meters/add.lua` lays it out."""

    key: str
    columns: int
    kept: int

    def parts(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of the string to read for the slots from `first` to before `end`: the header, then one or two."""
        row, start, stop = self.columns * _BYTES, first % self.kept, end % self.kept
        spans = [(start, stop)] if start < stop else [(start, self.kept), (0, stop)]
        return [(0, _BYTES), *((_BYTES + a * row, _BYTES + b * row) for a, b in spans if a < b)]

    def rows(self, first: int, end: int, answers: Iterator[bytes]) -> list[tuple[int, ...]]:
        """Return the counts of each slot from the parts that were read, which are shorter where the string ends before."""
        header, *slots = [next(answers).ljust(stop - start, b"\0") for start, stop in self.parts(first, end)]
        (latest,) = struct.unpack(">I", header)
        rows = struct.iter_unpack(f">{self.columns}I", b"".join(slots))
        # A slot that was not begun again since holds what is older by the whole ring.
        return [
            row if latest - self.kept < at <= latest else (0,) * self.columns
            for at, row in zip(range(first, end), rows, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts to deliver to a sink: how many succeeded and failed, and how long they took."""

    delivered: int
    failed: int
    #: How many took how long: one a bucket of metrics.DELIVERY_SECONDS. A batch is one.
    took: tuple[int, ...]

    @property
    def success(self) -> float | None:
        """Return the share of records that succeeded, between 0 and 1; None without attempts."""
        attempts = self.delivered + self.failed
        return self.delivered / attempts if attempts else None

    def quantile_seconds(self, share: float) -> float | None:
        """Return about how many seconds the fastest `share` of the attempts took at most; None without attempts.

        Within a bucket, times count as spread evenly, as Prometheus's `histogram_quantile` has it; what took longer than the
        last bound counts as that bound.
        """
        wanted, low = sum(self.took) * share, 0.0
        if not wanted:
            return None
        for number, high in zip(self.took, DELIVERY_SECONDS.buckets, strict=False):
            if number and wanted <= number:
                return low + (high - low) * wanted / number
            wanted, low = wanted - number, high
        return low


def attempts_in(steps: Iterable[Step]) -> Attempts:
    """Return the attempts of a sink's steps together."""
    columns = [sum(column) for column in zip(*(step.counts for step in steps), strict=True)] or [0] * COLUMNS["sink"]
    return Attempts(columns[DELIVERED.column], columns[FAILED.column], tuple(columns[TOOK.column :]))
