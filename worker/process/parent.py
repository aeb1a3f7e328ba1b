"""End a child process when its parent ends in any way, SIGKILL and crashes included.

Also a program: `parent.py <pid of the parent> <command> …` becomes that command. It does what must be done between fork and
exec, because running Python after a fork is not safe in a process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# <linux/prctl.h>: the signal to send when the parent's thread that forked ends. It survives an exec.
_PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str]) -> list[str]:
    """Return a command that does the same and gets SIGTERM when this process dies; unchanged except on Linux.

    The thread that starts it must live as long as the process.
    """
    if sys.platform != "linux":
        return list(command)
    # -I and -S: no environment, no site-packages; it starts in a few milliseconds.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def end_with_parent() -> None:
    """Arrange that this process, started by `multiprocessing`, gets SIGTERM when its parent dies; only on Linux."""
    from multiprocessing import parent_process  # noqa: PLC0415  the program below does not need it, and so starts faster

    parent = parent_process()
    if parent is None or sys.platform != "linux":
        return
    # A fork inherits its parent's handlers, which have no effect in the child. Set the child's own handlers after this.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _watch_parent()
    if os.getppid() != parent.pid:  # it died before it could be watched
        os.kill(os.getpid(), signal.SIGTERM)


def _watch_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _become(parent: int, command: list[str]) -> None:
    _watch_parent()
    if os.getppid() == parent:  # else it died before it could be watched
        os.execvp(command[0], command)  # noqa: S606  the command is the caller's, without a shell


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
