"""Read the records that arrive at sinks, reduced to what the judge needs; follow the file sink's file."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

COMPLETED, CORRECTED, UNAVAILABLE = (f"legwork.call.{kind}" for kind in ("completed", "corrected", "unavailable"))


@dataclass(frozen=True, slots=True)
class Arrived:
    """One record that arrived at a sink: when (`time.monotonic`), its id, and its content."""

    at: float
    id: str
    type: str
    call_sid: str
    digest: str
    event: dict[str, Any]


def arrived(event: dict[str, Any], *, at: float) -> Arrived:
    canonical = json.dumps(event, sort_keys=True).encode()
    return Arrived(at, event["id"], event["type"], event["subject"], hashlib.sha256(canonical).hexdigest(), event)


@dataclass
class Tail:
    """Follows the file sink's file; `first_seen` has the time of each call's first record."""

    path: Path
    first_seen: dict[str, float] = field(default_factory=dict)
    _position: int = 0

    def look(self) -> None:
        """Read what was written since; an unfinished line is read again next time."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            # A batch that did not fit on the disk is undone: then the file is shorter than before.
            self._position = min(self._position, file.seek(0, 2))
            file.seek(self._position)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return
        self._position += len(whole) + 1
        now = time.monotonic()
        for line in whole.split(b"\n"):
            try:
                self.first_seen.setdefault(json.loads(line)["subject"], now)
            except (ValueError, KeyError, TypeError):
                continue  # the judge reads the whole file, and reports it

    def read_all(self) -> tuple[list[Arrived], list[bytes]]:
        """Return every record in the file, and every invalid line (an unfinished last one too)."""
        taken, spoilt = [], []
        *lines, rest = self.path.read_bytes().split(b"\n") if self.path.exists() else [b""]
        for line in lines:
            try:
                event = json.loads(line)
                taken.append(arrived(event, at=self.first_seen.get(event["subject"], 0.0)))
            except (ValueError, KeyError, TypeError):
                spoilt.append(line[:300])
        return taken, spoilt + ([rest[:300]] if rest else [])
