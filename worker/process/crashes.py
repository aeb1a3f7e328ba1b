"""Log uncaught exceptions of a process and its threads: Python would print them, unmasked."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from types import TracebackType

log = structlog.get_logger(__name__)


def tell_crashes() -> None:
    """Log uncaught exceptions from now on. For a separate process whose logs are set up."""
    sys.excepthook, threading.excepthook = _of_process, _of_thread


def _of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("process.crashed", exc_info=(kind, error, trace))


def _of_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_type is not SystemExit:
        name = crash.thread.name if crash.thread else "?"
        log.critical("thread.crashed", thread=name, exc_info=(crash.exc_type, crash.exc_value, crash.exc_traceback))
