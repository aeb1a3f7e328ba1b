"""The filter of calls that a query asks for, the same for the list and the export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook.api.blueprints import check_known
from webhook.operations.times import in_ms
from worker.ledger.queries.filters import CallFilter

if TYPE_CHECKING:
    from collections.abc import Mapping


def which_calls(given: Mapping[str, Any]) -> CallFilter:
    """Return the filter of a loaded `CallFilterShape`. Refuses an unknown account or sink (404)."""
    account, sink = given.get("account"), given.get("undelivered")
    check_known(account, sink)
    return CallFilter(
        accounts=None if account is None else [account],
        state=given.get("state"),
        outcome=given.get("outcome"),
        direction=given.get("direction"),
        undelivered=sink,
        since_ms=in_ms(given["since"]) if "since" in given else None,
        until_ms=in_ms(given["until"]) if "until" in given else None,
    )
