"""Erase a person's number from files that sinks have written, while workers continue to write."""

from __future__ import annotations

import fcntl
import gzip
import os
import stat
import time
import uuid
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from worker.sinks.lines import whole_lines
from worker.sinks.rotation import is_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from worker.numbers.erasure import Eraser

#: The suffix of a file that is being written; no other file has it.
HALF_MADE = "." + "[0-9a-f]" * 32
# Seconds after which such a file is left over: writing one takes much less.
_LEFT_SECONDS = 3600.0
# Bytes of a file's end that show whether the copied part is unchanged: the end of a record, with its ids.
_MARK_BYTES = 4096


class _Another(Exception):
    """Raised if the file was rotated while it was copied, or a copied write was undone."""


@dataclass(slots=True)
class Kept:
    """A place where a sink stores records on this host (a file, a folder): how many had the number, and were rewritten."""

    path: str
    found: int = 0
    erased: int = 0
    is_missing: bool = False
    #: Why not everything could be erased, or None.
    problem: str | None = None


def erase_lines(path: Path, eraser: Eraser, *, dry_run: bool) -> Kept:
    """Rewrite a file of JSON lines that others append to under its lock (see `worker/sinks/file.py`)."""
    kept = Kept(str(path))
    with _troubles(kept):
        path = path.resolve()  # a symbolic link stays one
        while True:
            with path.open("rb") as source:
                kept.found = _count(source, eraser)
            if not kept.found or dry_run:
                break
            try:
                kept.erased = _rewrite(path, eraser)
            except _Another:
                continue
            break
    return kept


def erase_packed(path: Path, eraser: Eraser, *, dry_run: bool) -> Kept:
    """Rewrite a gzip file of JSON lines, which no process appends to."""
    kept = Kept(str(path))
    with _troubles(kept):
        with gzip.open(path) as source:
            kept.found = _count(source, eraser)
        if kept.found and not dry_run:
            with (
                gzip.open(path) as source,
                replacing(path) as target,
                gzip.GzipFile(fileobj=target, mode="wb", filename=path.stem) as packed,
            ):
                erased = _copy(source, packed, eraser)
            kept.erased = erased
    return kept


def erase_object(path: Path, eraser: Eraser, kept: Kept, *, dry_run: bool) -> None:
    """Rewrite a file of one JSON line, which is only ever replaced as a whole; add the result to `kept`."""
    # A file may be deleted by its retention while the folder is read; the folder itself exists.
    with _troubles(kept), suppress(FileNotFoundError):
        line = path.read_bytes()
        without = eraser.line(line)
        if without == line:
            return
        kept.found += 1
        if not dry_run:
            with replacing(path) as target:
                target.write(without)
            kept.erased += 1


def clear_up(folder: Path, pattern: str) -> None:
    """Delete unfinished files of killed processes: they may contain data to be erased."""
    for part in folder.glob(pattern):
        with suppress(FileNotFoundError):  # another process was faster
            if part.stat().st_mtime < time.time() - _LEFT_SECONDS:
                part.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file that then replaces the old one atomically, with its owner and times. Raises OSError."""
    before = path.stat()
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as target:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(target.fileno(), before.st_uid, before.st_gid)
            os.fchmod(target.fileno(), stat.S_IMODE(before.st_mode))
            yield target
            target.flush()
            # Keep the times, since rotation uses the file's day.
            os.utime(target.fileno(), ns=(before.st_atime_ns, path.stat().st_mtime_ns))
            os.fsync(target.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _rewrite(path: Path, eraser: Eraser) -> int:
    """Copy the file while others append, then copy under its lock what they appended; return how many lines changed."""
    with path.open("rb") as source, replacing(path) as target:
        end = whole_lines(source.fileno())
        mark = _end_before(source, end)
        erased = _copy(_lines_until(source, end), target, eraser)
        fcntl.flock(source, fcntl.LOCK_EX)
        if not is_at(path, source.fileno()) or _end_before(source, end) != mark:
            raise _Another
        source.seek(end)
        erased += _copy(source, target, eraser)
        # An interrupted compression may have left a partial file; a locked file is never being compressed.
        path.with_name(f"{path.name}.gz.part").unlink(missing_ok=True)
    return erased


def _lines_until(source: IO[bytes], end: int) -> Iterator[bytes]:
    read = 0
    while read < end:
        line = source.readline()
        read += len(line)
        yield line


def _end_before(source: IO[bytes], end: int) -> bytes:
    start = max(0, end - _MARK_BYTES)
    return os.pread(source.fileno(), end - start, start)


def _copy(source: Iterable[bytes], target: IO[bytes] | gzip.GzipFile, eraser: Eraser) -> int:
    erased = 0
    for line in source:
        without = eraser.line(line)
        erased += without != line
        target.write(without)
    return erased


def _count(source: Iterable[bytes], eraser: Eraser) -> int:
    return sum(eraser.line(line) != line for line in source)


@contextmanager
def _troubles(kept: Kept) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        kept.is_missing = True
    except PermissionError as error:
        kept.problem = f"{error.strerror}: run this as the user whose file it is"
    except (OSError, EOFError, zlib.error) as error:
        kept.problem = str(getattr(error, "strerror", None) or error)
