"""`/accounts`: each account's state, its quota, and its use of the quota now and in the last hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from webhook.console.charts import quota
from webhook.context.services import services
from worker.ledger.queries.totals import totals_of_accounts

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/accounts")
def show() -> ResponseReturnValue:
    """Show every account."""
    ledger = services().ledger
    accounts = [
        (account := ledger.account(totals.sid), totals, quota(ledger, account))
        for totals in totals_of_accounts(ledger, ledger.calls)
    ]
    return render_template("accounts.html", accounts=accounts, now_ms=ledger.now_ms())
