"""A terminal with somebody at it."""

from __future__ import annotations

import os
import pty
from contextlib import suppress


def seen_on_a_terminal(start, *, typed=b""):
    """What a program shows on a terminal, and its exit code; `start(terminal)` starts it there, as a Popen."""
    ours, theirs = pty.openpty()
    with start(theirs) as process:
        os.close(theirs)
        os.write(ours, typed)
        shown = b""
        with suppress(OSError):  # the end of a terminal's other side
            while piece := os.read(ours, 4096):
                shown += piece
    os.close(ours)
    return shown.decode(), process.returncode
