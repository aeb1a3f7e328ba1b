"""What is told of a search that found nothing: what was looked for, among how many calls, and how far back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.ledger.queries.listing import calls_kept

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.queries.filters import SearchText


def nothing_found(ledger: Ledger, search: SearchText) -> str:
    """Return it in two sentences."""
    meant = [f"the custom field {search.text!r}"]
    if search.address_end is not None:
        meant.insert(0, f"a number that ends in {search.address_end}" if search.number is None else "this number")
    if search.sid_prefix is not None:
        meant.insert(0, f"a CallSid that begins with {search.sid_prefix}")
    kept = calls_kept(ledger)
    among = f"{kept:,} call is" if kept == 1 else f"{kept:,} calls are"
    days = ledger.settings.retention_days
    return f"No call has {' or '.join(meant)}. {among} kept, each for {days:g} days after its last delivery."
