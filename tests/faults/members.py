"""Start, watch, kill and restart a process of the system under test, as a supervisor would."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.tied import tied

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Seconds before a restart, as with systemd's RestartSec and Docker's restart policy.
RESTART_SECONDS = 0.3


@dataclass
class Death:
    """The end of a process: its cause (`asked`: a fault), and its exit code."""

    member: str
    at: float
    code: int
    asked: bool


@dataclass
class Member:
    """One process. `ready` is a text in its log (or None) that says it is up."""

    name: str
    command: list[str]
    environ: dict[str, str]
    log: Path
    folder: Path
    ready_word: bytes = b""
    feed: bytes = b""
    #: Called whenever the process has ended.
    told: Callable[[Death], None] = lambda _: None
    process: asyncio.subprocess.Process | None = None
    #: True if it should run: when it dies, it is started again.
    wanted: bool = False
    _asked: bool = False
    _log_from: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self, **more: str) -> None:
        """Start it; `more` is added to its environment this time."""
        assert not self.alive, self.name
        self.wanted, self._asked = True, False
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *tied(self.command),
                env=self.environ | more,
                cwd=self.folder,
                stdin=asyncio.subprocess.PIPE if self.feed else asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self.feed:
            assert self.process.stdin is not None
            self.process.stdin.write(self.feed)
            self.process.stdin.close()
        task = asyncio.create_task(self._attend(self.process, more))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, process: asyncio.subprocess.Process, more: dict[str, str]) -> None:
        code = await process.wait()
        self.told(Death(self.name, time.monotonic(), code, self._asked))
        if self.wanted and not self._asked:
            kill_group(process.pid)
            await asyncio.sleep(RESTART_SECONDS)
            if self.wanted and not self.alive:
                await self.start(**more)

    async def until_ready(self, seconds: float = 30.0) -> None:
        """Wait until it reports that it is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.ready_word in self.said_since_start():
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(f"{self.name} was not ready within {seconds:g} s: {self.said_since_start()[-2000:]!r}")

    def said_since_start(self) -> bytes:
        if not self.log.exists():
            return b""
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            return log.read()

    def signal(self, number: int, *, group: bool = False) -> int:
        """Send a signal to the process, or also to its children; return its pid."""
        assert self.process is not None
        assert self.alive, f"{self.name} is dead already"
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self._asked = True
        pid = self.process.pid
        with suppress(ProcessLookupError):  # it has just ended
            if group:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        return pid

    async def ended(self, seconds: float) -> float:
        """Wait for its end, and return how many seconds that took. Raises TimeoutError."""
        assert self.process is not None
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            await self.process.wait()
        return time.monotonic() - began

    async def kill(self) -> None:
        """Kill it and its children with kill -9, and wait for its end."""
        assert self.process is not None
        self.signal(signal.SIGKILL, group=True)
        await self.ended(5)

    async def stop(self, seconds: float = 10.0) -> None:
        """End it permanently."""
        self.wanted = False
        if self.process is None:
            return
        if self.alive:
            self._asked = True
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await self.ended(seconds)
        kill_group(self.process.pid)
        await self.process.wait()
        for task in list(self._tasks):
            await task


def kill_group(pid: int) -> None:
    """Kill the remaining children of a process with kill -9."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
