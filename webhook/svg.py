"""Draws the legs of a call over time as SVG: a bar each, ringing told from talking where that is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import render_template

from webhook.drawing import place_legs
from worker.logs import mask_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

# In the units of the drawing; it is scaled to the page.
WIDTH, LABELS, ROW, TOP = 960, 312, 34, 34
_RIGHT = 12
_BAR = 18
# Narrower than this a bar cannot be seen, and could not be pointed at.
_NARROWEST = 4
# So many letters have room in their columns.
_LONGEST_WHO, _LONGEST_STATUS = 16, 11
# A tick every so many seconds, whichever gives six at most.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 6
# For a saved drawing, on white; on a page the stylesheet's count.
_FILLS = {"caller": "#0969da", "callee": "#1a7f37", "supervisor": "#8250df", "unknown": "#57606a"}


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a bar: ringing or talking, from `x` on, so wide."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """A leg as it is drawn."""

    y: int
    role: str
    who: str
    status: str
    #: Its colour goes by this; a role that we do not know is drawn like any other.
    kind: str
    hover: str
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the line of time."""

    x: float
    text: str


def draw_svg(legs: Sequence[dict[str, Any]], *, zone: tzinfo, numbers: bool) -> str:
    """Return the drawing of a record's legs, times in `zone`; `numbers`: are they shown in full?"""
    placed = place_legs(legs)
    rows = []
    for place, leg in enumerate(legs):
        bar = placed[2][place] if placed else None
        boxes = []
        if placed and bar:
            seconds = max(1.0, (placed[1] - placed[0]).total_seconds())
            scale = (WIDTH - LABELS - _RIGHT) / seconds
            boxes = _boxes(bar.begins, bar.talks, bar.ends, scale)
        kind = leg["role"] if leg["role"] in _FILLS else "unknown"
        row = Row(
            y=TOP + place * ROW,
            role=leg["role"],
            who=_short(_who(leg, numbers)),
            status=_short(leg["status"] or "?", _LONGEST_STATUS),
            kind=kind,
            hover=_hover(leg, numbers, zone),
            boxes=boxes,
        )
        rows.append(row)
    ticks = _ticks(*placed[:2], zone) if placed else []
    height = TOP + max(1, len(rows)) * ROW + 6
    size = {"width": WIDTH, "height": height, "left": LABELS, "bar": _BAR}
    return render_template("legs.svg", rows=rows, ticks=ticks, fills=_FILLS, **size)


def _boxes(begins: float, talks: float, ends: float, scale: float) -> list[Box]:
    parts = [("ringing", begins, talks), ("talking", talks, ends)]
    boxes = [Box(kind, _at(start, scale), round((end - start) * scale, 1)) for kind, start, end in parts if end > start]
    if not boxes:  # nothing of any length is known; the moment is
        boxes = [Box("ringing", _at(begins, scale), 0)]
    last = boxes[-1]
    if last.width < _NARROWEST:  # somebody talked, or was there, however shortly
        boxes[-1] = Box(last.kind, min(last.x, WIDTH - _RIGHT - _NARROWEST), _NARROWEST)
    return boxes


def _at(seconds: float, scale: float) -> float:
    return round(LABELS + seconds * scale, 1)


def _ticks(first: datetime, last: datetime, zone: tzinfo) -> list[Tick]:
    """Mark round moments of the account's clock."""
    seconds = max(1.0, (last - first).total_seconds())
    scale = (WIDTH - LABELS - _RIGHT) / seconds
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), _STEPS[-1])
    begin, ticks = first.timestamp(), []
    moment = -(-begin // step) * step
    while moment <= begin + seconds:
        x = _at(moment - begin, scale)
        ticks.append(Tick(x, datetime.fromtimestamp(moment, zone).strftime("%H:%M:%S")))
        moment += step
    return ticks


def _who(leg: dict[str, Any], numbers: bool) -> str:
    number = leg["number"] or leg["number_raw"]
    if not number:
        return "no number"
    return str(number) if numbers else mask_number(number)


def _short(text: str, longest: int = _LONGEST_WHO) -> str:
    """Cut what would run into the next column; hovering shows all of it."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _hover(leg: dict[str, Any], numbers: bool, zone: tzinfo) -> str:
    parts = [leg["role"], _who(leg, numbers), leg["status"] or "no status", f"{leg['on_call_seconds']:g} s on the call"]
    for name, moment in (
        ("from", leg["created_at"] or leg["started_at"]),
        ("to", leg["ended_at"] or leg["updated_at"]),
    ):
        if moment:
            parts.append(f"{name} {datetime.fromisoformat(moment).astimezone(zone):%H:%M:%S}")
    return ", ".join(parts)
