"""Draws the legs of a call over time as SVG: one bar per leg, ringing and talking distinguished where known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from flask import render_template

from webhook.timeline.bars import in_zone, place_legs
from worker.numbers.masking import mask_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from webhook.timeline.bars import Bar

#: The width of a saved drawing; on a page it fills the available width. Positions on the time line are in percent, so that
#: text keeps its size on a phone.
SAVED_WIDTH = "960"
# In pixels. The label of a bar is above it.
TOP, ROW, BAR = 30, 48, 16
# In percent. A narrower bar could be neither seen nor pointed at.
_NARROWEST = 0.6
# How many characters fit on a phone.
_LONGEST_WHO, _LONGEST_STATUS = 22, 12
# Intervals between ticks, in seconds; the first that gives at most six is taken.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 6
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
# In percent. Closer to an edge, a centred label would be cut off.
_EDGE = 8
# For a saved drawing, on white; on a page the stylesheet overrides them.
_FILLS = {"caller": "#0969da", "callee": "#1a7f37", "supervisor": "#8250df", "unknown": "#57606a"}


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a bar, ringing or talking; `x` and `width` in percent."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """A leg as drawn, at `y` pixels."""

    y: int
    role: str
    who: str
    status: str
    talked: str
    #: Selects the colour; an unknown role is drawn in that of `unknown`.
    kind: str
    hover: str
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time line, at `x` percent."""

    x: float
    text: str

    @property
    def anchor(self) -> str:
        """Return the text's alignment: centred, except near the edges."""
        return "start" if self.x < _EDGE else ("end" if self.x > 100 - _EDGE else "middle")


def draw_svg(
    legs: Sequence[dict[str, Any]],
    *,
    zone: tzinfo,
    numbers: bool,
    fit: Callable[[str], str] = str,
    width: str = "100%",
) -> str:
    """Return the drawing of a record's legs, times in `zone`; `numbers`: are they shown in full?

    `fit` makes Exotel's texts safe to show.
    """
    placed = place_legs(legs)
    rows = []
    for place, leg in enumerate(legs):
        bar = placed[2][place] if placed else None
        row = Row(
            y=TOP + place * ROW,
            role=leg["role"],
            who=_short(_who(leg, numbers)),
            status=_short(fit(leg["status"] or "?"), _LONGEST_STATUS),
            talked=f"{leg['on_call_seconds']:g} s" if leg["on_call_seconds"] else "",
            kind=leg["role"] if leg["role"] in _FILLS else "unknown",
            hover=_hover(leg, numbers, fit, zone),
            boxes=_boxes(bar, _scale(placed[0], placed[1])) if placed and bar else [],
        )
        rows.append(row)
    ticks = _ticks(*placed[:2], zone) if placed else []
    size = {"width": width, "height": TOP + max(1, len(rows)) * ROW, "bar": BAR}
    return render_template("legs.svg", rows=rows, ticks=ticks, fills=_FILLS, **size)


def _scale(first: datetime, last: datetime) -> float:
    """Return how many percent of the time line one second takes."""
    return 100 / max(1.0, (last - first).total_seconds())


def _boxes(bar: Bar, scale: float) -> list[Box]:
    parts = [("ringing", bar.begins, bar.talks), ("talking", bar.talks, bar.ends)]
    boxes = [
        Box(kind, round(start * scale, 2), round((end - start) * scale, 2)) for kind, start, end in parts if end > start
    ]
    if not boxes:  # the leg has a time but no length
        boxes = [Box("ringing", round(bar.begins * scale, 2), 0)]
    last = boxes[-1]
    if last.width < _NARROWEST:  # keep even a very short leg visible
        boxes[-1] = Box(last.kind, min(last.x, 100 - _NARROWEST), _NARROWEST)
    return boxes


def _ticks(first: datetime, last: datetime, zone: tzinfo) -> list[Tick]:
    """Return ticks at round times of the account's zone."""
    seconds = max(1.0, (last - first).total_seconds())
    # Wrong data may spread the legs over years; even then there are no more ticks.
    days = ceil(seconds / _MOST_TICKS / _STEPS[-1]) * _STEPS[-1]
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), days)
    begin, ticks = first.timestamp(), []
    moment = -(-begin // step) * step
    while moment <= min(begin + seconds, _LAST_MOMENT):
        x = round((moment - begin) * _scale(first, last), 2)
        ticks.append(Tick(x, in_zone(datetime.fromtimestamp(moment, UTC), zone).strftime("%H:%M:%S")))
        moment += step
    return ticks


def _who(leg: dict[str, Any], numbers: bool) -> str:
    number = leg["number"] or leg["number_raw"]
    if not number:
        return "no number"
    return str(number) if numbers else mask_number(number)


def _short(text: str, longest: int = _LONGEST_WHO) -> str:
    """Shorten a text that would run into the next column; the tooltip has all of it."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _hover(leg: dict[str, Any], numbers: bool, fit: Callable[[str], str], zone: tzinfo) -> str:
    status = fit(leg["status"] or "no status")
    parts = [leg["role"], _who(leg, numbers), status, f"{leg['on_call_seconds']:g} s on the call"]
    for name, moment in (
        ("from", leg["created_at"] or leg["started_at"]),
        ("to", leg["ended_at"] or leg["updated_at"]),
    ):
        if moment:
            parts.append(f"{name} {in_zone(datetime.fromisoformat(moment), zone):%H:%M:%S}")
    return ", ".join(parts)
