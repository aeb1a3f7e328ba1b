"""The report of agents: how often each was tried and answered, and how long they talked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webhook.operations.reports.report import Report
from worker.record.facts import whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.record.reported import ReportedCall, TriedAgent

COLUMNS = ("agent", "tried", "answered", "missed", "talk_seconds", "longest_wait_seconds")
# Of seconds; sums of Exotel's fractions would show the last digits of binary ones.
_DECIMALS = 3


@dataclass(slots=True)
class _Tally:
    tried: int = 0
    answered: int = 0
    talk_seconds: float = 0
    longest_wait_seconds: float | None = None

    def add(self, call: ReportedCall, agent: TriedAgent) -> None:
        self.tried += 1
        self.answered += agent.answered
        self.talk_seconds += agent.talk_seconds
        if agent.answered and call.direction == "inbound" and call.wait_seconds is not None:
            self.longest_wait_seconds = max(call.wait_seconds, self.longest_wait_seconds or 0)


def agents(calls: Iterable[ReportedCall]) -> Report:
    """Report on the agents of all calls, inbound and outbound; who answered most comes first.

    An agent who was rung several times in one call counts as tried once in it. The longest wait is that of the inbound calls
    in which the agent talked: how long the customer waited until somebody answered, which is the first agent where a call
    was transferred. In outbound calls it is the agent who waits, so they do not count for it. Agents without a number and
    without an address are in no row.
    """
    tallies: dict[str, _Tally] = {}
    count = unlisted = 0
    for call in calls:
        count += 1
        for agent in call.agents:
            if agent.name is None:
                unlisted += 1
            else:
                tallies.setdefault(agent.name, _Tally()).add(call, agent)
    rows: list[dict[str, Any]] = [
        {
            "agent": name,
            "tried": tally.tried,
            "answered": tally.answered,
            "missed": tally.tried - tally.answered,
            "talk_seconds": whole(round(float(tally.talk_seconds), _DECIMALS)),
            "longest_wait_seconds": tally.longest_wait_seconds,
        }
        for name, tally in tallies.items()
    ]
    rows.sort(key=lambda row: (-row["answered"], -row["tried"], row["agent"]))
    return Report(rows, count, unlisted)
