"""Follows a file of records, to show each as it arrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from worker.numbers.masking import mask_number
from worker.sinks import sink_for
from worker.sinks.file import FileSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from schemas.settings import SinkSpec

# Short enough to look immediate.
_LOOK_SECONDS = 0.2


def file_of(specs: Iterable[SinkSpec]) -> Path | None:
    """Return the file of the first file sink that receives every record; None without one."""
    for spec in specs:
        if spec.url.startswith("file:") and not (spec.types or spec.accounts or spec.filter or spec.projection):
            sink = sink_for(spec)
            if isinstance(sink, FileSink):
                return sink.path
    return None


def follow(path: Path, wait: Callable[[float], bool]) -> Iterator[dict[str, Any]]:
    """Yield each record that is appended to a file from now on, until `wait(seconds)` says True.

    A file that does not exist yet, or was truncated, is read from its start.
    """
    position = path.stat().st_size if path.exists() else 0
    rest = b""
    while not wait(_LOOK_SECONDS):
        size = path.stat().st_size if path.exists() else 0
        if size < position:
            position, rest = 0, b""
        if size == position:
            continue
        with path.open("rb") as file:
            file.seek(position)
            *lines, rest = (rest + file.read(size - position)).split(b"\n")
        position = size
        yield from map(json.loads, filter(None, lines))


def in_a_line(record: dict[str, Any]) -> str:
    """Return a record as one line: type, direction, outcome, talk time, and the end of the customer's number."""
    data = record["data"]
    kind = record["type"].rpartition(".")[2]
    words = [
        f"{kind:<11}",
        f"{data['direction'] or '':<8}",
        f"{data['status'] or data.get('reason') or '':<10}",
        f"{data['scenario']:<11}",
        f"{data['talk_seconds']:>3} s talk",
        f"{len(data['legs'])} legs",
        mask_number(data["customer"] or "").ljust(5),
        data["call_sid"],
    ]
    return "  ".join(words)
