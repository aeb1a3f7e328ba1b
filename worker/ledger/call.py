"""One call: its state, a leased call, and the decision on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.callback import Callback
    from worker.ledger.backlog import Claim, Lease


@dataclass(frozen=True, slots=True)
class CallState:
    """A call's state. `since` and `ended` are milliseconds of Redis's clock; `revision` is 0 before the first record."""

    since: int
    ended: int | None
    revision: int
    fetches: int
    reason: str | None

    @classmethod
    def parse(cls, text: bytes) -> CallState:
        """Return the state parsed from the JSON that the scripts write."""
        state = json.loads(text)
        return cls(
            int(state["since"]),
            state.get("ended"),
            int(state.get("revision", 0)),
            int(state.get("fetches", 0)),
            state.get("reason"),
        )


@dataclass(frozen=True, slots=True)
class OwedCall:
    """A leased call: its claim, its state, and its callbacks so far."""

    lease: Lease
    claim: Claim
    state: CallState
    callbacks: tuple[Callback, ...]

    @property
    def call_sid(self) -> str:
        """Return the CallSid."""
        return self.lease.item

    def fetch_step(self, answer: str) -> dict[str, Any]:
        """Return what the call's history says of this fetch."""
        return {"at": round(self.claim.now), "step": "fetch", "answer": answer}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on a call.

    `outcome`: settled, dead (failed), or confirmed (a confirmation that found nothing new). `event` is the record to
    send, if there is one, under `event_key` (`<revision>/<kind>`); `revision` is the call's new revision.
    """

    outcome: str
    revision: int
    event_key: str = ""
    event: dict[str, Any] | None = None
    sinks: Sequence[str] = ()
    reason: str = ""
    requests: int = 1
    confirm_seconds: float | None = None
    step: dict[str, Any] | None = None
