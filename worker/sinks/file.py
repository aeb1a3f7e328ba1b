"""Append each record to a file, one JSON line per record."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import orjson
from marshmallow import Schema, ValidationError, fields, validate

from worker.errors import TemporaryFailure
from worker.sinks.base import Record, Sink
from worker.sinks.days import UTC_ZONE, DayZone
from worker.sinks.erase_files import HALF_MADE, Kept, clear_up, erase_lines, erase_packed
from worker.sinks.lines import append
from worker.sinks.rotation import Rotation, is_at

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.numbers.erasure import Eraser


# Of 255 bytes; a rotated file's name adds its day and a number, and 40 more while it is compressed or rewritten.
_LONGEST_NAME_BYTES = 190
_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9}


class Options(Schema):
    """Options of a file, in the URL's query or in legwork.toml."""

    rotate = fields.String(
        load_default=None,
        validate=validate.Regexp(r"^(day|[1-9][0-9]{0,5}(kB|MB|GB))$", error="must be `day`, or a size such as 100MB"),
        metadata={"doc": "Rotate the file when its day is over (`day`), or before it exceeds a size: `100MB`."},
    )
    gzip = fields.Boolean(load_default=False, metadata={"doc": "Compress rotated files with gzip."})
    zone = DayZone("With `rotate`: the time zone of the days, such as `Asia/Kolkata`.")
    keep_days = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=3650, error="must be a number of days, from 1 to 3650"),
        metadata={"doc": "Delete rotated files this many days after the day on which they were last written."},
    )


class FileSink(Sink):
    """`file:records.jsonl` (in the working directory) or `file:///absolute/records.jsonl`.

    Whole lines only, safe with several workers on one file: each write is made under an exclusive lock, flushed to the
    disk before the record counts as delivered, and undone if it did not fit. Rotated files are called
    `records.2026-09-16.0001.jsonl`, by the day on which it was last written.
    """

    Options = Options
    batch = 100

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        if parts.netloc not in {"", "localhost"} or not parts.path or parts.path.endswith("/") or parts.query:
            raise ValidationError("must be file:name.jsonl, or file:///absolute/name.jsonl", "url")
        if parts.fragment:
            raise ValidationError("holds a #: percent-encode it (%23)", "url")
        self.path = Path(unquote(parts.path))
        self._rotation: Rotation | None = None
        if rotate := self.options["rotate"]:
            if len(os.fsencode(self.path.name)) > _LONGEST_NAME_BYTES:
                raise ValidationError(f"must have a name of up to {_LONGEST_NAME_BYTES} bytes, with rotate", "url")
            most_bytes = None if rotate == "day" else int(rotate[:-2]) * _UNITS[rotate[-2:]]
            self._rotation = Rotation(
                self.path, most_bytes=most_bytes, packed=self.options["gzip"], zone=self.options["zone"]
            )
        elif alone := self._option_alone():
            raise ValidationError("is for rotated files: set rotate too", alone)

    def _option_alone(self) -> str | None:
        given = {"gzip": self.options["gzip"], "keep_days": self.options["keep_days"]}
        given["zone"] = self.options["zone"] != UTC_ZONE
        return next((name for name, value in given.items() if value), None)

    def open(self) -> None:
        """Create the file if it is missing. Raises OSError if it cannot be written."""
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
            # A full disk, a missing folder, a lost mount: all can be repaired, and then the records are wanted.
            raise TemporaryFailure(f"{self.path}: {error.strerror}") from error
        return "written"

    def check(self) -> str:
        """Open the file for writing."""
        self.open()
        return f"{self.path} can be written"

    def erase(self, eraser: Eraser, *, dry_run: bool) -> list[Kept]:
        """Rewrite the file and its rotated files."""
        if not dry_run:
            self._clear_up()
        kept = [erase_lines(self.path, eraser, dry_run=dry_run)]
        # The sink may have had `rotate` once.
        rotation = self._rotation or Rotation(self.path, most_bytes=None, packed=False)
        # Includes files rotated meanwhile; the second pass finds those compressed meanwhile.
        for is_packed, erase in ((False, erase_lines), (True, erase_packed)):
            files = [path for path in rotation.aside() if (path.suffix == ".gz") is is_packed]
            kept += [one for path in files if not (one := erase(path, eraser, dry_run=dry_run)).is_missing]
        return kept

    def forget_old(self) -> int:
        """Rotate the file if its day is over, and delete rotated files past their retention; return how many."""
        self._clear_up()
        if not self._rotation or self.options["keep_days"] is None:
            return 0
        with suppress(FileNotFoundError):
            self._put_aside_if_due(self._rotation)
        return self._rotation.delete(self.options["keep_days"])

    def _clear_up(self) -> None:
        clear_up(self.path.parent, f".{escape(self.path.stem)}*{HALF_MADE}")

    def _put_aside_if_due(self, rotation: Rotation) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_at(self.path, file) and rotation.is_due(file, 0):
                append(file, b"")
                rotation.put_aside(file)
                rotation.pack_soon()
        finally:
            os.close(file)

    def close(self) -> None:
        """Wait briefly for compression in progress."""
        if self._rotation:
            self._rotation.close()

    def _write(self, lines: bytes) -> bool:
        """Append the lines, unless the file is no longer the one to write; return whether it was done."""
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not is_at(self.path, file):  # rotated while this waited for the lock, and perhaps compressed
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
        # Opened for each write: a file that was rotated or deleted is created again.
        return os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
