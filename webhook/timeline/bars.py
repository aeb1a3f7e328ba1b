"""Draws the legs of a call over time as text: one bar per leg, ringing and talking distinguished where known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

#: The marks for ringing, for talking, and for a leg without length: as block characters, and in plain ASCII.
BLOCKS, PLAIN = ("░", "█", "▏"), (".", "#", "|")
# A narrower time line would be unreadable.
_NARROWEST = 10
_COLOURS = {"caller": "cyan", "callee": "green", "supervisor": "magenta"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A leg on the time line, in seconds from the line's beginning.

    A leg begins when its party is dialled and ends with its last update; the seconds on the call are placed at its end.
    """

    begins: float
    talks: float
    ends: float


def draw(legs: Sequence[dict[str, Any]], *, width: int, ascii_only: bool, zone: tzinfo) -> list[Text]:
    """Return the lines of a drawing of a record's legs, `width` columns wide, times in `zone`.

    `ascii_only` is for terminals without UTF-8. Legs without times from Exotel have a line without a bar.
    """
    names = _names(legs)
    line_of_time = place_legs(legs)
    if line_of_time is None:
        return [_label(leg, name) for leg, name in zip(legs, names, strict=True)]
    first, last, bars = line_of_time
    column = len(names[0])
    room = max(_NARROWEST, width - column)
    marks = PLAIN if ascii_only else BLOCKS
    scale = room / max(1.0, (last - first).total_seconds())
    lines = [_axis(in_zone(first, zone), in_zone(last, zone), column, room)]
    for leg, name, bar in zip(legs, names, bars, strict=True):
        line = _label(leg, name)
        if bar is not None:
            line.append(paint(bar, scale, room, marks), style=_COLOURS.get(leg["role"], ""))
        lines.append(line)
    return lines


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return a time in a zone, or unchanged if it would leave the calendar's range (years 1 to 9999)."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def place_legs(legs: Sequence[dict[str, Any]]) -> tuple[datetime, datetime, list[Bar | None]] | None:
    """Return when the first leg of a record begins, when the last one ends, and each leg's bar.

    None if Exotel gave no times at all; a leg without times has no bar.
    """
    known = [(_moment(leg["created_at"] or leg["started_at"]), _end(leg)) for leg in legs]
    begins = [start for start, _ in known if start is not None]
    ends = [end for _, end in known if end is not None]
    if not begins or not ends:
        return None
    first = min(begins)
    bars: list[Bar | None] = []
    for leg, (start, end) in zip(legs, known, strict=True):
        if start is None or end is None:
            bars.append(None)
            continue
        talks = max(0.0, (end - first).total_seconds() - leg["on_call_seconds"])
        begins_at = (start - first).total_seconds()
        bars.append(Bar(begins_at, max(begins_at, talks), (end - first).total_seconds()))
    return first, max(ends), bars


def paint(bar: Bar, scale: float, room: int, marks: tuple[str, str, str]) -> str:
    """Return a bar in characters: `scale` of them per second, at most `room`."""
    ringing, talking, point = marks
    begin, talk, end = (min(room, round(moment * scale)) for moment in (bar.begins, bar.talks, bar.ends))
    if bar.ends > bar.talks and end == talk:  # talking shows even if it was very short
        talk = end - 1 if end > begin else talk
    if end <= begin:
        return " " * min(begin, room - 1) + (talking if bar.ends > bar.talks else point)
    return " " * begin + ringing * (talk - begin) + talking * (end - talk)


def _names(legs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the text before each bar, in columns: role, number, status, seconds on the call."""
    rows = [
        (
            leg["role"],
            leg["number"] or leg["number_raw"] or "no number",
            leg["status"] or "?",
            f"{leg['on_call_seconds']:g} s",
        )
        for leg in legs
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["".join(f"{word:<{width}}  " for word, width in zip(row, widths, strict=True)) for row in rows]


def _label(leg: dict[str, Any], name: str) -> Text:
    return Text(name, style=_COLOURS.get(leg["role"], ""), no_wrap=True)


def _axis(first: datetime, last: datetime, column: int, room: int) -> Text:
    seconds = f"{(last - first).total_seconds():g} s"
    left, right = f"{first:%H:%M:%S}", f"{last:%H:%M:%S}"
    gap = room - len(left) - len(right)
    middle = f" {seconds} ".center(gap) if gap >= len(seconds) + 2 else " "
    return Text(" " * column + left + middle + right, style="dim", no_wrap=True)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _end(leg: dict[str, Any]) -> datetime | None:
    return _moment(leg["ended_at"] or leg["updated_at"])
