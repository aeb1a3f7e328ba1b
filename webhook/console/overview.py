"""`/`: is it flowing, what waits and why, how full is the bucket, what failed last. It reads what `legwork status` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from webhook.door import door
from webhook.letters import Letters
from worker.ledger.browsing import page_of_calls
from worker.ledger.lately import given_up_lately
from worker.ledger.standing import STATES, account_standing, sink_standing

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("overview", __name__)

# What fits on a screen below the figures.
_LATELY = 8
_FAILED = 5


@blueprint.get("/")
def overview() -> ResponseReturnValue:
    """Show how things stand."""
    ledger = door().ledger
    ledger.refresh_sinks()
    states = ledger.sink_states()
    accounts = [account_standing(ledger, sid) for sid in ledger.calls]
    totals = {name: sum(getattr(account, name) for account in accounts) for name in ("received", *STATES)}
    return render_template(
        "overview.html",
        now_ms=ledger.now_ms(),
        totals=totals,
        oldest_seconds=max(account.oldest_waiting_seconds for account in accounts),
        eta_seconds=max(account.eta_seconds for account in accounts),
        accounts=accounts,
        sinks=[sink_standing(ledger, spec.name, states) for spec in ledger.sinks.values()],
        calls=page_of_calls(ledger, limit=_LATELY).calls,
        failed=given_up_lately(ledger, limit=_FAILED),
        letters=Letters(ledger),
        workers=ledger.workers(),
    )
