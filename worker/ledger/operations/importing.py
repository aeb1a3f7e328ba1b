"""Import calls by their CallSids: those that the ledger does not know are fetched, below live calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.callback import Callback
from worker.ledger.backlog import Lane
from worker.ledger.queries.pages import in_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.ledger import Ledger

# Calls that one round trip looks up or admits: some milliseconds of Redis's time.
_AT_ONCE = 500


@dataclass(slots=True)
class Survey:
    """What the ledger knows of the calls of a list."""

    known: int = 0
    unknown: list[str] = field(default_factory=list)
    #: The calls that another account has, with that account.
    of_others: dict[str, str] = field(default_factory=dict)


def survey(ledger: Ledger, account_sid: str, call_sids: Iterable[str]) -> Iterator[Survey]:
    """Yield what is known of the calls, page by page."""
    others = [sid for sid in ledger.calls if sid != account_sid]
    for page in in_pages(call_sids, _AT_ONCE):
        pipeline = ledger.client.pipeline(transaction=False)
        for call_sid in page:
            pipeline.exists(ledger.calls[account_sid].key("call", call_sid))
            pipeline.exists(*(ledger.calls[sid].key("call", call_sid) for sid in others or [account_sid]))
        answers = iter(pipeline.execute())
        found = Survey()
        for call_sid, here, elsewhere in zip(page, answers, answers, strict=True):
            if here:
                found.known += 1
            elif others and elsewhere:
                found.of_others[call_sid] = next(
                    sid for sid in others if ledger.client.exists(ledger.calls[sid].key("call", call_sid))
                )
            else:
                found.unknown.append(call_sid)
        yield found


def admit(ledger: Ledger, account_sid: str, call_sids: Iterable[str]) -> Iterator[int]:
    """Admit the calls that are still unknown, due now, behind live calls; yield how many of each page were.

    A call is admitted as by a callback of the kind `imported` that says it has ended. One that a callback of Exotel is about
    meanwhile is left to that callback. It may be broken off and run again.
    """
    book = ledger.calls[account_sid]
    for page in in_pages(call_sids, _AT_ONCE):
        pipeline = ledger.client.pipeline(transaction=False)
        received_at = datetime.fromtimestamp(ledger.now_ms() / 1000, UTC)
        for call_sid in page:
            callback = Callback("imported", call_sid, received_at, None, True, {"CallSid": call_sid})
            book.admit_unknown_on(pipeline, callback, Lane.RECONCILE)
        yield sum(pipeline.execute())


def cost_of(ledger: Ledger, account_sid: str, calls: int) -> tuple[int, float]:
    """Return the least number of requests that so many calls take, and how many seconds of the account's quota these are."""
    account = ledger.account(account_sid)
    return calls, calls * account.quota_seconds / account.quota
