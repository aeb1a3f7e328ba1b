"""Puts a file aside when it has grown or its day is over, so that several processes may write it; packs it with gzip."""

from __future__ import annotations

import fcntl
import gzip
import os
import re
import shutil
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from worker.sinks.days import day_of, today

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

log = structlog.get_logger(__name__)

# A worker is to stop within ten seconds; what is not packed by then is packed after the next rotation.
_LAST_SECONDS = 5.0


class Rotation:
    """Puts `records.jsonl` aside as `records.2026-09-16.0001.jsonl`, by the day on which it was last written."""

    def __init__(self, path: Path, *, most_bytes: int | None, packed: bool, zone: tzinfo = UTC) -> None:
        """`most_bytes` None: once a day, by the clocks in `zone`."""
        self._path, self._most_bytes, self._packed, self._zone = path, most_bytes, packed, zone
        self._aside = re.compile(rf"{re.escape(path.stem)}\.(\d{{4}}-\d\d-\d\d)\.(\d+){re.escape(path.suffix)}(\.gz)?")
        self._packing: list[threading.Thread] = []

    def is_due(self, file: int, more_bytes: int) -> bool:
        """Is it time, before so many bytes are added to the open file? An empty file never is."""
        found = os.fstat(file)
        if self._most_bytes is None:
            return found.st_size > 0 and self._day(found.st_mtime) != today(self._zone).isoformat()
        return found.st_size > 0 and found.st_size + more_bytes > self._most_bytes

    def put_aside(self, file: int) -> None:
        """Rename the open file; whoever calls this holds its lock. Raises OSError."""
        day = self._day(os.fstat(file).st_mtime)
        number = max((int(found[2]) for _, found in self._found() if found[1] == day), default=0) + 1
        aside = self._path.with_name(f"{self._path.stem}.{day}.{number:04}{self._path.suffix}")
        # Renaming would take the place of a file that somebody made meanwhile: the name is taken first.
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
        self._path.replace(aside)

    def pack_soon(self) -> None:
        """Pack what was put aside, while records go on being written."""
        if self._packed:
            thread = threading.Thread(target=self._pack_all, name=f"gzip {self._path.name}", daemon=True)
            thread.start()
            self._packing = [*(one for one in self._packing if one.is_alive()), thread]

    def aside(self) -> list[Path]:
        """Return what was put aside, packed or not, the oldest first. Raises OSError."""
        return sorted(path for path, _ in self._found()) if self._path.parent.is_dir() else []

    def delete(self, keep_days: int) -> int:
        """Delete what was put aside and last written more than so many days ago; returns how many files. Raises OSError."""
        last = (today(self._zone) - timedelta(days=keep_days)).isoformat()
        old = [path for path, found in self._found() if found[1] < last]
        for path in old:
            path.unlink(missing_ok=True)
            # Where a worker was killed while it packed.
            _part_of(path).unlink(missing_ok=True)
        return len(old)

    def close(self) -> None:
        """Wait a little for what is being packed."""
        for thread in self._packing:
            thread.join(_LAST_SECONDS)

    def _day(self, seconds: float) -> str:
        return day_of(datetime.fromtimestamp(seconds, UTC), self._zone)

    def _found(self) -> Iterator[tuple[Path, re.Match[str]]]:
        for path in self._path.parent.iterdir():
            if found := self._aside.fullmatch(path.name):
                yield path, found

    def _pack_all(self) -> None:
        # All of them: a worker that was killed may have left one unpacked.
        try:
            for plain in sorted(path for path, found in self._found() if not found[3]):
                _pack(plain)
        except OSError as error:
            log.warning("sink.not_packed", file=str(self._path), reason=error.strerror)


def is_at(path: Path, file: int) -> bool:
    """Is this open file the one that has the name now?"""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _part_of(plain: Path) -> Path:
    return plain.with_name(f"{plain.name}.gz.part")


def _pack(plain: Path) -> None:
    try:
        source = plain.open("rb")
    except FileNotFoundError:  # another worker was faster
        return
    part = _part_of(plain)
    with source:
        fcntl.flock(source, fcntl.LOCK_EX)
        # Empty: its name is being taken by another worker, which will have renamed the file to it in a moment.
        if not is_at(plain, source.fileno()) or os.fstat(source.fileno()).st_size == 0:
            return
        with (
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640), "wb") as target,
            gzip.GzipFile(fileobj=target, mode="wb", filename=plain.name) as packed,
        ):
            shutil.copyfileobj(source, packed)
            packed.close()
            target.flush()
            os.fsync(target.fileno())
        part.replace(plain.with_name(f"{plain.name}.gz"))
        plain.unlink()
