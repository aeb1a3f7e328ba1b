"""The health of the sinks: active, failing (tried with one delivery at a time), or disabled (no deliveries)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from worker.ledger.backlog import Clock, server_clock
from worker.ledger.keys import SINK_RUNS, SINKS

if TYPE_CHECKING:
    from worker.ledger.scripts import Argument, Scripts

# Failed attempts in a row after which a sink counts as failing.
FAILURES_IN_A_ROW = 10
# The most that one batch counts for: all of it fails at once, by accident perhaps (a deadlock, a restart); two do not.
MOST_OF_A_BATCH = FAILURES_IN_A_ROW // 2
# Seconds between attempts at a failing sink: recovery is noticed soon, and further failures cost little.
PROBE_SECONDS = 5.0
# Seconds of nothing but failures after which a sink is disabled (Svix waits as long).
DISABLED_AFTER_SECONDS = 5 * 86_400


class SinkHealth:
    """The states of all sinks, shared by every process. A sink's pending deliveries are never dropped because of its state."""

    def __init__(self, client: Any, scripts: Scripts, *, clock: Clock = server_clock) -> None:
        self._client = client
        self._scripts = scripts
        self._clock = clock

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the state of each sink that is not simply active: `state`, `since` (ms), `reason`, `probe_at` (ms)."""
        return {name.decode(): json.loads(state) for name, state in self._client.hgetall(SINKS).items()}

    def failed(self, sink: str, reason: str, *, attempts: int = 1) -> str:
        """Record that `attempts` attempts failed at once; return the sink's new state: `failing`, `disabled`, or ''."""
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
        """Record a success; return True if the sink is failing, which `recovered` ends.

        It stays failing until then, so that the caller may bring forward what waits for it first: if the caller dies, the
        next success is told the same.
        """
        return bool(self._scripts.run("sink/succeeded", [SINKS, SINK_RUNS], [sink]))

    def recovered(self, sink: str) -> bool:
        """Make a failing sink active; return False if it was not failing any more."""
        return bool(self._scripts.run("sink/recovered", [SINKS, SINK_RUNS], [sink]))

    def may_probe(self, sink: str) -> bool:
        """Return whether a failing sink may be tried now. A True uses up the turn: the next caller has to wait."""
        args: list[Argument] = [sink, PROBE_SECONDS * 1000, self._clock()]
        return bool(self._scripts.run("sink/probe", [SINKS, SINK_RUNS], args))

    def disable(self, sink: str, reason: str) -> bool:
        """Stop delivering to a sink. Returns False if it was disabled already; then it keeps its reason."""
        return bool(self._scripts.run("sink/disable", [SINKS, SINK_RUNS], [sink, reason, self._clock()]))

    def enable(self, sink: str) -> bool:
        """Deliver to a sink again, and reset its failures. Returns True if it was disabled or failing."""
        self._client.hdel(SINK_RUNS, sink)
        return bool(self._client.hdel(SINKS, sink))
