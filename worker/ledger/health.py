"""How the sinks are: active, failing (tried with one delivery at a time), or disabled (asked to leave alone)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from worker.ledger.backlog import Clock, server_clock
from worker.ledger.keys import SINK_RUNS, SINKS

if TYPE_CHECKING:
    from worker.ledger.scripts import Argument, Scripts

# So many failed attempts without a success in between are no accident.
FAILURES_IN_A_ROW = 10
# A batch fails at once, as many records as it holds: one is an accident (a deadlock, a restart), a second one is none.
MOST_OF_A_BATCH = FAILURES_IN_A_ROW // 2
# How often a failing sink is tried: a sink that is back is noticed soon, one that is not costs next to nothing.
PROBE_SECONDS = 5.0
# After so long of nothing but failures nobody is going to repair it by itself (Svix waits as long).
DISABLED_AFTER_SECONDS = 5 * 86_400


class SinkHealth:
    """The states of all sinks, shared by every process. Nothing that waits for a sink is ever dropped by its state."""

    def __init__(self, client: Any, scripts: Scripts, *, clock: Clock = server_clock) -> None:
        self._client = client
        self._scripts = scripts
        self._clock = clock

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the state of each sink that is not simply active: `state`, `since` (ms), `reason`, `probe_at` (ms)."""
        return {name.decode(): json.loads(state) for name, state in self._client.hgetall(SINKS).items()}

    def failed(self, sink: str, reason: str, *, attempts: int = 1) -> str:
        """Note that so many attempts failed at once; returns what the sink has become: `failing`, `disabled`, or ''."""
        args: list[Argument] = [
            sink,
            min(attempts, MOST_OF_A_BATCH),
            FAILURES_IN_A_ROW,
            PROBE_SECONDS * 1000,
            DISABLED_AFTER_SECONDS * 1000,
            reason,
            self._clock(),
        ]
        become: bytes = self._scripts.run("sink/failed", [SINKS, SINK_RUNS], args)
        return become.decode()

    def succeeded(self, sink: str) -> bool:
        """Note a success; True if the sink was failing."""
        return bool(self._scripts.run("sink/succeeded", [SINKS, SINK_RUNS], [sink]))

    def may_probe(self, sink: str) -> bool:
        """May a failing sink be tried now? Asking takes the turn: nobody else may until the next time."""
        args: list[Argument] = [sink, PROBE_SECONDS * 1000, self._clock()]
        return bool(self._scripts.run("sink/probe", [SINKS, SINK_RUNS], args))

    def disable(self, sink: str, reason: str) -> bool:
        """Stop delivering to a sink. False if it was disabled already, which it stays for the reason it was."""
        return bool(self._scripts.run("sink/disable", [SINKS, SINK_RUNS], [sink, reason, self._clock()]))

    def enable(self, sink: str) -> bool:
        """Deliver to a sink again, as if nothing had been. True if it was disabled or failing."""
        self._client.hdel(SINK_RUNS, sink)
        return bool(self._client.hdel(SINKS, sink))
