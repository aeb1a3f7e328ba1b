"""Append each record to a file, one JSON line a record."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import orjson
from marshmallow import ValidationError

from worker.errors import TemporaryFailure
from worker.sinks.base import Record, Sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec


# Looking for the last line break begins with the last byte, where it nearly always is; then in steps of so many.
_BLOCK_BYTES = 64 * 1024


class FileSink(Sink):
    """`file:records.jsonl` (in the working directory) or `file:///absolute/records.jsonl`.

    Whole lines only, safe with several workers on one file: each write is made under an exclusive lock, flushed to the
    disk before the record counts as delivered, and taken back if it did not fit.
    """

    batch = 100

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        if parts.netloc not in {"", "localhost"} or not parts.path or parts.path.endswith("/"):
            raise ValidationError("is to be file:name.jsonl, or file:///absolute/name.jsonl", "url")
        self.path = Path(unquote(parts.path))

    def open(self) -> None:
        """Make the file if it is missing. Raises OSError where it cannot be written."""
        file = self._open()
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "not a regular file (for standard output there is stdout:)", str(self.path))
        finally:
            os.close(file)

    def send(self, records: list[Record]) -> str:
        """Append the records, all or none."""
        lines = b"".join(orjson.dumps(record) + b"\n" for record in records)
        try:
            file = self._open()
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                _append(file, lines)
            finally:
                os.close(file)
        except OSError as error:
            # A full disk, a missing folder, a lost mount: all of them can be mended, and then the records are wanted.
            raise TemporaryFailure(f"{self.path}: {error.strerror}") from error
        return "written"

    def check(self) -> str:
        """Open the file for writing."""
        self.open()
        return f"{self.path} can be written"

    def _open(self) -> int:
        # Opened for each write: a file that was rotated away or deleted is simply made anew.
        return os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _append(file: int, lines: bytes) -> None:
    end = os.fstat(file).st_size
    unfinished = _last_line(file, end)
    if unfinished:
        end, lines = _mend(file, unfinished, end, lines)
    try:
        written = 0
        while written < len(lines):
            written += os.write(file, lines[written:])
        os.fsync(file)
    except OSError:
        os.ftruncate(file, end)
        raise


def _mend(file: int, unfinished: bytes, end: int, lines: bytes) -> tuple[int, bytes]:
    """Keep a line that lacks its end from spoiling the next: give where to append, and what."""
    try:
        orjson.loads(unfinished)
    except orjson.JSONDecodeError:
        # Left by a writer that was killed in the middle. It was never acknowledged, so its records come again.
        os.ftruncate(file, end - len(unfinished))
        return end - len(unfinished), lines
    return end, b"\n" + lines


def _last_line(file: int, end: int) -> bytes:
    """Return what stands after the last line break."""
    start, found = end, b""
    size = 1
    while start > 0 and b"\n" not in found:
        size = min(start, size)
        start -= size
        found = os.pread(file, size, start) + found
        size = _BLOCK_BYTES
    return found.rpartition(b"\n")[2]
