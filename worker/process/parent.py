"""Ends a child process with its parent, however the parent comes to its end: SIGKILL and crashes included.

Also a program: `parent.py <pid of the parent> <command> …` becomes that command. What must be done between fork and exec
is done there, because a fork that runs Python is not safe in a process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# <linux/prctl.h>: the signal to be sent when the parent's thread that forked is gone. It survives an exec.
_PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str]) -> list[str]:
    """Return a command that does the same, and is sent SIGTERM when this process dies; elsewhere than on Linux as it is.

    The thread that starts it has to live as long as the process.
    """
    if sys.platform != "linux":
        return list(command)
    # -I and -S: no environment, no site-packages; it starts in a few milliseconds.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def end_with_parent() -> None:
    """Have this process, which `multiprocessing` has started, sent SIGTERM when its parent dies; only on Linux."""
    from multiprocessing import parent_process  # noqa: PLC0415  the program below does without it, and starts sooner

    parent = parent_process()
    if parent is None or sys.platform != "linux":
        return
    # A fork has its parent's handlers, and in here nobody would hear what they do. Who wants his own sets it after this.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _watch_parent()
    if os.getppid() != parent.pid:  # it died before it could be watched
        os.kill(os.getpid(), signal.SIGTERM)


def _watch_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _become(parent: int, command: list[str]) -> None:
    _watch_parent()
    if os.getppid() == parent:  # else it died before it could be watched
        os.execvp(command[0], command)  # noqa: S606  the command is the caller's, and no shell is wanted


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
