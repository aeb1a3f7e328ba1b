"""Rotate a file by size or by day, safely with several writing processes; compress rotated files with gzip."""

from __future__ import annotations

import fcntl
import gzip
import os
import re
import shutil
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from worker.lazy_logger import LazyLogger
from worker.sinks.days import day_of, today

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

log = LazyLogger(__name__)

# Seconds. A worker should stop within ten seconds; the rest is compressed after the next rotation.
_LAST_SECONDS = 5.0


class Rotation:
    """Renames `records.jsonl` to `records.2026-09-16.0001.jsonl`, by the day on which it was last written."""

    def __init__(self, path: Path, *, most_bytes: int | None, packed: bool, zone: tzinfo = UTC) -> None:
        """`most_bytes` None: rotate once a day, in the time zone `zone`."""
        self._path, self._most_bytes, self._packed, self._zone = path, most_bytes, packed, zone
        self._aside = re.compile(rf"{re.escape(path.stem)}\.(\d{{4}}-\d\d-\d\d)\.(\d+){re.escape(path.suffix)}(\.gz)?")
        self._packing: list[threading.Thread] = []

    def is_due(self, file: int, more_bytes: int) -> bool:
        """Return whether to rotate before `more_bytes` are added to the open file. An empty file is never rotated."""
        found = os.fstat(file)
        if self._most_bytes is None:
            return found.st_size > 0 and self._day(found.st_mtime) != today(self._zone).isoformat()
        return found.st_size > 0 and found.st_size + more_bytes > self._most_bytes

    def put_aside(self, file: int) -> None:
        """Rename the open file, whose lock the caller holds. Raises OSError."""
        day = self._day(os.fstat(file).st_mtime)
        number = max((int(found[2]) for _, found in self._found() if found[1] == day), default=0) + 1
        aside = self._path.with_name(f"{self._path.stem}.{day}.{number:04}{self._path.suffix}")
        # Renaming would replace a file created meanwhile, so the name is reserved first.
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
        self._path.replace(aside)

    def pack_soon(self) -> None:
        """Compress rotated files in a thread of its own."""
        if self._packed:
            thread = threading.Thread(target=self._pack_all, name=f"gzip {self._path.name}", daemon=True)
            thread.start()
            self._packing = [*(one for one in self._packing if one.is_alive()), thread]

    def aside(self) -> list[Path]:
        """Return the rotated files, compressed or not, the oldest first. Raises OSError."""
        return sorted(path for path, _ in self._found()) if self._path.parent.is_dir() else []

    def delete(self, keep_days: int) -> int:
        """Delete rotated files last written more than `keep_days` days ago; return how many. Raises OSError."""
        last = (today(self._zone) - timedelta(days=keep_days)).isoformat()
        old = [path for path, found in self._found() if found[1] < last]
        for path in old:
            path.unlink(missing_ok=True)
            # Left over if a worker was killed while compressing.
            _part_of(path).unlink(missing_ok=True)
        return len(old)

    def close(self) -> None:
        """Wait briefly for compression in progress."""
        for thread in self._packing:
            thread.join(_LAST_SECONDS)

    def _day(self, seconds: float) -> str:
        return day_of(datetime.fromtimestamp(seconds, UTC), self._zone)

    def _found(self) -> Iterator[tuple[Path, re.Match[str]]]:
        for path in self._path.parent.iterdir():
            if found := self._aside.fullmatch(path.name):
                yield path, found

    def _pack_all(self) -> None:
        # All of them: a killed worker may have left one uncompressed.
        try:
            for plain in sorted(path for path, found in self._found() if not found[3]):
                _pack(plain)
        except OSError as error:
            log.warning("sink.not_packed", file=str(self._path), reason=error.strerror)


def is_at(path: Path, file: int) -> bool:
    """Return whether this open file is the one that has the name now."""
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
        # Empty: another worker has just reserved the name and is about to rename its file to it.
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
