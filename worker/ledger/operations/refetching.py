"""Has a call fetched at an operator's word, whatever its schedule says."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from worker.ledger.backlog import Clock, server_clock
from worker.ledger.queries.lookup import book_that_knows
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from worker.ledger import Ledger


class Refetch(StrEnum):
    """What becomes of it."""

    #: It waited for its time, and is due now.
    SOONER = "sooner"
    #: It is settled, and is read once more, when nobody else wants the quota; a correction goes out if anything differs.
    CONFIRM = "confirm"
    #: It was given up on, or dropped, and is due now; its schedule begins anew.
    RETRIED = "retried"
    #: A worker has it, or it is due already: nothing was to be done.
    UNDER_WAY = "under_way"


def fetch_again(ledger: Ledger, call_sid: str, *, clock: Clock = server_clock) -> Refetch | None:
    """Have a call fetched as soon as the account may be asked; None if no account knows it."""
    book = book_that_knows(ledger, call_sid)
    if book is None:
        return None
    of_call = [book.key("call", call_sid), book.key("story", call_sid), book.key("settled"), book.key("dead")]
    found = Scripts(ledger.client).run("backlog/refetch", [*book.fetches.keys, *of_call], [call_sid, clock()])
    return None if found is None else Refetch(found.decode())
