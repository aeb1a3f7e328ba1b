"""Replays for the command line and the API: finds calls by SID, and returns the result as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.ledger.operations.replaying import Fate, call_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.ledger import Ledger
    from worker.ledger.operations.replaying import KnownCall, Replay, Tally


def calls_named(
    ledger: Ledger, sids: Iterable[str], account: str | None, plan: Replay
) -> tuple[list[KnownCall], dict[str, str]]:
    """Find calls by their SIDs; the second value says why others cannot be replayed."""
    found, wrong = [], {}
    for sid in dict.fromkeys(sids):
        call = call_named(ledger, sid)
        if call is None or account not in {None, call.account_sid}:
            wrong[sid] = "no such call in the ledger"
        elif not plan.survey([call]):
            wrong[sid] = f"no such record of it; `legwork calls show {sid}` shows what there is"
        else:
            found.append(call)
    return found, wrong


def sinks_concerned(ledger: Ledger, account: str | None, sink: str | None) -> set[str]:
    """Return the sinks that a replay may queue something for."""
    return {name for sid, name in ledger.deliveries if account in {None, sid} and sink in {None, name}}


def as_document(
    sinks: set[str], surveyed: Tally, done: Tally, wrong: dict[str, str], *, dry_run: bool
) -> dict[str, Any]:
    """Return, by sink, what there was to do (`surveyed`) and what was done."""
    found = surveyed if dry_run else done
    return {
        "dry_run": dry_run,
        "sinks": {
            sink: {
                "to_queue": surveyed[sink, Fate.QUEUED],
                "queued": done[sink, Fate.QUEUED],
                # What is made due sooner waits, too.
                "waiting": found[sink, Fate.WAITING] + found[sink, Fate.SOONER],
                "delivered": found[sink, Fate.DELIVERED],
                "gone": found[sink, Fate.GONE],
            }
            for sink in sorted(sinks)
        },
        "wrong": wrong,
    }
