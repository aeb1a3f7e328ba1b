"""Append each record to a file, one JSON line a record."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import orjson
from marshmallow import ValidationError

from worker.errors import TemporaryFailure
from worker.sinks.base import Record, Sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec


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
        os.close(self._open())

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
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _append(file: int, lines: bytes) -> None:
    end = os.fstat(file).st_size
    try:
        written = 0
        while written < len(lines):
            written += os.write(file, lines[written:])
        os.fsync(file)
    except OSError:
        os.ftruncate(file, end)
        raise
