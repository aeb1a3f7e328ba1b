"""What the script that stores a callback is called with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.ledger.backlog import Backlog, Lane
from worker.ledger.codec import pack_callback
from worker.ledger.index import began_key
from worker.ledger.keys import of_account

if TYPE_CHECKING:
    from schemas.callback import Callback
    from worker.ledger.scripts import Argument

# A call sends a handful of callbacks, a long campaign of one flow perhaps thirty. The limit keeps a sender who knows
# the token from filling Redis through one call; callbacks above it are only counted in the call's state.
CALLBACKS_KEPT = 500


def admission(
    fetches: Backlog,
    callback: Callback,
    *,
    wait_seconds: float = 0.0,
    lane: Lane = Lane.LIVE,
    is_import: bool = False,
    clock: str,
) -> tuple[list[str], list[Argument]]:
    """Return the keys and arguments of `admit.lua` for a callback of the account whose fetches these are."""
    account_sid = fetches.account_sid
    keys = [
        *fetches.keys,
        of_account(account_sid, "call", callback.call_sid),
        of_account(account_sid, "totals"),
        began_key(account_sid),
    ]
    args: list[Argument] = [
        callback.call_sid,
        pack_callback(callback),
        int(callback.ended),
        wait_seconds * 1000,
        CALLBACKS_KEPT,
        int(lane),
        int(is_import),
        clock,
    ]
    return keys, args
