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
from marshmallow import Schema, ValidationError, fields, validate

from worker.errors import TemporaryFailure
from worker.sinks.base import Record, Sink
from worker.sinks.lines import append
from worker.sinks.rotation import Rotation, is_at

if TYPE_CHECKING:
    from schemas.settings import SinkSpec


_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9}


class Options(Schema):
    """What may be said of a file, in the URL's query or in legwork.toml."""

    rotate = fields.String(
        load_default=None,
        validate=validate.Regexp(r"^(day|[1-9][0-9]{0,5}(kB|MB|GB))$", error="is to be `day`, or a size such as 100MB"),
        metadata={
            "doc": "Put the file aside when its day (UTC) is over, with `day`, or before it exceeds a size: `100MB`."
        },
    )
    gzip = fields.Boolean(load_default=False, metadata={"doc": "Pack with gzip what was put aside."})


class FileSink(Sink):
    """`file:records.jsonl` (in the working directory) or `file:///absolute/records.jsonl`.

    Whole lines only, safe with several workers on one file: each write is made under an exclusive lock, flushed to the
    disk before the record counts as delivered, and taken back if it did not fit. What is put aside is called
    `records.2026-09-16.0001.jsonl`, by the day on which it was last written.
    """

    Options = Options
    batch = 100

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        if parts.netloc not in {"", "localhost"} or not parts.path or parts.path.endswith("/") or parts.query:
            raise ValidationError("is to be file:name.jsonl, or file:///absolute/name.jsonl", "url")
        self.path = Path(unquote(parts.path))
        self._rotation: Rotation | None = None
        if rotate := self.options["rotate"]:
            most_bytes = None if rotate == "day" else int(rotate[:-2]) * _UNITS[rotate[-2:]]
            self._rotation = Rotation(self.path, most_bytes=most_bytes, packed=self.options["gzip"])
        elif self.options["gzip"]:
            raise ValidationError("is for what was put aside: say when, with rotate", "gzip")

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
            while not self._write(lines):
                pass
        except OSError as error:
            # A full disk, a missing folder, a lost mount: all of them can be mended, and then the records are wanted.
            raise TemporaryFailure(f"{self.path}: {error.strerror}") from error
        return "written"

    def check(self) -> str:
        """Open the file for writing."""
        self.open()
        return f"{self.path} can be written"

    def close(self) -> None:
        """Wait a little for what is being packed."""
        if self._rotation:
            self._rotation.close()

    def _write(self, lines: bytes) -> bool:
        """Append the lines, unless the file is not, or no longer, the one to be written."""
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not is_at(self.path, file):  # put aside while we waited for the lock, and packed perhaps
                return False
            if self._rotation and self._rotation.is_due(file, len(lines)):
                append(file, b"")
                self._rotation.put_aside(file)
                self._rotation.pack_soon()
                return False
            append(file, lines)
        finally:
            os.close(file)
        return True

    def _open(self) -> int:
        # Opened for each write: a file that was rotated away or deleted is simply made anew.
        return os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
