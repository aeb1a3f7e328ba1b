"""Records as they arrive at sinks, reduced to what the judge asks of them; and the file sink's file, read as it grows."""

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
    """One record that came to a sink: when (`time.monotonic`), under which id, and what it says."""

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
    """The file sink's file, watched as it grows: `first_seen` says when a call's record stood in it first."""

    path: Path
    first_seen: dict[str, float] = field(default_factory=dict)
    _position: int = 0

    def look(self) -> None:
        """Take in what was written since; what has no line break yet is looked at again."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            # A batch that did not fit on the disk is taken back: then the file is shorter than it was.
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
                continue  # the judge reads the whole file, and minds

    def read_all(self) -> tuple[list[Arrived], list[bytes]]:
        """Every record in the file, and every line that is none (an unfinished last one too)."""
        taken, spoilt = [], []
        *lines, rest = self.path.read_bytes().split(b"\n") if self.path.exists() else [b""]
        for line in lines:
            try:
                event = json.loads(line)
                taken.append(arrived(event, at=self.first_seen.get(event["subject"], 0.0)))
            except (ValueError, KeyError, TypeError):
                spoilt.append(line[:300])
        return taken, spoilt + ([rest[:300]] if rest else [])
