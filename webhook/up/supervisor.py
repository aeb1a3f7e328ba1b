"""Starts processes together, shows their output, and stops them together.

Prefixes and colours are honcho's. Its Manager is not used: it puts another process between the parent and each child,
which outlives a killed parent, and a signal during its start ends in a traceback.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Protocol, Self

from honcho.colour import get_colours
from honcho.printer import Message

from worker.process.parent import tied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType, TracebackType

# Part of the ten seconds in which everything has to stop; the rest is for Redis.
GRACE_SECONDS = 7.0
# How often the end of the grace period is checked.
_LOOK_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Printer(Protocol):
    """Shows a line: honcho's Printer, or one that writes JSON."""

    def write(self, message: Message) -> None:
        """Show a message's line under its name."""


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A member's process has ended, with everything that it had started."""

    name: str
    code: int

    def __str__(self) -> str:
        how = f"exit code {self.code}" if self.code >= 0 else signal.Signals(-self.code).name
        return f"{self.name} ended by itself ({how})"


class Supervisor:
    """A context: inside it, SIGINT, SIGTERM and SIGHUP mean `stop`; at its exit no member is left running."""

    def __init__(self, printer: Printer) -> None:
        self._printer: Printer | None = printer
        self._colours = get_colours()
        self._colour_of: dict[str, str] = {}
        self._members: dict[str, subprocess.Popen[bytes]] = {}
        self._events: SimpleQueue[_Line | Ended | signal.Signals] = SimpleQueue()
        self._attended: set[str] = set()
        self._kill_at: float | None = None

    def __enter__(self) -> Self:
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.work()

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start a member in its own session, so that Ctrl-C on the terminal reaches only this process."""
        self._members[name] = subprocess.Popen(
            tied(command),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def say(self, name: str, text: str) -> None:
        """Show a line under a name, which need not be a member's. Safe from any thread."""
        self._events.put(_Line(name, text))

    def stop(self) -> None:
        """Send SIGTERM to all members, and SIGKILL to those still running after GRACE_SECONDS, or at the second call."""
        if self._kill_at is not None:
            self._kill_at = time.monotonic()
            return
        self._kill_at = time.monotonic() + GRACE_SECONDS
        for process in self._members.values():
            process.terminate()

    def work(self) -> Ended | None:
        """Show the members' output until all have ended; when one ends, the others are stopped.

        Returns the member that ended by itself, or None.
        """
        for name in self._members.keys() - self._attended:
            self._attended.add(name)
            Thread(target=self._attend, args=(name, self._members[name]), daemon=True).start()
        ended_early = None
        while self._members:
            match self._next():
                case Ended() as ended:
                    del self._members[ended.name]
                    if self._kill_at is None:
                        ended_early = ended
                        self.stop()
                case signal.Signals():
                    self.stop()
                case _Line() as line:
                    self._show(line)
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                for process in self._members.values():
                    _kill_group(process)
        return ended_early

    def _next(self) -> _Line | Ended | signal.Signals | None:
        try:
            return self._events.get(timeout=_LOOK_SECONDS)
        except Empty:
            return None

    def _attend(self, name: str, process: subprocess.Popen[bytes]) -> None:
        reader = Thread(target=self._read, args=(name, process), daemon=True)
        reader.start()
        code = process.wait()
        # Kill the children of a crashed member too: they would keep the pipe open.
        _kill_group(process)
        reader.join(_LOOK_SECONDS)
        self._events.put(Ended(name, code))

    def _read(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101  because of stdout=PIPE
        with process.stdout as lines:
            for line in lines:
                self.say(name, line.decode("utf-8", "replace").rstrip("\n"))

    def _show(self, line: _Line) -> None:
        if self._printer is None:
            return
        if line.name not in self._colour_of:
            self._colour_of[line.name] = next(self._colours)
        now = datetime.now()  # noqa: DTZ005  the local time, for the person at the terminal
        try:
            self._printer.write(Message("line", line.text, now, line.name, self._colour_of[line.name]))
        except OSError:  # the terminal, or the reader of the pipe, is gone
            self._printer = None
            self.stop()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._events.put(signal.Signals(number))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
