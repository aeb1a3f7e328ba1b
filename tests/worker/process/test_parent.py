"""A child that ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from processes import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child")

# As granian does: the handler first, then the fork, and the child's own handler when it has loaded the application.
PROGRAM = """
import multiprocessing, os, signal, time
from worker.process.parent import end_with_parent

def child():
    end_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(60)

signal.signal(signal.SIGTERM, lambda *_: None)
multiprocessing.get_context("fork").Process(target=child).start()
time.sleep(60)
"""


def test_a_child_that_is_still_starting_ends_with_its_parent():
    """Told to end, it did what its parent does then, which in the child was nothing, and took callbacks for ever."""
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.communicate(timeout=60)  # which ends when nobody holds the other end any more
    except subprocess.TimeoutExpired:
        os.kill(child, signal.SIGKILL)
        raise
