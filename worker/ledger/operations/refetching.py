"""Make a call due at an operator's request, whatever its schedule says."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from worker.ledger.backlog import Clock, server_clock
from worker.ledger.operations import OPERATOR
from worker.ledger.queries.lookup import book_that_knows
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from worker.ledger import Ledger


class Refetch(StrEnum):
    """The effect of the request."""

    #: It was waiting, and is due now.
    SOONER = "sooner"
    #: It is settled, and is fetched once more at lowest priority; a correction is sent if anything differs.
    CONFIRM = "confirm"
    #: It had failed or was dropped, and is due now; its schedule starts again.
    RETRIED = "retried"
    #: A worker has it, or it is due already: nothing was done.
    UNDER_WAY = "under_way"


def fetch_again(ledger: Ledger, call_sid: str, *, by: str = OPERATOR, clock: Clock = server_clock) -> Refetch | None:
    """Have a call fetched as soon as the account's quota allows; return None for an unknown call.

    `by` is who wants it, for the call's history.
    """
    book = book_that_knows(ledger, call_sid)
    if book is None:
        return None
    of_call = [book.key("call", call_sid), book.key("story", call_sid), book.key("settled"), book.key("dead")]
    found = Scripts(ledger.client).run("backlog/refetch", [*book.fetches.keys, *of_call], [call_sid, clock(), by])
    return None if found is None else Refetch(found.decode())
