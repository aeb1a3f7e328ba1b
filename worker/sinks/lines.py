"""Appends lines to a file so that it never holds a part of one, whatever became of those who wrote before."""

from __future__ import annotations

import os

import orjson

# Looking for the last line break begins with the last byte, where it nearly always is; then in steps of so many.
_BLOCK_BYTES = 64 * 1024


def append(file: int, lines: bytes) -> None:
    """Append to an open file, whose lock the caller holds, and bring it to the disk. Raises OSError, and then nothing was."""
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


def whole_lines(file: int) -> int:
    """Return how many bytes of an open file are whole lines."""
    end = os.fstat(file).st_size
    return end - len(_last_line(file, end))


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
