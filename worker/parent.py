"""Ends a child process with its parent, however the parent comes to its end."""

from __future__ import annotations

import ctypes
import signal
import sys

# <linux/prctl.h>; the request survives an exec.
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """Have this process sent SIGTERM when its parent dies, SIGKILL and crashes included; to be called after the fork.

    Only Linux can do it; elsewhere this does nothing. The parent's thread that forked counts as the parent.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
