"""The chart of the report of hours: a bar for each hour of the day, of its answered, missed and other calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: In pixels: the drawing, and its parts above and below the bars. Positions from left to right are in percent.
HEIGHT, TOP, BOTTOM = 200, 20, 180
# In percent: of an hour's place that its bar takes.
_SHARE = 70


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a bar: `kind` is answered, missed or other."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour; `x`, `width` and `middle` in percent."""

    hour: int
    x: float
    width: float
    middle: float
    hover: str
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class HoursChart:
    """The drawing; `most` is the number of calls of its highest bar."""

    bars: list[Bar]
    most: int
    #: What a screen reader says; the table below has all of it.
    label: str


def hours_chart(rows: Sequence[Mapping[str, Any]]) -> HoursChart:
    """Return the chart of the report's rows."""
    most = max(row["calls"] for row in rows)
    busiest = max(rows, key=lambda row: row["calls"])
    place = 100 / len(rows)
    bars = []
    for at, row in enumerate(rows):
        other = row["calls"] - row["answered"] - row["missed"]
        boxes, y = [], float(BOTTOM)
        for kind, count in (("answered", row["answered"]), ("missed", row["missed"]), ("other", other)):
            height = (BOTTOM - TOP) * count / max(1, most)
            y -= height
            if count:
                boxes.append(Box(kind, round(y, 2), round(height, 2)))
        x = at * place + place * (100 - _SHARE) / 200
        calls = f"{row['calls']:,} call{'' if row['calls'] == 1 else 's'}"
        hover = f"{row['hour']:02}:00, {calls}, {row['answered']:,} answered, {row['missed']:,} missed"
        bars.append(
            Bar(row["hour"], round(x, 2), round(place * _SHARE / 100, 2), round((at + 0.5) * place, 2), hover, boxes)
        )
    hour = f"{busiest['hour']:02}"
    label = f"Inbound calls by hour of the day; most of them, {most:,}, began between {hour}:00 and {hour}:59."
    return HoursChart(bars, most, label)
