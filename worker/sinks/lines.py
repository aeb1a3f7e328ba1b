"""Append lines to a file so that it contains only whole lines, even after a writer was killed."""

from __future__ import annotations

import os

import orjson

# The search for the last line break begins with the last byte, where it usually is; then it goes back in such steps.
_BLOCK_BYTES = 64 * 1024


def append(file: int, lines: bytes) -> None:
    """Append to an open file, whose lock the caller holds, and sync it. Raises OSError; then nothing was appended."""
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
    """Return the number of bytes in an open file's whole lines."""
    end = os.fstat(file).st_size
    return end - len(_last_line(file, end))


def _mend(file: int, unfinished: bytes, end: int, lines: bytes) -> tuple[int, bytes]:
    """Return where to append, and what, so that an unfinished line does not corrupt the next."""
    try:
        orjson.loads(unfinished)
    except orjson.JSONDecodeError:
        # Left by a killed writer. It was never acknowledged, so its records are sent again.
        os.ftruncate(file, end - len(unfinished))
        return end - len(unfinished), lines
    return end, b"\n" + lines


def _last_line(file: int, end: int) -> bytes:
    """Return the bytes after the last line break."""
    start, found = end, b""
    size = 1
    while start > 0 and b"\n" not in found:
        size = min(start, size)
        start -= size
        found = os.pread(file, size, start) + found
        size = _BLOCK_BYTES
    return found.rpartition(b"\n")[2]
