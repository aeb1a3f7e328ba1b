"""One call: its state, a call that we hold a lease on, and how it is decided."""

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
    """Where a call stands. `since` and `ended` are milliseconds of Redis's clock; `revision` is 0 before the first record."""

    since: int
    ended: int | None
    revision: int
    fetches: int
    reason: str | None

    @classmethod
    def parse(cls, text: bytes) -> CallState:
        """Read the state as the scripts write it."""
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
    """A call that we hold a lease on: its claim, its state, and the callbacks so far."""

    lease: Lease
    claim: Claim
    state: CallState
    callbacks: tuple[Callback, ...]

    @property
    def call_sid(self) -> str:
        """The CallSid."""
        return self.lease.item

    def fetch_step(self, answer: str) -> dict[str, Any]:
        """Return what the call's history says of this fetch."""
        return {"at": round(self.claim.now), "step": "fetch", "answer": answer}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call is decided.

    `outcome`: settled, dead, or confirmed (a confirmation that found nothing new). `event` is the record to send out, if
    there is one, under `event_key` (`<revision>/<kind>`); `revision` is the call's from now on.
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
