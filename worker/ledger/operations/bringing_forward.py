"""Make everything that waits for a sink due now, whatever the schedule of each delivery says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.ledger import Ledger


def bring_forward(ledger: Ledger, sink: str) -> int:
    """Make a sink's waiting deliveries due now, in every account, in their order; return how many were due later.

    Deliveries that a worker has are left alone, and attempts already made still count. The sink's rate and concurrency hold.
    """
    return sum(book.backlog.bring_forward() for (_, name), book in ledger.deliveries.items() if name == sink)
