"""`tied.py <pid> <command> …` becomes that command, and gets SIGTERM when process <pid> dies: no orphans.

A child of a process with threads must not run Python between fork and exec; a separate program may.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def tied(command: list[str]) -> list[str]:
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == int(sys.argv[1]):
        os.execvp(sys.argv[2], sys.argv[2:])
